/**
 * EVA's fusion: each step ignores members whose top token no other member ranks (arXiv 2404.09492; released code
 * ensemble/eva_multi.py, `drop`).
 *
 *     keep i  ⇔  argmax y_i is among the n largest of y_j for some j ≠ i        nobody kept ⇒ all are
 *     p = Σ_kept w_i y_i / Σ_kept w_i, scaled to sum 1
 *
 * y_i are the vectors as the alignment gives them, scaled or not; with equal weights it is the published mean. A member
 * without a token similar to one of the main member's gives only zeros, and is not kept.
 */
import { LlamafuseError } from "../../errors.js";
import type { AlignedStep } from "../alignments/alignment.js";
import { argmax } from "../combine.js";
import type { FusedValues, FusionRule } from "./rule.js";

export class AgreeingRule implements FusionRule {
  #probabilities = new Float64Array(0);

  constructor(private readonly n: number) {}

  fuse({ distributions, size }: AlignedStep, weights: readonly number[]): FusedValues {
    if (this.#probabilities.length < size) this.#probabilities = new Float64Array(size);
    const counted = keptWeights(weights, agreeing(distributions, size, this.n));
    return sumToOne(distributions, counted, this.#probabilities, size);
  }
}

/** EVA's `linear` fusion: Σ w_i y_i, scaled to sum 1. */
export class LinearRule implements FusionRule {
  #probabilities = new Float64Array(0);

  fuse({ distributions, size }: AlignedStep, weights: readonly number[]): FusedValues {
    if (this.#probabilities.length < size) this.#probabilities = new Float64Array(size);
    return sumToOne(distributions, weights, this.#probabilities, size);
  }
}

/** Whose favourite is among the n largest of another. What is 0 is nobody's favourite, and among nobody's largest. */
export function agreeing(distributions: readonly ArrayLike<number>[], size: number, n: number): boolean[] {
  return distributions.map((own, i) => {
    const favourite = argmax(own, size);
    return own[favourite] > 0 && distributions.some((other, j) => j !== i && isAmong(favourite, other, size, n));
  });
}

/** The weights of those kept, summing to 1; everybody's where nobody who counts is. */
export function keptWeights(weights: readonly number[], kept: readonly boolean[]): readonly number[] {
  const counted = weights.map((weight, i) => (kept[i] ? weight : 0));
  const sum = counted.reduce((total, weight) => total + weight, 0);
  return sum > 0 ? counted.map((weight) => weight / sum) : weights;
}

/** Whether the entry is above 0 and fewer than n come before it: larger, or equal and earlier. */
function isAmong(entry: number, values: ArrayLike<number>, size: number, n: number): boolean {
  const value = values[entry];
  if (!(value > 0)) return false;
  let before = 0;
  for (let j = 0; j < size; j++) {
    if (values[j] > value || (values[j] === value && j < entry)) {
      before++;
      if (before === n) return false;
    }
  }
  return true;
}

/** out = Σ w_i y_i / Σ_u Σ w_i y_i(u). */
function sumToOne(
  distributions: readonly Float64Array[],
  weights: readonly number[],
  out: Float64Array,
  size: number,
): FusedValues {
  weightedSum(distributions, weights, out, size);
  let sum = 0;
  for (let entry = 0; entry < size; entry++) sum += out[entry];
  if (!(sum > 0)) {
    throw new LlamafuseError(
      "incompatible-members",
      "No weighted member maps to the main member's tokens at this step: none of its most probable tokens is similar to one of them. Give the main member a weight above 0, lower leastSimilarity, or use a method without embeddings, such as unite.",
      { found: sum },
    );
  }
  for (let entry = 0; entry < size; entry++) out[entry] /= sum;
  return { probabilities: out, best: argmax(out, size) };
}

/** out_u = Σ_i w_i y_i(u). Shapes: float64[≥ size]. */
export function weightedSum(
  distributions: readonly ArrayLike<number>[],
  weights: readonly number[],
  out: Float64Array,
  size: number,
): void {
  out.fill(0, 0, size);
  for (const [i, values] of distributions.entries()) {
    const weight = weights[i];
    if (weight === 0) continue;
    for (let entry = 0; entry < size; entry++) out[entry] += weight * values[entry];
  }
}
