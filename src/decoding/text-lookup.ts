/** What followed the last time that a text ended as it ends now: prompt look-up, on bytes. */

/** Bytes that have to agree, so that a number holds them exactly. */
const AGREEING = 6;
/** Agreeing bytes that are counted at most. */
const MOST_AGREEING = 32;

export interface Found {
  /** What followed there, up to the present end. */
  bytes: Uint8Array;
  /** How many bytes before agree, AGREEING … MOST_AGREEING. */
  agreeing: number;
}

export class TextLookup {
  #text = new Uint8Array(4096);
  #length = 0;
  /** The last AGREEING bytes as a number. */
  #key = 0;
  /** Key → the end of its last occurrence. */
  readonly #ends = new Map<number, number>();
  /** The end of the present key's occurrence before this one, or 0. */
  #earlier = 0;

  push(bytes: Uint8Array): void {
    this.#reserve(this.#length + bytes.length);
    for (const byte of bytes) {
      this.#text[this.#length++] = byte;
      this.#key = (this.#key % 256 ** (AGREEING - 1)) * 256 + byte;
      if (this.#length < AGREEING) continue;
      this.#earlier = this.#ends.get(this.#key) ?? 0;
      this.#ends.set(this.#key, this.#length);
    }
  }

  /** At most so many bytes; undefined where the end of the text is new. */
  find(most: number): Found | undefined {
    const from = this.#earlier;
    if (from === 0) return undefined;
    let agreeing = AGREEING;
    while (
      agreeing < Math.min(MOST_AGREEING, from) &&
      this.#text[from - 1 - agreeing] === this.#text[this.#length - 1 - agreeing]
    )
      agreeing++;
    return { bytes: this.#text.slice(from, Math.min(from + most, this.#length)), agreeing };
  }

  #reserve(length: number): void {
    if (length <= this.#text.length) return;
    const larger = new Uint8Array(2 * length);
    larger.set(this.#text.subarray(0, this.#length));
    this.#text = larger;
  }
}
