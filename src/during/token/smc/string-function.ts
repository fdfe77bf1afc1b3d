/**
 * What an ensemble over strings makes of its members' probabilities of one string, in natural logarithms:
 *
 *     product      Π_i p_i                       minimum    min_i p_i
 *     power mean   (Σ_i w_i p_i^r)^(1/r)         Σ w_i = 1; r = 0 is Π_i p_i^(w_i), r = 1 the mixture
 *
 * A power mean with r ≤ 0 is 0 where a member of weight above 0 finds the string impossible.
 */

import { logSumExp } from "../../../statistics.js";

export type StringFunction =
  | { kind: "product" }
  | { kind: "minimum" }
  | { kind: "power"; r: number; weights: readonly number[] };

/** ln f(p_1, …, p_n) of ln p_i. */
export function logOf(f: StringFunction, logs: readonly number[]): number {
  switch (f.kind) {
    case "product":
      return logs.reduce((sum, value) => sum + value, 0);
    case "minimum":
      return Math.min(...logs);
    case "power":
      return f.r === 0 ? geometric(f.weights, logs) : powerMean(f.r, f.weights, logs);
  }
}

function geometric(weights: readonly number[], logs: readonly number[]): number {
  return logs.reduce((sum, value, index) => (weights[index] === 0 ? sum : sum + weights[index] * value), 0);
}

function powerMean(r: number, weights: readonly number[], logs: readonly number[]): number {
  const terms = logs.flatMap((value, index) => (weights[index] === 0 ? [] : [Math.log(weights[index]) + r * value]));
  // With r below 0, the impossible is e^(+∞): the mean is then 0.
  if (terms.includes(Number.POSITIVE_INFINITY)) return Number.NEGATIVE_INFINITY;
  return logSumExp(terms) / r;
}
