/**
 * A list of tokens that changes at its end. It says how much of it has stayed as it was, so that a reader compares no more
 * than that, and what is tried on it can be taken back, so that nobody copies it.
 */
export class TokenList {
  #tokens = new Int32Array(256);
  #length = 0;
  /** Leading tokens that have not changed since the list was last read. */
  #unchanged = 0;
  /** While something is tried: what the list had from this index on. */
  #before: { from: number; tokens: Int32Array } | undefined;

  get length(): number {
    return this.#length;
  }

  at(index: number): number {
    return this.#tokens[index];
  }

  /** All of it; a view that the next change may make stale. */
  get tokens(): Int32Array {
    return this.#tokens.subarray(0, this.#length);
  }

  /** While something is tried: how many leading tokens are as they were before. */
  get untried(): number {
    return this.#before?.from ?? this.#length;
  }

  /** How many leading tokens are as they were when this was asked last. */
  takeUnchanged(): number {
    const unchanged = Math.min(this.#unchanged, this.#length);
    this.#unchanged = Number.POSITIVE_INFINITY;
    return unchanged;
  }

  /** End with these tokens from `index` on. */
  replaceFrom(index: number, ids: Int32Array): void {
    let same = 0;
    while (same < ids.length && index + same < this.#length && this.#tokens[index + same] === ids[same]) same++;
    this.#changeFrom(index + same, ids.subarray(same));
  }

  #changeFrom(index: number, ids: Int32Array): void {
    this.#remember(index);
    this.#unchanged = Math.min(this.#unchanged, index);
    const length = index + ids.length;
    if (length > this.#tokens.length) {
      const larger = new Int32Array(2 * length);
      larger.set(this.#tokens.subarray(0, index));
      this.#tokens = larger;
    }
    this.#tokens.set(ids, index);
    this.#length = length;
  }

  /** Do something with the list, then have it as it was. */
  aside<T>(work: () => T): T {
    this.#before = { from: this.#length, tokens: new Int32Array(0) };
    try {
      return work();
    } finally {
      const { from, tokens } = this.#before;
      this.#before = undefined;
      this.replaceFrom(from, tokens);
    }
  }

  #remember(index: number): void {
    const before = this.#before;
    if (before === undefined || index >= before.from) return;
    const changing = before.from - index;
    const tokens = new Int32Array(changing + before.tokens.length);
    tokens.set(this.#tokens.subarray(index, before.from));
    tokens.set(before.tokens, changing);
    this.#before = { from: index, tokens };
  }
}
