import { nearestClusters, rankScores } from "../../../src/before/routers/avengers.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  centres: number[][];
  embedding: number[];
  rankings: (number[] | null)[];
  numModels: number;
  topK: number;
  topN: number;
  beta: number;
}

/** As released: centres as given, a cluster is left at the first model that its ranking lacks. */
export const avengers: GoldenAdapter = {
  method: "avengers",
  // The files have 12 digits.
  tolerance: 1e-11,
  run({ centres, embedding, rankings, numModels, topK, topN, beta }: Input) {
    const nearest = nearestClusters(matrixOf(centres), embedding, { nearest: topK, beta });
    const scores = rankScores(rankings, nearest, numModels, { compat: true });
    const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]);
    return { ...nearest, scores, chosen: order.slice(0, topN) };
  },
};
