/**
 * Members that share one vocabulary, token for token: the same bytes at every id that is text. What is not text may
 * differ (a chat model ends with a token that is a control token of the base model), and so may the padding behind the
 * last token.
 */
import { byVocabularies } from "./by-vocabularies.js";
import type { UnionMaps } from "./union-dictionary.js";
import { TokenClass, type Vocabulary } from "./vocabulary.js";

const END = 0;

/**
 * The lowest token id at which two vocabularies differ, -1 if they are one. Ids that only the larger one has count where
 * they are text.
 */
export function firstDifference(a: Vocabulary, b: Vocabulary): number {
  return a === b ? -1 : firstOfTwo([a, b]);
}

/** Compared once; requests ask again and again. */
const firstOfTwo = byVocabularies(([a, b]) => {
  const size = Math.max(a.size, b.size);
  for (let id = 0; id < size; id++) if (!sameToken(a, b, id)) return id;
  return -1;
});

function sameToken(a: Vocabulary, b: Vocabulary, id: number): boolean {
  const isText = (vocabulary: Vocabulary) => id < vocabulary.size && vocabulary.classOf(id) === TokenClass.text;
  if (!isText(a) || !isText(b)) return isText(a) === isText(b);
  const [startA, endA] = [a.data.offsets[id], a.data.offsets[id + 1]];
  const [startB, endB] = [b.data.offsets[id], b.data.offsets[id + 1]];
  if (endA - startA !== endB - startB) return false;
  for (let at = 0; at < endA - startA; at++) if (a.data.bytes[startA + at] !== b.data.bytes[startB + at]) return false;
  return true;
}

/**
 * The space of a vocabulary that all have: entry 0 is the end, entry t + 1 is token t; tokens that are never text go to
 * one more entry behind all others (see UnionDictionary). The vocabularies must not differ.
 */
export const oneVocabularyMaps = byVocabularies((vocabularies): UnionMaps => {
  const size = Math.min(...vocabularies.map((vocabulary) => vocabulary.size)) + 1;
  return { size, maps: vocabularies.map((vocabulary) => mapOf(vocabulary, size)) };
});

/** The tokens of a vocabulary that are neither text nor an end, as `oneVocabularyMaps` has it. */
export function neverTextOf(vocabulary: Vocabulary): Int32Array {
  return neverTextOfFirst([vocabulary]);
}

const neverTextOfFirst = byVocabularies(([vocabulary]) => {
  const { maps, size } = oneVocabularyMaps([vocabulary]);
  return Int32Array.from(maps[0].keys()).filter((id) => maps[0][id] === size);
});

function mapOf(vocabulary: Vocabulary, size: number): Int32Array {
  const map = new Int32Array(new SharedArrayBuffer(4 * vocabulary.size));
  for (let id = 0; id < vocabulary.size; id++) {
    const tokenClass = vocabulary.classOf(id);
    const isText = tokenClass === TokenClass.text && vocabulary.bytesOf(id).length > 0;
    map[id] = tokenClass === TokenClass.end ? END : isText ? id + 1 : size;
  }
  return map;
}
