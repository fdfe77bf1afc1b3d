/**
 * The largest entry of a weighted sum of full distributions, found without computing the others.
 *
 *     u* = argmax_u Σ_i w_i · p_i(u)
 *
 * Each member lists its K most probable tokens. What none of them lists has at most Σ_i w_i · m_i · p_i(K-th token),
 * where m_i is the largest number of member i's tokens that share one entry. If the best entry that somebody lists lies
 * above that bound, it is the argmax (the threshold algorithm of Fagin, Lotem and Naor, doi 10.1016/S0022-0000(03)00026-6,
 * with the lists read to a fixed depth and all of each member's logits at hand).
 */
import type { Member } from "../../../member/member.js";
import type { UnionMaps } from "../../../vocabulary/union-dictionary.js";

/** K. Where anything is likely at all, the 32nd token is far from it. */
export const LISTED = 32;
/** For the rounding of a bound that is the sum of a few equal terms. */
const MARGIN = 1 + 1e-12;
/** Of the logarithm of a probability: tokens that are never text and are all below it change no digit of the rest. */
const NEGLIGIBLE = -50;

export class GreedySum {
  /** The entries that are listed in this step, ascending. */
  #entries: Int32Array;
  /** Σ_i w_i · p_i(u) for each of them. */
  readonly probabilities: Float64Array;
  size = 0;

  constructor(members: number) {
    this.#entries = new Int32Array(members * LISTED + 1);
    this.probabilities = new Float64Array(members * LISTED + 1);
  }

  entryAt(place: number): number {
    return this.#entries[place];
  }

  /**
   * List the candidates and their probabilities, each member conditioned on saying something (1 − the remainder of
   * UnionDictionary). Returns the place of the largest, the lowest among equals, or -1 where the lists do not decide.
   * Every output must hold at least LISTED top tokens, or all there are, and the normaliser.
   */
  find(members: readonly Member[], weights: readonly number[], { size, maps }: UnionMaps): number {
    const inverses = maps.map((map) => inverseOf(map, size));
    this.#list(members, maps);
    this.probabilities.fill(0, 0, this.size);
    let bound = 0;
    for (const [index, { output }] of members.entries()) {
      const inverse = inverses[index];
      const remainder = remainderOf(output.logits, output.logNormaliser, inverse.neverText);
      // Dividing by what is left of so little loses digits; the whole sum does better.
      if (remainder > 0.5) return -1;
      const weight = weights[index] / (1 - remainder);
      for (let place = 0; place < this.size; place++) {
        let sum = 0;
        for (let id = inverse.first[this.#entries[place]]; id >= 0; id = inverse.next[id])
          sum += Math.exp(output.logits[id] - output.logNormaliser);
        this.probabilities[place] += weight * sum;
      }
      const { topCount } = output;
      if (topCount >= LISTED)
        bound += weight * inverse.most * Math.exp(output.topLogits[LISTED - 1] - output.logNormaliser);
    }
    let best = 0;
    for (let place = 1; place < this.size; place++)
      if (this.probabilities[place] > this.probabilities[best]) best = place;
    return this.probabilities[best] > bound * MARGIN ? best : -1;
  }

  /** The end and every entry that a member lists, ascending and each once. */
  #list(members: readonly Member[], maps: readonly Int32Array[]): void {
    let count = 0;
    this.#entries[count++] = 0;
    for (const [index, { output }] of members.entries()) {
      const listed = Math.min(output.topCount, LISTED);
      for (let rank = 0; rank < listed; rank++) this.#entries[count++] = maps[index][output.topIds[rank]];
    }
    const sorted = this.#entries.subarray(0, count).sort();
    this.size = 0;
    for (let at = 0; at < count; at++)
      if (at === 0 || sorted[at] !== sorted[at - 1]) this.#entries[this.size++] = sorted[at];
  }
}

/** A map from tokens to entries, read the other way. */
interface Inverse {
  /** Entry → its lowest token, or -1. */
  first: Int32Array;
  /** Token → the next higher one of the same entry, or -1. */
  next: Int32Array;
  /** The most tokens of one entry, the end's (entry 0) left out. */
  most: number;
  /** The tokens that are never text. */
  neverText: Int32Array;
}

/** Maps are made once for an ensemble's vocabularies and stay as they are. */
const inverses = new WeakMap<Int32Array, Inverse>();

function inverseOf(map: Int32Array, size: number): Inverse {
  let inverse = inverses.get(map);
  if (inverse === undefined) inverses.set(map, (inverse = invert(map, size)));
  return inverse;
}

function invert(map: Int32Array, size: number): Inverse {
  const first = new Int32Array(size + 1).fill(-1);
  const next = new Int32Array(map.length);
  const counts = new Uint32Array(size + 1);
  for (let id = map.length - 1; id >= 0; id--) {
    next[id] = first[map[id]];
    first[map[id]] = id;
    counts[map[id]]++;
  }
  let most = 1;
  for (let entry = 1; entry < size; entry++) most = Math.max(most, counts[entry]);
  const neverText: number[] = [];
  for (let id = first[size]; id >= 0; id = next[id]) neverText.push(id);
  return { first, next, most, neverText: Int32Array.from(neverText) };
}

/** The probability of tokens that are never text. */
export function remainderOf(logits: Float32Array, logNormaliser: number, neverText: Int32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let place = 0; place < neverText.length; place++) largest = Math.max(largest, logits[neverText[place]]);
  if (largest - logNormaliser < NEGLIGIBLE) return 0;
  let sum = 0;
  for (let place = 0; place < neverText.length; place++) sum += Math.exp(logits[neverText[place]] - logNormaliser);
  return sum;
}
