/** Which entries may be chosen: cuts one after another, in the order of llama.cpp's default chain. */
import type { CheckedSamplerOptions } from "../sampler-options.js";
import { Survivors } from "../survivors.js";
import { TopNSigma } from "./top-n-sigma.js";
import { Typical } from "./typical.js";
import { Xtc } from "./xtc.js";

/** Drops entries. What it keeps lies in its own array, which the next call reuses. */
export interface Cut {
  /** The surviving entries in ascending order, of which `select` returns the number. */
  readonly entries: Int32Array;
  /** Fill `entries` from weights that need not sum to 1. Entries of weight 0 never survive; none does if a weight is NaN. */
  select(weights: Float64Array, size: number): number;
}

/** Top-n-σ, top-k, typical, top-p, min-p, XTC: those that drop anything. `random`: uniform in [0, 1), for XTC. */
export function cutsOf(options: CheckedSamplerOptions, random: () => number): Cut[] {
  const { topNSigma, topK, typicalP, topP, minP, xtcProbability, xtcThreshold, minKeep } = options;
  const cuts: Cut[] = [];
  if (topNSigma > 0) cuts.push(new TopNSigma(topNSigma));
  if (typicalP < 1) {
    if (topK > 0) cuts.push(new Survivors({ topK }));
    cuts.push(new Typical(typicalP, minKeep));
    if (topP < 1 || minP > 0) cuts.push(new Survivors({ topP, minP, minKeep }));
  } else if (topK > 0 || topP < 1 || minP > 0) cuts.push(new Survivors({ topK, topP, minP, minKeep }));
  if (xtcProbability > 0) cuts.push(new Xtc(xtcThreshold, { probability: xtcProbability, minKeep, random }));
  return cuts;
}

/** Cuts in a row; what is left after all of them. */
export class Chain {
  /** Positions → entries; all entries where there are no cuts. */
  entries: Int32Array = new Int32Array(0);
  /** The weights at these positions. */
  weights: Float64Array = new Float64Array(0);
  #own = new Float64Array(0);
  #places = new Int32Array(0);

  constructor(private readonly cuts: readonly Cut[]) {}

  /** How many are left. `entryAt` and `weights` say which. */
  select(weights: Float64Array, size: number): number {
    this.weights = weights;
    if (this.#own.length < size && this.cuts.length > 0) {
      this.#own = new Float64Array(size);
      this.#places = new Int32Array(size);
    }
    let left = size;
    for (const [index, cut] of this.cuts.entries()) {
      const count = cut.select(this.weights, left);
      for (let at = 0; at < count; at++) {
        const place = cut.entries[at];
        this.#own[at] = this.weights[place];
        this.#places[at] = index === 0 ? place : this.#places[place];
      }
      this.weights = this.#own;
      left = count;
    }
    this.entries = this.#places;
    return left;
  }

  entryAt(position: number): number {
    return this.cuts.length === 0 ? position : this.entries[position];
  }
}
