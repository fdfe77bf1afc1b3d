/**
 * What the log-probabilities of an answer's tokens say about the answer (Gupta and others, "Language Model Cascades:
 * Token-level uncertainty and beyond", arXiv 2404.10136, as its abstract and summaries describe it):
 *
 *     sum         Σ ln p_t: falls with the length, so long answers are deferred too often
 *     mean        Σ ln p_t / n
 *     quantile α  of ln p_t, linear between ranks; α = 0 is the least likely token
 *
 * Taken of the model's own distribution, before temperature and cuts; the prompt and the end token are not counted.
 */
import { meanOf } from "../../../learning/matrix.js";
import { quantile } from "../../../statistics.js";

/** Quantiles at 0, 0.1, …, 1, then sum, mean, length, first token and the least window. */
export const TOKEN_FEATURES = 16;
const WINDOW = 5;

/** The 16 features, in that order. Of no token at all: those of one token that was certain, and length 0. */
export function tokenFeatures(logProbs: ArrayLike<number>): Float64Array {
  if (logProbs.length === 0) return new Float64Array(TOKEN_FEATURES);
  const sorted = Float64Array.from(logProbs).sort();
  const sum = sorted.reduce((total, each) => total + each, 0);
  const quantiles = Array.from({ length: 11 }, (_, step) => quantile(sorted, step / 10));
  return Float64Array.from([
    ...quantiles,
    sum,
    sum / sorted.length,
    sorted.length,
    logProbs[0],
    leastWindow(logProbs, sum / sorted.length),
  ]);
}

export const TOKEN_MEASURES = ["mean", "sum", "quantile"] as const;

export type TokenMeasure = (typeof TOKEN_MEASURES)[number];

/** One number; the larger, the surer. NaN of no token. */
export function tokenConfidence(logProbs: ArrayLike<number>, measure: TokenMeasure, alpha = 0): number {
  if (logProbs.length === 0) return Number.NaN;
  if (measure === "quantile") return quantile(Float64Array.from(logProbs).sort(), alpha);
  const mean = meanOf(Array.from(logProbs));
  return measure === "mean" ? mean : mean * logProbs.length;
}

/** The least mean over five consecutive tokens; of fewer tokens their mean. */
function leastWindow(logProbs: ArrayLike<number>, mean: number): number {
  if (logProbs.length < WINDOW) return mean;
  let sum = 0;
  for (let at = 0; at < WINDOW; at++) sum += logProbs[at];
  let least = sum;
  for (let at = WINDOW; at < logProbs.length; at++) {
    sum += logProbs[at] - logProbs[at - WINDOW];
    least = Math.min(least, sum);
  }
  return least / WINDOW;
}
