/**
 * Top-n-σ (Tang and others, "Top-nσ: Not All Logits Are You Need", arXiv 2411.07641): keep z ≥ max z − n · σ, with σ the
 * standard deviation of all finite logits.
 */
import type { Cut } from "./cuts.js";

export class TopNSigma implements Cut {
  entries = new Int32Array(0);

  constructor(private readonly n: number) {}

  select(weights: Float64Array, size: number): number {
    if (this.entries.length < size) this.entries = new Int32Array(size);
    let count = 0;
    let greatest = Number.NEGATIVE_INFINITY;
    let sum = 0;
    for (let entry = 0; entry < size; entry++) {
      if (!(weights[entry] > 0)) continue;
      const logit = Math.log(weights[entry]);
      sum += logit;
      count++;
      if (logit > greatest) greatest = logit;
    }
    const mean = sum / count;
    let squares = 0;
    for (let entry = 0; entry < size; entry++)
      if (weights[entry] > 0) squares += (Math.log(weights[entry]) - mean) ** 2;
    const least = greatest - this.n * Math.sqrt(squares / count);
    let kept = 0;
    // A single entry deviates from nothing, and stays.
    for (let entry = 0; entry < size; entry++)
      if (weights[entry] > 0 && (count === 1 || Math.log(weights[entry]) >= least)) this.entries[kept++] = entry;
    return kept;
  }
}
