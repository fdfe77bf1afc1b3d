/**
 * Locally typical sampling (Meister and others, "Locally Typical Sampling", arXiv 2202.00666), as llama.cpp has it: entries by
 * rising |−ln p − H|, H the entropy, until their probabilities sum to more than P. Ties go to the more probable entry.
 */
import type { Cut } from "./cuts.js";

export class Typical implements Cut {
  entries = new Int32Array(0);
  /** A heap of entries, the most typical one first. */
  #heap = new Int32Array(0);
  #distances = new Float64Array(0);

  constructor(
    private readonly share: number,
    private readonly minKeep = 0,
  ) {}

  select(weights: Float64Array, size: number): number {
    if (this.entries.length < size) {
      this.entries = new Int32Array(size);
      this.#heap = new Int32Array(size);
      this.#distances = new Float64Array(size);
    }
    let total = 0;
    for (let entry = 0; entry < size; entry++) total += weights[entry];
    if (!(total > 0 && total < Number.POSITIVE_INFINITY)) return 0;
    let entropy = 0;
    let count = 0;
    for (let entry = 0; entry < size; entry++) {
      if (weights[entry] === 0) continue;
      const logProb = Math.log(weights[entry] / total);
      this.#distances[entry] = -logProb;
      entropy -= (weights[entry] / total) * logProb;
      this.#heap[count++] = entry;
    }
    for (let at = 0; at < count; at++) {
      const entry = this.#heap[at];
      this.#distances[entry] = Math.abs(this.#distances[entry] - entropy);
    }
    for (let at = (count >>> 1) - 1; at >= 0; at--) this.#sift(at, count, weights);
    let sum = 0;
    let kept = 0;
    for (let left = count; left > 0; ) {
      const entry = this.#heap[0];
      this.entries[kept++] = entry;
      sum += weights[entry];
      if (sum > this.share * total && kept >= this.minKeep) break;
      this.#heap[0] = this.#heap[--left];
      this.#sift(0, left, weights);
    }
    this.entries.subarray(0, kept).sort();
    return kept;
  }

  #isBefore(a: number, b: number, weights: Float64Array): boolean {
    const difference = this.#distances[a] - this.#distances[b];
    if (difference !== 0) return difference < 0;
    return weights[a] === weights[b] ? a < b : weights[a] > weights[b];
  }

  #sift(start: number, size: number, weights: Float64Array): void {
    const heap = this.#heap;
    const entry = heap[start];
    let at = start;
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#isBefore(heap[child + 1], heap[child], weights)) child++;
      if (!this.#isBefore(heap[child], entry, weights)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = entry;
  }
}
