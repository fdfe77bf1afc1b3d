import { deferralCurve, deferralResult, GroupEstimate } from "../../../src/after/cascade/signals/chow.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  train: { group: number; largeCorrect: boolean }[];
  smoothing: number;
  queries: { group: number; confidence: number; smallQuality: number; largeQuality: number }[];
  costs: number[];
}

export const postHocDeferral: GoldenAdapter = {
  method: "post-hoc-deferral",
  tolerance: 1e-9,
  run({ train, smoothing, queries, costs }: Input) {
    const groups = train.map(({ group }) => String(group));
    const estimate = GroupEstimate.fit(
      groups,
      train.map(({ largeCorrect }) => Number(largeCorrect)),
      smoothing,
    );
    const small = queries.map(({ smallQuality }) => smallQuality);
    const large = queries.map(({ largeQuality }) => largeQuality);
    const largeEstimate = queries.map(({ group }) => estimate.estimate(String(group)));
    const chowScores = queries.map(({ confidence }) => 1 - confidence);
    const optimalScores = queries.map(({ confidence }, query) => largeEstimate[query] - confidence);
    const decided = (scores: readonly number[], cost: number) => {
      const defer = scores.map((score) => score > cost);
      return { defer, ...deferralResult(defer, small, large, cost) };
    };
    return {
      largeEstimate,
      chowScores,
      optimalScores,
      decisions: costs.map((cost) => ({
        cost,
        chow: decided(chowScores, cost),
        optimal: decided(optimalScores, cost),
        oracle: small.reduce((sum, each, at) => sum + Math.max(each, large[at] - cost), 0) / small.length,
      })),
      curves: {
        chow: deferralCurve(chowScores, small, large),
        optimal: deferralCurve(optimalScores, small, large),
      },
    };
  },
};
