import { best } from "../../../src/before/allocation/choose.js";
import { eagleScores, nearestLast } from "../../../src/before/routers/eagle.js";
import { EloRatings } from "../../../src/learning/elo.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  numModels: number;
  init: number;
  K: number;
  matches: [a: number, b: number, score: number][];
  similarity: number[];
  n: number;
  p: number;
  cost: number[];
  budget: number;
}

export const eagle: GoldenAdapter = {
  method: "eagle",
  tolerance: 1e-9,
  run({ numModels, init, K: k, matches, similarity, n, p, cost, budget }: Input) {
    const history = matches.map(([a, b, score]) => ({ a, b, score }));
    const replay = (order: typeof history) => {
      const elo = new EloRatings(new Float64Array(numModels).fill(init), { k });
      for (const match of order) elo.play(match);
      return elo;
    };
    const elo = replay(history);
    const localOrder = nearestLast(similarity, n);
    const replayed = localOrder.map((item) => history[item]);
    const { local, score } = eagleScores(elo.averages, replayed, { p, k });
    const costs = Float64Array.from(cost);
    const pick = best(costs, (model) => (costs[model] <= budget ? score[model] : Number.NEGATIVE_INFINITY));
    return {
      final: elo.ratings,
      reversedFinal: replay(history.toReversed()).ratings,
      average: elo.averages,
      localOrder,
      local,
      score,
      pick: costs[pick] <= budget ? pick : null,
    };
  },
};
