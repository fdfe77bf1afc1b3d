/**
 * The two closed forms of CP-Δ (Vyas, Kakade and Barak, arXiv 2302.10870) with which an ensemble says only what all of
 * its members find likely:
 *
 *     kl:   p(u) ∝ Π_i p_i(u)^(w_i / T_i)                     the distribution nearest to all by Σ w_i KL(p ‖ p_i)
 *     max:  p(u) ∝ min_i p_i^(1/T_i)(u) / Σ_v p_i^(1/T_i)(v)   nearest by max_i max_u ln p(u) / p_i(u)
 *
 * In logits, kl is softmax(Σ w_i z_i / T_i). Shapes: the step's entries, float64. A member of weight 0 says nothing; in
 * max, weights above 0 make no difference. Error: incompatible-members where the members have no entry in common.
 */
import { LlamafuseError } from "../../errors.js";
import { type AlignedStep, massOf } from "../alignment.js";
import { argmax } from "../combine.js";
import type { FusedValues, FusionRule } from "../rule.js";

export interface PurificationOptions {
  form: "kl" | "max";
  /** T of all members, or T_i of each voice. Above 0. */
  temperature: number | readonly number[];
}

export class PurificationRule implements FusionRule {
  #probabilities: Float64Array = new Float64Array(0);

  constructor(private readonly options: PurificationOptions) {}

  fuse(step: AlignedStep, weights: readonly number[], asked: readonly number[]): FusedValues {
    const { form, temperature } = this.options;
    const { size } = step;
    if (this.#probabilities.length < size) this.#probabilities = new Float64Array(size);
    const out = this.#probabilities;
    const speaking = step.distributions.flatMap((values, c) => {
      const exponent = 1 / (typeof temperature === "number" ? temperature : temperature[asked[c]]);
      return weights[c] > 0 ? [{ values, mass: massOf(step, c), weight: weights[c], exponent }] : [];
    });
    if (form === "kl") fuseByKl(speaking, out, size);
    else fuseByMax(speaking, out, size);
    let sum = 0;
    for (let j = 0; j < size; j++) sum += out[j];
    if (!(sum > 0)) {
      throw new LlamafuseError(
        "incompatible-members",
        "The members have no string in common that all of them find possible here. Use a method that takes a mean, such as gac or unite.",
        { found: 0 },
      );
    }
    const scale = 1 / sum;
    for (let j = 0; j < size; j++) out[j] *= scale;
    return { probabilities: out, best: argmax(out, size) };
  }
}

interface Speaking {
  values: Float64Array;
  mass: number;
  weight: number;
  exponent: number;
}

/** Up to a factor: the normalised weighted geometric mean. */
function fuseByKl(members: readonly Speaking[], out: Float64Array, size: number): void {
  const exponents = members.map(({ weight, exponent }) => weight * exponent);
  const [first, second] = members;
  // The published default, α = β = ½, needs no logarithms.
  if (members.length === 2 && exponents[0] === 0.5 && exponents[1] === 0.5) {
    for (let j = 0; j < size; j++) out[j] = Math.sqrt(first.values[j]) * Math.sqrt(second.values[j]);
    return;
  }
  out.fill(0, 0, size);
  for (const [c, { values }] of members.entries()) {
    const exponent = exponents[c];
    for (let j = 0; j < size; j++) out[j] += exponent * Math.log(values[j]);
  }
  let largest = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < size; j++) if (out[j] > largest) largest = out[j];
  for (let j = 0; j < size; j++) out[j] = largest > Number.NEGATIVE_INFINITY ? Math.exp(out[j] - largest) : 0;
}

/** Up to a factor: the smallest of the members' probabilities. */
function fuseByMax(members: readonly Speaking[], out: Float64Array, size: number): void {
  for (const [c, { values, mass, exponent }] of members.entries()) {
    let sum = mass;
    if (exponent !== 1) {
      sum = 0;
      for (let j = 0; j < size; j++) sum += values[j] ** exponent;
    }
    const scale = 1 / sum;
    for (let j = 0; j < size; j++) {
      const probability = scale * (exponent === 1 ? values[j] : values[j] ** exponent);
      if (c === 0 || probability < out[j]) out[j] = probability;
    }
  }
}
