/**
 * DRY ("don't repeat yourself"), as llama.cpp has it, on pieces:
 *
 *     z(u) ← z(u) − multiplier · base^(n − allowed)      n ≥ allowed: pieces at the end that occurred before, followed by u
 *
 * n is at most the number of pieces behind the last breaker. A breaker is a text; where it begins inside a piece and reaches
 * into the next ones, these end with it (llama.cpp asks the tokenizer where; pieces of a fused text have none of their
 * own, so here it is their bytes). Pieces that hold a breaker are never penalised.
 */
import type { FusedDistribution } from "../../during/method.js";
import type { CheckedSamplerOptions } from "../sampler-options.js";
import { entriesOf, type History, type Piece } from "./history.js";
import type { Penalised } from "./penalties.js";

/** ln of the greatest 32-bit float: larger powers count as this, as in llama.cpp. */
const LOG_GREATEST = 88.7228391;

/** Pieces that a breaker may reach into, as in llama.cpp. */
const LONGEST_TAIL = 20;

export class Dry {
  readonly window: number;
  readonly #options: CheckedSamplerOptions;
  readonly #breakers: readonly Buffer[];
  /** Pieces by id: whether they hold a breaker. */
  readonly #holds: boolean[] = [];
  #repeats = new Int32Array(0);

  constructor(options: CheckedSamplerOptions) {
    this.window = options.dryMultiplier > 0 ? options.dryWindow : 0;
    this.#options = options;
    this.#breakers = options.dryBreakers.map((text) => Buffer.from(text));
  }

  /** Lower the logits of the entries that would continue a repetition. */
  apply(distribution: FusedDistribution, history: History, penalised: Penalised): void {
    const { dryMultiplier, dryBase, dryAllowedLength } = this.#options;
    const length = Math.min(history.length, this.window);
    if (length <= dryAllowedLength) return;
    const limit = this.#behindBreaker(history, length);
    if (limit < dryAllowedLength) return;
    const longest = this.#longestRepeats(history, length, limit);
    const mostExponent = dryBase > 1.000001 ? Math.floor(LOG_GREATEST / Math.log(dryBase)) : 0;
    for (const [piece, entry] of entriesOf(distribution, longest.keys())) {
      if (this.#holdsBreaker(piece)) continue;
      const beyond = longest.get(piece)! - dryAllowedLength;
      const exponent = mostExponent > 0 ? Math.min(beyond, mostExponent) : beyond;
      penalised.set(entry, penalised.logitOf(entry) - dryMultiplier * dryBase ** exponent);
    }
  }

  /** How many of the last pieces stand behind the last breaker. */
  #behindBreaker(history: History, length: number): number {
    for (let back = 0; back < length; back++) {
      const tail = this.#longestTail(history, back);
      if (tail >= 0) return back - tail;
    }
    return length;
  }

  /** The pieces that a breaker which begins in this piece reaches into, at most; -1 where none begins there. */
  #longestTail(history: History, back: number): number {
    const head = history.back(back);
    if (head.bytes === undefined) return -1;
    let longest = this.#holdsBreaker(head) ? 0 : -1;
    for (const breaker of this.#breakers) {
      if (Buffer.from(head.bytes).includes(breaker)) continue;
      for (let at = Math.max(0, head.bytes.length - breaker.length + 1); at < head.bytes.length; at++) {
        const begun = head.bytes.length - at;
        if (Buffer.compare(head.bytes.subarray(at), breaker.subarray(0, begun)) !== 0) continue;
        longest = Math.max(longest, piecesOf(breaker.subarray(begun), history, back));
      }
    }
    return longest;
  }

  #holdsBreaker(piece: Piece): boolean {
    const { bytes = new Uint8Array() } = piece;
    this.#holds[piece.id] ??= this.#breakers.some((breaker) => Buffer.from(bytes).includes(breaker));
    return this.#holds[piece.id];
  }

  /**
   * Piece → the longest sequence at the end, of `limit` pieces at most, that it followed before. By the Z-algorithm, read
   * backwards, in linear time.
   */
  #longestRepeats(history: History, length: number, limit: number): Map<Piece, number> {
    if (this.#repeats.length < length) this.#repeats = new Int32Array(length);
    const repeats = this.#repeats;
    const longest = new Map<Piece, number>();
    let left = 0;
    let right = 0;
    for (let at = 1; at < length; at++) {
      let count = at < right ? Math.min(right - at, repeats[at - left]) : 0;
      while (at + count < length && history.back(count) === history.back(at + count)) count++;
      repeats[at] = count;
      if (at + count > right) {
        left = at;
        right = at + count;
      }
      const repeated = Math.min(count, limit);
      const next = history.back(at - 1);
      if (repeated >= this.#options.dryAllowedLength && repeated > (longest.get(next) ?? -1))
        longest.set(next, repeated);
    }
    return longest;
  }
}

/** How many pieces behind this one are just these bytes, or -1. */
function piecesOf(bytes: Uint8Array, history: History, back: number): number {
  let at = 0;
  for (let count = 1; count <= Math.min(back, LONGEST_TAIL); count++) {
    const piece = history.back(back - count).bytes;
    if (piece === undefined || Buffer.compare(piece, bytes.subarray(at, at + piece.length)) !== 0) return -1;
    at += piece.length;
    if (at === bytes.length) return count;
  }
  return -1;
}
