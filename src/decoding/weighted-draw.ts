/**
 * Draws positions in proportion to their weights: at(u) is the first position whose running sum exceeds u · (sum of all).
 *
 * The running sum is kept only at the start of every block; a draw finds the block and sums again within it, in the
 * same order, so that the result is bit for bit that of one walk from the beginning.
 */

/** Positions per block: a draw touches about (count / BLOCK + BLOCK) numbers. */
const BLOCK = 512;

export class WeightedDraw {
  #weights: Float64Array = new Float64Array(0);
  #count = 0;
  #total = 0;
  #sumBefore = new Float64Array(0);

  /** Take these weights for the draws to come; false if they have no positive, finite sum. */
  prepare(weights: Float64Array, count: number): boolean {
    const blocks = Math.ceil(count / BLOCK);
    if (this.#sumBefore.length < blocks) this.#sumBefore = new Float64Array(blocks);
    let total = 0;
    for (let block = 0; block < blocks; block++) {
      this.#sumBefore[block] = total;
      const end = Math.min((block + 1) * BLOCK, count);
      for (let at = block * BLOCK; at < end; at++) total += weights[at];
    }
    this.#weights = weights;
    this.#count = count;
    this.#total = total;
    return total > 0 && total < Number.POSITIVE_INFINITY;
  }

  /** The position at the share u of the total, 0 ≤ u < 1. Positions of weight 0 are never returned. */
  at(u: number): number {
    const weights = this.#weights;
    const target = u * this.#total;
    let low = 0;
    let high = Math.ceil(this.#count / BLOCK) - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#sumBefore[middle] <= target) low = middle;
      else high = middle - 1;
    }
    let sum = this.#sumBefore[low];
    for (let at = low * BLOCK; at < this.#count; at++) {
      sum += weights[at];
      if (sum > target) return at;
    }
    // The share of a total too small for 53 bits can round up to the total: the last position that has any weight.
    let last = this.#count - 1;
    while (weights[last] === 0) last--;
    return last;
  }
}
