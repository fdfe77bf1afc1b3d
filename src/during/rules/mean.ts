/**
 * The weighted arithmetic mean: the fusion rule of GaC and UniTE.
 *
 *     p(u) = Σ_i w_i · p_i(u)        Σ w_i = 1
 */
import { z } from "zod";
import { type AlignedStep, massOf } from "../alignments/alignment.js";
import { Combiner } from "../combine.js";
import { defineRule } from "./define-rule.js";
import type { FusedValues, FusionRule } from "./rule.js";

export class MeanRule implements FusionRule {
  readonly isMean = true;
  readonly #combiner: Combiner;

  constructor(combiner: Combiner = new Combiner()) {
    this.#combiner = combiner;
  }

  fuse(step: AlignedStep, weights: readonly number[]): FusedValues {
    const scales = step.masses === undefined ? weights : weights.map((weight, c) => weight / massOf(step, c));
    const best = this.#combiner.combine(step.distributions, scales, step.size, step.isInSharedMemory);
    return { probabilities: this.#combiner.probabilities, best };
  }
}

export const mean = defineRule({
  name: "mean",
  summary: "The weighted mean of the members' probabilities.",
  options: z.strictObject({}),
  create: ({ combiner }) => new MeanRule(combiner),
  laws: {},
});
