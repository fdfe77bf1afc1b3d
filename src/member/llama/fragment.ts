/** The text of a token list since its last special token, and what of it has tokens. */

const ZERO = 0x30;
const NINE = 0x39;

export class Fragment {
  bytes = new Uint8Array(1024);
  length = 0;
  /** Bytes whose tokens are the tokenizer's own. */
  encoded = 0;
  /** Where the digits at its end begin; its length where it does not end in one. */
  digits = 0;

  constructor(
    /** Index of its first token. */
    readonly start: number,
    /** Whether it follows bytes that are no text, so that the tokenizer's space does not belong before it. */
    readonly isContinuation = false,
  ) {}

  /** One that can be appended to while this one stays as it is. The two share memory: bytes behind an end are nobody's. */
  branch(): Fragment {
    return Object.assign(new Fragment(this.start, this.isContinuation), this);
  }

  append(more: Uint8Array): void {
    const length = this.length + more.length;
    if (length > this.bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(more, this.length);
    const last = more.findLastIndex((byte) => byte < ZERO || byte > NINE);
    if (last >= 0) this.digits = this.length + last + 1;
    this.length = length;
  }
}
