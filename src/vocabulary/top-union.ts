/**
 * The union of what several members hold most probable, for one step: which strings are in it, what each member says of
 * each, and their mean. All arrays are made once; nothing here grows with a vocabulary.
 *
 *     p(s) = Σ_i w_i · exp(v_i(s)) / Σ_{r ∈ S} exp(v_i(r))        S = the union, v_i(s) = member i's logit for s
 *
 * Strings are named by numbers (keys) that the caller hands out; an entry is a string's place in this step's union, in
 * insertion order.
 */
import { argmax } from "../during/combine.js";

export class TopUnion {
  /** Entries in this step's union. */
  size = 0;
  /** Entry → key. */
  readonly keys: Int32Array;
  /** p, after `fuse`. */
  readonly probabilities: Float64Array;
  /** One row a member: its logits; NaN where it has not said yet. */
  readonly #values: Float64Array;
  /** One row a member: the softmax of its logits over the union, after `fuse`. */
  readonly #shares: Float64Array;
  readonly #entryOfKey = new Map<number, number>();

  /**
   * @param members number of rows
   * @param capacity the most entries that a step can have
   */
  constructor(
    readonly members: number,
    readonly capacity: number,
  ) {
    this.keys = new Int32Array(capacity);
    this.probabilities = new Float64Array(capacity);
    this.#values = new Float64Array(members * capacity);
    this.#shares = new Float64Array(members * capacity);
  }

  clear(): void {
    this.size = 0;
    this.#entryOfKey.clear();
  }

  /** The entry of a key, added behind all others if it is new. */
  add(key: number): number {
    const known = this.#entryOfKey.get(key);
    if (known !== undefined) return known;
    const entry = this.size++;
    this.keys[entry] = key;
    this.#entryOfKey.set(key, entry);
    for (let member = 0; member < this.members; member++) this.#values[member * this.capacity + entry] = Number.NaN;
    return entry;
  }

  /** The entry of a key, or -1. */
  entryOf(key: number): number {
    return this.#entryOfKey.get(key) ?? -1;
  }

  isSettled(member: number, entry: number): boolean {
    return !Number.isNaN(this.#values[member * this.capacity + entry]);
  }

  settle(member: number, entry: number, logit: number): void {
    this.#values[member * this.capacity + entry] = logit;
  }

  /** A member's softmax over the union; a view. */
  sharesOf(member: number): Float64Array {
    return this.#shares.subarray(member * this.capacity, member * this.capacity + this.size);
  }

  /** Fill `probabilities` from rows that are all settled; returns the most probable entry, the first among equals. */
  fuse(weights: ArrayLike<number>): number {
    const { size, capacity, probabilities } = this;
    probabilities.fill(0, 0, size);
    for (let member = 0; member < this.members; member++) {
      const row = member * capacity;
      let max = Number.NEGATIVE_INFINITY;
      for (let entry = 0; entry < size; entry++) max = Math.max(max, this.#values[row + entry]);
      let sum = 0;
      for (let entry = 0; entry < size; entry++) {
        const share = Math.exp(this.#values[row + entry] - max);
        this.#shares[row + entry] = share;
        sum += share;
      }
      for (let entry = 0; entry < size; entry++) {
        const share = this.#shares[row + entry] / sum;
        this.#shares[row + entry] = share;
        probabilities[entry] += weights[member] * share;
      }
    }
    return argmax(probabilities, size);
  }
}
