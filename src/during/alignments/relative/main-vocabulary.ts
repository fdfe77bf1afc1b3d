/**
 * A distribution over one member's tokens as one over strings: tokens with the same bytes are one entry, which stands for
 * the likeliest of them, and all end tokens are the entry 0.
 *
 *     p(u) = Σ_{t: bytes(t) = u} p(t)        token(u) = argmax_{t: bytes(t) = u} p(t)
 *
 * `published`: entries are the tokens themselves, of which the end tokens' probabilities are added up in one.
 */
import type { Member } from "../../../member/member.js";
import { type UnionDictionary, unionOf } from "../../../vocabulary/union-dictionary.js";
import { argmax } from "../../combine.js";
import type { FusedDistribution } from "../../method.js";
import { endTokenOf } from "../build/embedded-members.js";

export class MainVocabulary {
  readonly #union: UnionDictionary | undefined;
  #probabilities = new Float64Array(0);
  #tokens = new Int32Array(0);

  constructor(
    private readonly member: Member,
    published: boolean,
  ) {
    if (!published) this.#union = unionOf([member.vocabulary]);
  }

  /** `shares`: float64[tokens], summing to 1; with `published`, changed in place. Reused by the next call. */
  distribution(shares: Float64Array): FusedDistribution {
    const union = this.#union;
    if (union === undefined) return this.#overTokens(shares);
    const { size, maps } = union.mapsFor([this.member.atFragmentStart]);
    const [map] = maps;
    if (this.#probabilities.length < size) {
      this.#probabilities = new Float64Array(size);
      this.#tokens = new Int32Array(size);
    }
    const probabilities = this.#probabilities;
    const tokens = this.#tokens;
    probabilities.fill(0);
    tokens.fill(-1);
    for (let token = 0; token < shares.length; token++) {
      const entry = map[token];
      // The entry behind all others is of tokens that are never text.
      if (entry === size) continue;
      probabilities[entry] += shares[token];
      if (tokens[entry] < 0 || shares[token] > shares[tokens[entry]]) tokens[entry] = token;
    }
    return {
      size,
      probabilities,
      endEntry: 0,
      best: argmax(probabilities, size),
      bytesOf: (entry) => union.bytesOf(entry),
    };
  }

  /** The token that an entry of the last distribution stands for. */
  tokenOf(entry: number): number {
    return this.#union === undefined ? entry : this.#tokens[entry];
  }

  #overTokens(shares: Float64Array): FusedDistribution {
    const { vocabulary } = this.member;
    const endEntry = endTokenOf(this.member);
    for (const id of vocabulary.endTokens) {
      if (id === endEntry) continue;
      shares[endEntry] += shares[id];
      shares[id] = 0;
    }
    return {
      size: shares.length,
      probabilities: shares,
      endEntry,
      best: argmax(shares, shares.length),
      bytesOf: (entry) => vocabulary.bytesOf(entry),
    };
  }
}
