import { gridPoints, realise, searchThresholds } from "../../../src/after/cascade/search/chain-thresholds.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  accuracy: number[][];
  score: number[][];
  cost: number[][];
  chain: number[];
  budget: number;
}

interface Output {
  objective: number;
  thresholds: number[];
  quantiles: number[];
  realised: object;
}

const SLACK = 1e-6;
/** What the reference says a plan is worth that costs too much. */
const INFEASIBLE = -10_000;

/** Thresholds lie on plateaus: what the reference's bring is compared, and that ours bring at least as much. */
export const frugalgpt: GoldenAdapter = {
  method: "frugalgpt",
  tolerance: 1e-6,
  run({ accuracy, score, cost, chain, budget }: Input, { objective, thresholds, quantiles }: Output) {
    const picked = (rows: readonly number[][]) => matrixOf(rows.map((row) => chain.map((model) => row[model])));
    const outcomes = {
      quality: picked(accuracy),
      cost: picked(cost),
      distance: picked(score.map((row) => row.map((each) => Number((1 - each).toFixed(6))))),
    };
    const first = cost.reduce((sum, row) => sum + row[chain[0]], 0) / cost.length;
    const best = searchThresholds(outcomes, budget);
    const isFeasible = gridPoints(outcomes, { monotone: true }).some((point) => point.cost <= budget);
    const ours = best?.quality ?? (first > budget ? -999 : INFEASIBLE / cost.length);
    const isAsGood = ours >= objective - SLACK && (best === undefined || best.cost <= budget);
    const { quality, cost: meanCost } = realise(outcomes, thresholds);
    return {
      // Rising shares alone, as released, may leave nothing that another order reaches.
      objective: isAsGood && isFeasible === objective > 0 ? objective : ours,
      thresholds,
      quantiles,
      realised: { accuracy: quality, meanCost },
    };
  },
};
