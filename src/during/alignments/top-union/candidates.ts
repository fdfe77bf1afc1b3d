/**
 * The union of what several members hold most probable, for one step: which strings are in it, and what each member says
 * of each of them. All arrays are made once; nothing here grows with a vocabulary.
 *
 *     p_i(s) = exp(v_i(s)) / Σ_{r ∈ S} exp(v_i(r))        S = the union, v_i(s) = member i's logit for s
 *
 * Strings are named by numbers (keys) that the caller hands out; an entry is a string's place in this step's union, in
 * insertion order.
 */
export class TopUnion {
  /** Entries in this step's union. */
  size = 0;
  /** Entry → key. */
  readonly keys: Int32Array;
  /** p_i for each member, after `normalise`; the first `size` values count. */
  readonly shares: readonly Float64Array[];
  /** v_i for each member; NaN where it has not said yet. */
  readonly #logits: readonly Float64Array[];
  readonly #entryOfKey = new Map<number, number>();

  /** @param capacity the most entries that a step can have */
  constructor(members: number, capacity: number) {
    const row = () => new Float64Array(capacity);
    this.keys = new Int32Array(capacity);
    this.shares = Array.from({ length: members }, row);
    this.#logits = Array.from({ length: members }, row);
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
    for (const logits of this.#logits) logits[entry] = Number.NaN;
    return entry;
  }

  /** The entry of a key, or -1. */
  entryOf(key: number): number {
    return this.#entryOfKey.get(key) ?? -1;
  }

  isSettled(member: number, entry: number): boolean {
    return !Number.isNaN(this.#logits[member][entry]);
  }

  settle(member: number, entry: number, logit: number): void {
    this.#logits[member][entry] = logit;
  }

  /** The softmax over the union of each of these members. Every logit of theirs must be settled. */
  normalise(members: readonly number[]): Float64Array[] {
    const { size } = this;
    return members.map((member) => {
      const logits = this.#logits[member];
      const shares = this.shares[member];
      let max = Number.NEGATIVE_INFINITY;
      for (let entry = 0; entry < size; entry++) if (logits[entry] > max) max = logits[entry];
      let sum = 0;
      for (let entry = 0; entry < size; entry++) {
        shares[entry] = Math.exp(logits[entry] - max);
        sum += shares[entry];
      }
      for (let entry = 0; entry < size; entry++) shares[entry] /= sum;
      return shares;
    });
  }
}
