/**
 * Which of a member's tokens a byte string is read as: its own ones, else the first one of its tokenisation. A string's
 * tokens do not change, so the member's thread is asked for each string once, and its logits are read in place.
 */
import { byteKey, type Vocabulary } from "../vocabulary/vocabulary.js";

export interface Reading {
  /** The tokens whose logits stand for the string; empty if there is none. */
  ids: readonly number[];
  /** Whether the string is a token of this vocabulary. */
  own: boolean;
}

/** Strings are pieces that members proposed; beyond so many of them, the old ones are forgotten. */
const MAX_STRINGS = 65_536;

export class Readings {
  readonly #within = new Map<string, Reading>();
  readonly #atStart = new Map<string, Reading>();

  constructor(
    private readonly vocabulary: Vocabulary,
    /** The first tokens of these strings as the text to come, -1 where there is none. */
    private readonly firstTokens: (strings: readonly Uint8Array[]) => Promise<number[]>,
  ) {}

  /** Error: invalid-option for a token id outside the vocabulary. */
  async of(keys: readonly (Uint8Array | number)[], atFragmentStart: boolean): Promise<Reading[]> {
    const known = atFragmentStart ? this.#atStart : this.#within;
    const readings = new Array<Reading>(keys.length);
    const unknown: number[] = [];
    for (const [index, key] of keys.entries()) {
      if (typeof key === "number") {
        readings[index] = { ids: [this.vocabulary.checkId(key)], own: true };
        continue;
      }
      const string = byteKey(key);
      const reading = known.get(string) ?? this.#own(string, atFragmentStart);
      if (reading === undefined) unknown.push(index);
      else known.set(string, (readings[index] = reading));
    }
    if (unknown.length > 0) {
      const strings = unknown.map((index) => keys[index] as Uint8Array);
      const first = await this.firstTokens(strings);
      if (known.size + unknown.length > MAX_STRINGS) known.clear();
      for (const [place, index] of unknown.entries()) {
        readings[index] = { ids: first[place] < 0 ? [] : [first[place]], own: false };
        known.set(byteKey(strings[place]), readings[index]);
      }
    }
    return readings;
  }

  #own(string: string, atFragmentStart: boolean): Reading | undefined {
    const ids = this.vocabulary.idsOf(string, atFragmentStart);
    return ids.length === 0 ? undefined : { ids, own: true };
  }
}

/** ln Σ exp(logit); one token's logit comes out as it is, and none gives -Infinity. */
export function pooledLogit(logits: ArrayLike<number>, ids: readonly number[]): number {
  if (ids.length === 1) return logits[ids[0]];
  let largest = Number.NEGATIVE_INFINITY;
  for (const id of ids) largest = Math.max(largest, logits[id]);
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  let sum = 0;
  for (const id of ids) sum += Math.exp(logits[id] - largest);
  return largest + Math.log(sum);
}
