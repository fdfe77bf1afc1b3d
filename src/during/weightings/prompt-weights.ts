/** Weights that depend on the text: computed at the first step, and anew where that is wished. */
import { z } from "zod";
import { amongAsked, type Weighting } from "./weighting.js";

/** The option of every such weighting. */
export const refreshOption = z
  .int()
  .min(0)
  .default(0)
  .describe("Recompute the weights after this many steps; 0: never.");

/** Weights that are computed from the text at the first step, and anew after every `refresh` steps (0: never). */
export class PromptWeights implements Weighting {
  #weights: readonly number[] = [];
  #steps = 0;

  /** @param compute the weights of all voices by the text that they hold, summing to 1 */
  constructor(
    private readonly compute: () => Promise<readonly number[]>,
    private readonly refresh: number,
  ) {}

  weightsOf(asked: readonly number[]): readonly number[] | Promise<readonly number[]> {
    const isDue = this.#steps === 0 || (this.refresh > 0 && this.#steps % this.refresh === 0);
    this.#steps++;
    return isDue ? this.#renew(asked) : amongAsked(this.#weights, asked);
  }

  async #renew(asked: readonly number[]): Promise<readonly number[]> {
    this.#weights = await this.compute();
    return amongAsked(this.#weights, asked);
  }
}
