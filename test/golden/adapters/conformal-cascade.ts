import {
  type ConfidentAnswers,
  type CostBoundOptions,
  costRank,
  exceedanceBound,
  searchCostBound,
} from "../../../src/after/cascade/search/cost-bound.js";
import { clopperPearsonUpper, type RiskRow, selectUnderRisk } from "../../../src/learning/risk-control.js";
import type { GoldenAdapter } from "../adapter.js";

type Input =
  | { kind: "bound"; counts: [number, number][]; deltas: number[] }
  | { kind: "select"; scores: number[]; correct: boolean[]; alpha: number; delta: number; thresholds: number[] }
  | ({
      kind: "cost-bound";
      selfTrain: ConfidentAnswers;
      calibration: ConfidentAnswers;
      delta: number;
    } & CostBoundOptions);

const NOTHING = {
  thresholds: null,
  gridSteps: null,
  regret: null,
  costQuantile: null,
  exceedances: null,
  exceedBound: null,
  exceedUpper: null,
  meanCost: null,
};

export const conformalCascade: GoldenAdapter = {
  method: "conformal-cascade",
  tolerance: 1e-9,
  run(input: Input) {
    if (input.kind === "bound") {
      const { counts, deltas } = input;
      return { upper: counts.map(([errors, n]) => deltas.map((delta) => clopperPearsonUpper(errors, n, delta))) };
    }
    if (input.kind === "select") {
      const { thresholds, ...rest } = input;
      const { needed, feasible, rows, bonferroni, fixedSequence, riskControl } = selectUnderRisk(
        rest,
        thresholds,
        rest,
      );
      const chosen = (row?: RiskRow) => ({
        threshold: row?.threshold ?? null,
        coverage: row === undefined ? null : row.accepted / rest.scores.length,
      });
      return {
        needed,
        feasible,
        rows,
        bonferroni: chosen(bonferroni),
        fixedSequence: chosen(fixedSequence),
        riskControl: chosen(riskControl),
      };
    }
    const { selfTrain, calibration, delta } = input;
    const rank = costRank(calibration.length, input.alpha);
    const found = searchCostBound(selfTrain, calibration, input);
    if (found === undefined) return { found: false, ...NOTHING, rank };
    return { found: true, ...found, rank, exceedUpper: exceedanceBound(found, calibration.length, delta) };
  },
};
