/**
 * Blending: every turn of a conversation is answered by a model drawn at random, which reads all that the others said before
 * it (Lu and others, "Blending Is All You Need", arXiv 2401.02994; from its abstract and memory, unverified).
 *
 *     m ~ weights (default uniform)
 *
 * Nothing is learned; the table says which models there are and what they cost. The draw depends on the seed and the text
 * of the query alone, so that a decision can be repeated and explained (ours). q̂ is 1 for the drawn model and 0 for
 * the others; a knob therefore only says from when on the cheaper models are taken instead.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { WeightedDraw } from "../../decoding/weighted-draw.js";
import { normaliseWeights } from "../../during/weightings/weights.js";
import { LlamafuseError } from "../../errors.js";
import { RandomGenerator } from "../../random.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { FitData, Query, RouterInfo } from "../router.js";

export const blendingInfo: RouterInfo = {
  name: "blending",
  summary: "Draws a model at random for every turn.",
  source: "arXiv 2401.02994",
  knobs: ["lambda", "budget"],
  options: { weights: "Share of each model, in the table's order. Default: the same for all." },
};

export const blendingOptions = z.strictObject({ weights: z.array(z.number().min(0)).optional() });

type BlendingOptions = z.output<typeof blendingOptions>;

const blendingState = z.strictObject({ weights: z.array(z.number().min(0)), seed: z.int().min(0) });

export class BlendingRouter extends TrainedRouter<z.infer<typeof blendingState>> {
  readonly info = blendingInfo;
  readonly #settings: BlendingOptions;
  #weights: number[] = [];
  #seed = 0;

  constructor(options: BlendingOptions) {
    super(options);
    this.#settings = options;
  }

  protected train({ table }: FitData, { seed }: TrainingOptions): void {
    const { weights = table.models.map(() => 1) } = this.#settings;
    if (weights.length !== table.models.length) {
      throw new LlamafuseError(
        "invalid-option",
        `blending has ${weights.length} weights for the ${table.models.length} models ${table.models.join(", ")}. Give one for each.`,
        { found: weights.length, allowed: table.models.length, option: "weights" },
      );
    }
    this.#weights = normaliseWeights(weights, table.models);
    this.#seed = seed;
  }

  protected predict({ text }: Query): Float64Array {
    const quality = new Float64Array(this.#weights.length);
    quality[drawFor(text, this.#weights, this.#seed)] = 1;
    return quality;
  }

  protected state() {
    return { weights: this.#weights, seed: this.#seed };
  }

  protected restoreState(state: unknown): void {
    const { weights, seed } = blendingState.parse(state);
    this.#weights = weights;
    this.#seed = seed;
  }
}

/** A position in proportion to its weight; the same for the same text and seed. */
export function drawFor(text: string, weights: readonly number[], seed: number): number {
  const draw = new WeightedDraw();
  draw.prepare(Float64Array.from(weights), weights.length);
  const hash = createHash("sha256").update(`${seed}\n${text}`).digest();
  return draw.at(new RandomGenerator(hash.readUInt32LE()).next());
}
