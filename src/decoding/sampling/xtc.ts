/**
 * XTC, "exclude top choices" (p-e-w, text-generation-webui pull request 6335), as llama.cpp has it: with its probability, drop
 * the entries with p ≥ threshold, all but the least probable of them.
 */
import type { Cut } from "./cuts.js";

export interface XtcOptions {
  /** How often it acts; 1 always does, without a draw. */
  probability: number;
  minKeep?: number;
  /** Uniform in [0, 1). */
  random(): number;
}

export class Xtc implements Cut {
  entries = new Int32Array(0);

  constructor(
    private readonly threshold: number,
    private readonly options: XtcOptions,
  ) {}

  select(weights: Float64Array, size: number): number {
    if (this.entries.length < size) this.entries = new Int32Array(size);
    const { probability, minKeep = 0, random } = this.options;
    let total = 0;
    let count = 0;
    for (let entry = 0; entry < size; entry++) {
      total += weights[entry];
      if (weights[entry] > 0) count++;
    }
    if (!(total > 0 && total < Number.POSITIVE_INFINITY)) return 0;
    // Above one half, no two entries reach the threshold. The draw stands before what it may be in vain for, as in llama.cpp.
    const acts = this.threshold <= 0.5 && count > 1 && (probability >= 1 || random() < probability);
    const least = this.threshold * total;
    let last = -1;
    let above = 0;
    for (let entry = 0; entry < size && acts; entry++) {
      if (weights[entry] < least) continue;
      above++;
      if (last < 0 || weights[entry] <= weights[last]) last = entry;
    }
    const drops = above > 1 && count - (above - 1) >= minKeep;
    let kept = 0;
    for (let entry = 0; entry < size; entry++) {
      const isDropped = drops && entry !== last && weights[entry] >= least;
      if (weights[entry] > 0 && !isDropped) this.entries[kept++] = entry;
    }
    return kept;
  }
}
