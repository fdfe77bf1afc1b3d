import { semanticAgreement as agreementOf } from "../../../src/after/cascade/signals/agreement.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  embeddings: number[][][];
  thresholds: number[];
  smallQuality: number[];
  largeQuality: number[];
  smallCost: number;
  largeCost: number;
}

export const semanticAgreement: GoldenAdapter = {
  method: "semantic-agreement",
  tolerance: 1e-9,
  run({ embeddings, thresholds, smallQuality, largeQuality, smallCost, largeCost }: Input) {
    const agreements = embeddings.map(agreementOf);
    const count = embeddings.length;
    const result = (defer: readonly boolean[]) => ({
      quality: defer.reduce((sum, each, at) => sum + (each ? largeQuality[at] : smallQuality[at]), 0) / count,
      cost:
        defer.reduce((sum, each, at) => sum + embeddings[at].length * smallCost + (each ? largeCost : 0), 0) / count,
    });
    const order = agreements
      .map((_, at) => at)
      .sort((a, b) => agreements[a].agreement - agreements[b].agreement || a - b);
    return {
      agreement: agreements.map(({ agreement }) => agreement),
      meanSimilarity: agreements.map(({ meanSimilarity }) => meanSimilarity),
      medoid: agreements.map(({ medoid }) => medoid),
      atThresholds: thresholds.map((threshold) => {
        const defer = agreements.map(({ agreement }) => agreement < threshold);
        return { threshold, defer, ...result(defer) };
      }),
      curve: Array.from({ length: count + 1 }, (_, deferred) => {
        const first = new Set(order.slice(0, deferred));
        return { deferred, ...result(agreements.map((_, at) => first.has(at))) };
      }),
    };
  },
};
