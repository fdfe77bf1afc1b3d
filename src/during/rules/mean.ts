/**
 * The weighted arithmetic mean: the fusion rule of GaC and UniTE.
 *
 *     p(u) = Σ_i w_i · p_i(u)        Σ w_i = 1
 */
import { type AlignedStep, massOf } from "../alignments/alignment.js";
import { Combiner } from "../combine.js";
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
