/**
 * How much several answers to one query mean the same, by embeddings and without training:
 *
 *     agreement  mean cosine over all pairs of answers; 1 for one answer
 *     medoid     the answer with the largest mean cosine to the others, the first within 1e-9: the one to keep
 *
 * A vector of zeros has cosine 0 to everything.
 */
import { dot, unitVector } from "../../../learning/matrix.js";

export interface Agreement {
  agreement: number;
  /** Of each answer to the others; 0 for one answer. */
  meanSimilarity: number[];
  medoid: number;
}

const SAME_SIMILARITY = 1e-9;

export function semanticAgreement(embeddings: readonly ArrayLike<number>[]): Agreement {
  const count = embeddings.length;
  if (count === 1) return { agreement: 1, meanSimilarity: [0], medoid: 0 };
  const units = embeddings.map(unitVector);
  const sums = new Array<number>(count).fill(0);
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      const cosine = dot(units[a], units[b]);
      sums[a] += cosine;
      sums[b] += cosine;
    }
  }
  const meanSimilarity = sums.map((sum) => sum / (count - 1));
  const highest = Math.max(...meanSimilarity);
  return {
    agreement: meanSimilarity.reduce((sum, each) => sum + each, 0) / count,
    meanSimilarity,
    medoid: meanSimilarity.findIndex((each) => each >= highest - SAME_SIMILARITY),
  };
}
