/**
 * A vocabulary's text tokens in the order of their bytes, in which all tokens that begin alike stand together: what a trie
 * over the bytes knows, in two arrays.
 */
import { TokenClass, textAtFragmentStart, type Vocabulary } from "./vocabulary.js";

const SPACE = 0x20;
const NO_TOKENS = new Int32Array(0);

/** Tokens that agree with wanted bytes: neither list depends on the other, and none is in both. */
export interface AgreeingTokens {
  /** Tokens whose text the wanted bytes begin with, the whole of them included: they say some of it, and nothing else. */
  within: readonly number[];
  /** Tokens with text that continues beyond the wanted bytes; views that stay valid. */
  beyond: readonly Int32Array[];
}

const orders = new WeakMap<Vocabulary, ByteOrder>();

export class ByteOrder {
  /** Every text token that has bytes, ascending. */
  readonly ids: Int32Array;
  /** The same tokens in the order of their bytes, equal ones ascending. */
  readonly ordered: Int32Array;

  private constructor(private readonly vocabulary: Vocabulary) {
    const ids: number[] = [];
    for (let id = 0; id < vocabulary.size; id++) {
      if (vocabulary.classOf(id) === TokenClass.text && vocabulary.bytesOf(id).length > 0) ids.push(id);
    }
    this.ids = Int32Array.from(ids);
    const { bytes, offsets } = vocabulary.data;
    this.ordered = Int32Array.from(ids).sort((a, b) => {
      let at = offsets[a];
      let other = offsets[b];
      while (at < offsets[a + 1] && other < offsets[b + 1]) {
        if (bytes[at] !== bytes[other]) return bytes[at] - bytes[other];
        at++;
        other++;
      }
      return offsets[a + 1] - offsets[a] - (offsets[b + 1] - offsets[b]) || a - b;
    });
  }

  /** One for each vocabulary, made when it is first wanted. */
  static of(vocabulary: Vocabulary): ByteOrder {
    let order = orders.get(vocabulary);
    if (order === undefined) {
      order = new ByteOrder(vocabulary);
      orders.set(vocabulary, order);
    }
    return order;
  }

  /**
   * The tokens whose text is a prefix of these bytes, or has them as its prefix. No bytes: every token goes beyond them.
   * At a fragment start a token's text is without the tokenizer's space (see textAtFragmentStart).
   */
  agreeing(bytes: Uint8Array, atFragmentStart = false): AgreeingTokens {
    if (bytes.length === 0) return { within: [], beyond: [this.ids] };
    return { within: this.within(bytes, atFragmentStart), beyond: this.#beyondAt(bytes, atFragmentStart) };
  }

  /** The first part of `agreeing`: tokens that say the first of these bytes, or all, and nothing else. */
  within(bytes: Uint8Array, atFragmentStart = false): readonly number[] {
    if (!atFragmentStart) return this.#within(bytes, 1);
    const spaced = this.#within(spacedBytes(bytes), 2);
    return bytes[0] === SPACE
      ? [...this.#allOf(bytes.subarray(0, 1)), ...spaced]
      : [...spaced, ...this.#within(bytes, 1)];
  }

  #beyondAt(bytes: Uint8Array, atFragmentStart: boolean): readonly Int32Array[] {
    if (!atFragmentStart) return [this.#beyond(bytes)];
    const spaced = this.#beyond(spacedBytes(bytes));
    return bytes[0] === SPACE ? [spaced] : [spaced, this.#beyond(bytes)];
  }

  /** The bytes with which the text of some token begins: 256 flags. */
  firstBytes(): boolean[] {
    const first = new Array<boolean>(256).fill(false);
    for (const id of this.ids) {
      const bytes = this.vocabulary.bytesOf(id);
      first[bytes[0]] = true;
      first[textAtFragmentStart(bytes)[0]] = true;
    }
    return first;
  }

  /** Tokens that are the first `shortest` or more of these bytes, shorter ones first. */
  #within(bytes: Uint8Array, shortest: number): number[] {
    const within: number[] = [];
    const order = this.ordered;
    const { offsets } = this.vocabulary.data;
    // From low to high stand the tokens that begin with the first `at` bytes and have more.
    let low = 0;
    let high = order.length;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      low = this.#firstWith(at, byte, low, high);
      high = byte === 255 ? high : this.#firstWith(at, byte + 1, low, high);
      for (; low < high && offsets[order[low] + 1] - offsets[order[low]] === at + 1; low++) {
        if (at + 1 >= shortest) within.push(order[low]);
      }
      if (low === high) break;
    }
    return within;
  }

  /** The first place from low to high, where all tokens begin alike and go on at `at`, whose byte there is not below. */
  #firstWith(at: number, byte: number, low: number, high: number): number {
    const order = this.ordered;
    const { bytes, offsets } = this.vocabulary.data;
    let from = low;
    let to = high;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (bytes[offsets[order[middle]] + at] < byte) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** Tokens that begin with these bytes and have more. */
  #beyond(bytes: Uint8Array): Int32Array {
    const start = this.#firstAbove(bytes, false);
    const end = this.#firstAbove(bytes, true);
    return start === end ? NO_TOKENS : this.ordered.subarray(start + this.#allOf(bytes).length, end);
  }

  /** Tokens that are these bytes, ascending. */
  #allOf(bytes: Uint8Array): Int32Array {
    const start = this.#firstAbove(bytes, false);
    let end = start;
    while (end < this.ordered.length && this.#compare(this.ordered[end], bytes, false) === 0) end++;
    return this.ordered.subarray(start, end);
  }

  /** The first place whose token is not below these bytes; with `behindAll`, nor begins with them. */
  #firstAbove(bytes: Uint8Array, behindAll: boolean): number {
    let low = 0;
    let high = this.ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = this.#compare(this.ordered[middle], bytes, behindAll);
      if (order < 0 || (behindAll && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Below 0 if the token is before the bytes; with `asPrefix`, 0 if it begins with them. */
  #compare(id: number, bytes: Uint8Array, asPrefix: boolean): number {
    const own = this.vocabulary.bytesOf(id);
    const length = Math.min(own.length, bytes.length);
    for (let at = 0; at < length; at++) if (own[at] !== bytes[at]) return own[at] - bytes[at];
    return asPrefix && own.length >= bytes.length ? 0 : own.length - bytes.length;
  }
}

function spacedBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([SPACE, ...bytes]);
}
