/** The weighting contract: how much each member counts at a step. One instance serves one request. */
import type { Voice } from "../method.js";

export interface Weighting {
  /**
   * The weights of the asked voices, in that order, summing to 1. All members have begun; `asked` need not be up to date.
   * Called once a step, before the alignment.
   */
  weightsOf(asked: readonly number[]): readonly number[] | Promise<readonly number[]>;
}

/** The weights that the user gave, among those asked. */
export class GivenWeights implements Weighting {
  /** A guard's weights change from step to step. */
  constructor(private readonly voices: readonly Voice[]) {}

  weightsOf(asked: readonly number[]): readonly number[] {
    return amongAsked(
      this.voices.map(({ weight }) => weight),
      asked,
    );
  }
}

/** Weights of all voices, summing to 1, as weights of some of them. */
export function amongAsked(all: readonly number[], asked: readonly number[]): readonly number[] {
  if (asked.length === all.length) return all;
  const weights = asked.map((index) => all[index]);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  // Members that counted nothing beside the others count alike among themselves.
  return weights.map((weight) => (sum > 0 ? weight / sum : 1 / weights.length));
}
