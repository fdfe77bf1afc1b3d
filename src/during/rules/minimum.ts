/**
 * The normalised minimum: what all members find likely, by the one that finds it least so.
 *
 *     p(u) ∝ min_i p_i(u)^(1/T) / Σ_v p_i(v)^(1/T)
 *
 * Of all distributions it has the smallest max_i max_u ln p(u) / p_i(u): the "max" form of CP-Δ (Vyas, Kakade and Barak,
 * arXiv 2302.10870). Shapes: the step's entries, float64. A member of weight 0 says nothing; weights above 0 make no
 * difference and are refused where they differ. Error: incompatible-members where the members have no entry in common.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { type AlignedStep, massOf } from "../alignments/alignment.js";
import { argmax } from "../combine.js";
import { defineRule } from "./define-rule.js";
import type { FusedValues, FusionRule } from "./rule.js";

export interface MinimumOptions {
  /** T of all members, or of each voice. Above 0. Default 1. */
  temperature?: number | readonly number[];
}

export class MinimumRule implements FusionRule {
  #probabilities: Float64Array = new Float64Array(0);
  /** One member's powers. */
  #powers: Float64Array = new Float64Array(0);

  constructor(private readonly options: MinimumOptions = {}) {}

  fuse(step: AlignedStep, weights: readonly number[], asked: readonly number[]): FusedValues {
    const { temperature = 1 } = this.options;
    const { size } = step;
    if (this.#probabilities.length < size) this.#probabilities = new Float64Array(size);
    const out = this.#probabilities;
    out.fill(Number.POSITIVE_INFINITY, 0, size);
    for (const [c, given] of step.distributions.entries()) {
      if (weights[c] === 0) continue;
      const exponent = 1 / (typeof temperature === "number" ? temperature : temperature[asked[c]]);
      const values = exponent === 1 ? given : this.#toPower(given, exponent, size);
      const scale = 1 / (exponent === 1 ? massOf(step, c) : sumOf(values, size));
      for (let j = 0; j < size; j++) out[j] = Math.min(out[j], scale * values[j]);
    }
    const sum = sumOf(out, size);
    if (!(sum > 0)) {
      throw new LlamafuseError(
        "incompatible-members",
        "At this step no string is possible for all members, so their minimum is 0 everywhere. Use a method that takes a mean, such as gac or unite.",
        { found: 0 },
      );
    }
    for (let j = 0; j < size; j++) out[j] /= sum;
    return { probabilities: out, best: argmax(out, size) };
  }

  #toPower(values: Float64Array, exponent: number, size: number): Float64Array {
    if (this.#powers.length < size) this.#powers = new Float64Array(size);
    // Several times as fast as `**`; the logarithm of 0 comes back as 0.
    for (let j = 0; j < size; j++) this.#powers[j] = Math.exp(exponent * Math.log(values[j]));
    return this.#powers;
  }
}

function sumOf(values: Float64Array, size: number): number {
  let sum = 0;
  for (let j = 0; j < size; j++) sum += values[j];
  return sum;
}

export const minimum = defineRule({
  name: "minimum",
  summary: "The lowest probability that any member gives, normalised.",
  options: z.strictObject({}),
  ignoresWeights: true,
  needs: () => ({ lookup: "all" }),
  create: () => new MinimumRule(),
  laws: {},
});
