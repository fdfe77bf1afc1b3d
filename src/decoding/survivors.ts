/**
 * Which entries of a distribution may be chosen at all: top-k, then top-p, then min-p.
 *
 * With entries ordered by probability (greatest first, ties to the lowest index) each of the three keeps a prefix:
 * - top-k keeps the first k entries;
 * - top-p keeps the fewest entries whose sum reaches topP · (sum of what top-k left), and at least one;
 * - min-p keeps entries with p ≥ minP · max p.
 *
 * So what survives is a prefix too, and it is found without sorting everything: entries that cannot be in it are left
 * out by a threshold first, and only the probabilities of the rest are sorted.
 */
import type { Cut } from "./sampling/cuts.js";

/** Each pass of the search for a top-p threshold lowers it by this factor: few passes, few superfluous candidates. */
const THRESHOLD_STEP = 1 / 32;

/** A distribution so flat, or a topP so close to 1, that this many passes were not enough: take every entry. */
const MAX_PASSES = 6;

/** Sums of the same numbers in another order differ by less than this (600,000 · 2⁻⁵³ = 7e-11). */
const SUMMATION_SLACK = 1e-9;

/** The limits; one that is absent drops nothing. */
export interface SurvivorLimits {
  topK?: number;
  topP?: number;
  minP?: number;
  /** Entries that topP and minP leave at least. Default 0: one. */
  minKeep?: number;
}

export class Survivors implements Cut {
  entries = new Int32Array(0);
  readonly #options: Required<SurvivorLimits>;
  #sorted = new Float64Array(0);
  #heap = new Float64Array(0);
  #mass = 0;

  constructor({ topK = 0, topP = 1, minP = 0, minKeep = 0 }: SurvivorLimits) {
    this.#options = { topK, topP, minP, minKeep };
  }

  select(weights: Float64Array, size: number): number {
    if (this.entries.length < size) this.entries = new Int32Array(size);
    const { topK, topP, minP, minKeep } = this.#options;
    const limitsCount = topK > 0 && topK < size;
    let total = 0;
    let max = 0;
    for (let entry = 0; entry < size; entry++) {
      const weight = weights[entry];
      total += weight;
      if (weight > max) max = weight;
    }
    if (!(total > 0 && total < Number.POSITIVE_INFINITY)) return 0;
    const floor = minP * max;
    if (limitsCount) {
      // What min-p drops still counts in the sum that top-p takes its share of.
      const smallest = this.#smallestOfTop(weights, size, topK);
      return this.#keepPrefix(weights, this.#collect(weights, size, smallest), topK, topP, -1, floor);
    }
    // Kept for their number, entries below the floor may survive.
    const least = minKeep > 1 ? 0 : floor;
    if (topP === 1 && least === floor) return this.#collect(weights, size, floor);
    let threshold = max;
    let count = 0;
    for (let pass = 1; pass <= MAX_PASSES; pass++) {
      threshold = pass === MAX_PASSES || topP === 1 ? least : Math.max(threshold * THRESHOLD_STEP, least);
      count = this.#collect(weights, size, threshold);
      const isEnough = count >= minKeep && this.#mass >= topP * total * (1 + SUMMATION_SLACK);
      if (threshold === least || isEnough) break;
    }
    return this.#keepPrefix(weights, count, count, topP, total, floor);
  }

  /** List the entries with a weight of at least `threshold` (and above 0), and their sum in #mass. */
  #collect(weights: Float64Array, size: number, threshold: number): number {
    const entries = this.entries;
    let count = 0;
    let mass = 0;
    for (let entry = 0; entry < size; entry++) {
      const weight = weights[entry];
      if (weight >= threshold && weight > 0) {
        entries[count++] = entry;
        mass += weight;
      }
    }
    this.#mass = mass;
    return count;
  }

  /** The k-th greatest weight, from a heap of the k greatest ones so far whose root is the smallest of them. */
  #smallestOfTop(weights: Float64Array, size: number, k: number): number {
    if (this.#heap.length < k) this.#heap = new Float64Array(k);
    const heap = this.#heap;
    heap.set(weights.subarray(0, k));
    for (let at = (k >>> 1) - 1; at >= 0; at--) siftDown(heap, at, k);
    for (let entry = k; entry < size; entry++) {
      if (weights[entry] > heap[0]) {
        heap[0] = weights[entry];
        siftDown(heap, 0, k);
      }
    }
    return heap[0];
  }

  /**
   * Of the `count` collected entries keep the prefix that all three limits allow. `total` is the sum that topP is a
   * share of, or -1 for the sum of the first `topK`, greatest first.
   */
  #keepPrefix(weights: Float64Array, count: number, topK: number, topP: number, total: number, floor: number): number {
    if (this.#sorted.length < count) this.#sorted = new Float64Array(this.entries.length);
    const { entries } = this;
    for (let at = 0; at < count; at++) this.#sorted[at] = weights[entries[at]];
    const sorted = this.#sorted.subarray(0, count).sort();
    const limit = Math.min(topK, count);
    let share = topP === 1 ? Number.POSITIVE_INFINITY : topP * total;
    if (total < 0) {
      let sum = 0;
      for (let rank = 0; rank < limit; rank++) sum += sorted[count - 1 - rank];
      share = topP === 1 ? Number.POSITIVE_INFINITY : topP * sum;
    }
    let kept = 0;
    let sum = 0;
    const { minKeep } = this.#options;
    while (kept < limit && (kept < minKeep || (sum < share && sorted[count - 1 - kept] >= floor)))
      sum += sorted[count - 1 - kept++];
    if (kept === 0) return 0;

    const cutoff = sorted[count - kept];
    let ties = 0;
    for (let rank = kept - 1; rank >= 0 && sorted[count - 1 - rank] === cutoff; rank--) ties++;
    let survivors = 0;
    for (let at = 0; at < count; at++) {
      const weight = weights[entries[at]];
      if (weight > cutoff || (weight === cutoff && ties-- > 0)) entries[survivors++] = entries[at];
    }
    return survivors;
  }
}

function siftDown(heap: Float64Array, start: number, size: number): void {
  const value = heap[start];
  let at = start;
  for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && heap[child + 1] < heap[child]) child++;
    if (heap[child] >= value) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = value;
}
