/**
 * A member's tokens by falling logit, found one after another as they are asked for: most searches look at a few dozen of
 * a hundred thousand. So only tokens within a band below the best one go onto a heap; when they are used up, those of the
 * next band do. A band costs O(n), a rank of it O(log n); ties go to the lowest id.
 *
 *     ln p(t) = z_t − ln Σ_{text and ends} exp(z)
 *
 * Control tokens are conditioned away, as the released code does. All end tokens are one, offered as the first of them
 * at their summed probability (the released code offers each).
 */

import { pooledLogit } from "../../../member/readings.js";
import { ByteOrder } from "../../../vocabulary/byte-order.js";
import { TokenClass, textAtFragmentStart, type Vocabulary } from "../../../vocabulary/vocabulary.js";
import type { Offers } from "./search.js";

/** A member's logits at one place, and ln Σ exp of all of them. */
export interface Logits {
  logits: ArrayLike<number>;
  logNormaliser: number;
}

/** In nats: what is less likely than the best by e^-10 is seldom looked at. */
const BAND = 10;
/** Behind so many bands, all the rest is one. */
const BANDS = 3;

export class TokenRanking implements Offers {
  /** The end token that stands for all; -1 if there is none. */
  readonly end: number;
  readonly #order: ByteOrder;
  readonly #heap: Int32Array;
  #size = 0;
  /** All that is ranked: tokens within the wanted bytes, tokens beyond them. */
  #parts: readonly Int32Array[] = [];
  /** Whether the end is ranked too. */
  #hasEnd = false;
  /** The best logit, and how many bands below it have been looked through. */
  #largest = Number.NEGATIVE_INFINITY;
  #bands = 0;
  readonly #ranked: number[] = [];
  #logits: ArrayLike<number> = [];
  #endLogit = Number.NEGATIVE_INFINITY;
  #logNormaliser = 0;
  #atFragmentStart = false;

  constructor(private readonly vocabulary: Vocabulary) {
    this.end = vocabulary.endTokens[0] ?? -1;
    this.#order = ByteOrder.of(vocabulary);
    this.#heap = new Int32Array(this.#order.ids.length + 1);
  }

  /** Rank the tokens that agree with these bytes; the end only where there are none that are wanted. */
  rank({ logits, logNormaliser }: Logits, wanted: Uint8Array, atFragmentStart: boolean): void {
    this.#logits = logits;
    this.#logNormaliser = textNormaliser(this.vocabulary, this.#order, logits, logNormaliser);
    this.#atFragmentStart = atFragmentStart;
    this.#ranked.length = 0;
    this.#size = 0;
    const { within, beyond } = this.#order.agreeing(wanted, atFragmentStart);
    this.#parts = within.length === 0 ? beyond : [Int32Array.from(within), ...beyond];
    this.#hasEnd = this.end >= 0 && wanted.length === 0;
    this.#endLogit = this.#hasEnd ? pooledLogit(logits, this.vocabulary.endTokens) : Number.NEGATIVE_INFINITY;
    this.#largest = this.#endLogit;
    for (const ids of this.#parts) this.#largest = Math.max(this.#largest, largestOf(ids, logits));
    this.#bands = 0;
  }

  idAt(rank: number): number {
    while (this.#ranked.length <= rank) {
      if (this.#size === 0) {
        if (this.#bands > BANDS) return -1;
        this.#fill();
        continue;
      }
      this.#ranked.push(this.#heap[0]);
      this.#heap[0] = this.#heap[--this.#size];
      this.#sift(0);
    }
    return this.#ranked[rank];
  }

  /** Make a heap of the next band. */
  #fill(): void {
    const band = this.#bands++;
    const below = band === 0 ? Number.POSITIVE_INFINITY : this.#largest - BAND * band;
    const from = band === BANDS ? Number.NEGATIVE_INFINITY : this.#largest - BAND * (band + 1);
    for (const ids of this.#parts) this.#size = collect(ids, this.#logits, from, below, this.#heap, this.#size);
    if (this.#hasEnd && this.#endLogit >= from && this.#endLogit < below) this.#heap[this.#size++] = this.end;
    for (let at = (this.#size >>> 1) - 1; at >= 0; at--) this.#sift(at);
  }

  within(bytes: Uint8Array): readonly number[] {
    return this.#order.within(bytes, this.#atFragmentStart);
  }

  logProbOf(id: number): number {
    return this.#logitOf(id) - this.#logNormaliser;
  }

  bytesOf(id: number): Uint8Array {
    const bytes = this.vocabulary.bytesOf(id);
    return this.#atFragmentStart ? textAtFragmentStart(bytes) : bytes;
  }

  #logitOf(id: number): number {
    return id === this.end ? this.#endLogit : this.#logits[id];
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#logitOf(a) - this.#logitOf(b);
    return difference > 0 || (difference === 0 && a < b);
  }

  #sift(start: number): void {
    const heap = this.#heap;
    const id = heap[start];
    let at = start;
    for (let child = 2 * at + 1; child < this.#size; child = 2 * at + 1) {
      if (child + 1 < this.#size && this.#isBefore(heap[child + 1], heap[child])) child++;
      if (!this.#isBefore(heap[child], id)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = id;
  }
}

function largestOf(ids: Int32Array, logits: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < ids.length; at++) {
    const logit = logits[ids[at]];
    if (logit > largest) largest = logit;
  }
  return largest;
}

/** Append the tokens with from ≤ z < below; returns how many there are then. */
function collect(
  ids: Int32Array,
  logits: ArrayLike<number>,
  from: number,
  below: number,
  into: Int32Array,
  size: number,
): number {
  let count = size;
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at];
    const logit = logits[id];
    if (logit >= from && logit < below) into[count++] = id;
  }
  return count;
}

/** ln Σ exp(z) over the tokens that can be said: text with bytes, and ends. */
function textNormaliser(
  vocabulary: Vocabulary,
  order: ByteOrder,
  logits: ArrayLike<number>,
  logNormaliser: number,
): number {
  const said = order.ids.length + vocabulary.endTokens.length;
  if (said === vocabulary.size) return logNormaliser;
  let silent = 0;
  for (const id of silentTokens(vocabulary)) silent += Math.exp(logits[id] - logNormaliser);
  if (silent < 0.5) return logNormaliser + Math.log1p(-silent);
  // What is left of 1 would have few digits.
  let sum = 0;
  for (const id of order.ids) sum += Math.exp(logits[id] - logNormaliser);
  for (const id of vocabulary.endTokens) sum += Math.exp(logits[id] - logNormaliser);
  return logNormaliser + Math.log(sum);
}

const silent = new WeakMap<Vocabulary, readonly number[]>();

/** Tokens that are never text: control tokens, unused ones, text without bytes. */
function silentTokens(vocabulary: Vocabulary): readonly number[] {
  let ids = silent.get(vocabulary);
  if (ids === undefined) {
    ids = Array.from({ length: vocabulary.size }, (_, id) => id).filter((id) => {
      const tokenClass = vocabulary.classOf(id);
      return tokenClass !== TokenClass.end && (tokenClass !== TokenClass.text || vocabulary.bytesOf(id).length === 0);
    });
    silent.set(vocabulary, ids);
  }
  return ids;
}
