/** How much two vocabularies have in common, over the distinct byte strings of their ordinary tokens. */
import { byteKey, TokenClass, type Vocabulary } from "./vocabulary.js";

/** What is compared: a vocabulary by its model's name. */
export interface NamedVocabulary {
  name: string;
  /** The distinct byte strings of its text tokens, as keys (see byteKey). */
  strings: ReadonlySet<string>;
}

export interface Overlap {
  a: string;
  b: string;
  /** |A ∩ B| */
  common: number;
  /** |A ∪ B| */
  union: number;
  /** |A ∩ B| / |A ∪ B|, from 0 to 1; 0 where both are empty. */
  jaccard: number;
}

/** Control, end, unknown and unused tokens are left out; two tokens with the same bytes count once. */
export function byteStrings(vocabulary: Vocabulary): Set<string> {
  const strings = new Set<string>();
  for (let id = 0; id < vocabulary.size; id++) {
    if (vocabulary.classOf(id) === TokenClass.text) strings.add(byteKey(vocabulary.bytesOf(id)));
  }
  return strings;
}

/** Every unordered pair, in the order given. */
export function overlaps(models: readonly NamedVocabulary[]): Overlap[] {
  return models.flatMap((first, index) => models.slice(index + 1).map((second) => overlap(first, second)));
}

function overlap(first: NamedVocabulary, second: NamedVocabulary): Overlap {
  const [small, large] = first.strings.size <= second.strings.size ? [first, second] : [second, first];
  let common = 0;
  for (const key of small.strings) if (large.strings.has(key)) common++;
  const union = small.strings.size + large.strings.size - common;
  return { a: first.name, b: second.name, common, union, jaccard: union === 0 ? 0 : common / union };
}

/**
 * The share of a text's tokens (occurrences, not distinct ones), as `vocabulary` tokenised it, whose byte string is an
 * ordinary token of `other` too: how often the two could vote on the very same string. Tokens that are not text
 * (unknown) count as not shared. 0 for an empty text.
 */
export function sharedOccurrences(ids: Iterable<number>, vocabulary: Vocabulary, other: ReadonlySet<string>): number {
  let shared = 0;
  let total = 0;
  for (const id of ids) {
    total++;
    if (vocabulary.classOf(id) === TokenClass.text && other.has(byteKey(vocabulary.bytesOf(id)))) shared++;
  }
  return total === 0 ? 0 : shared / total;
}
