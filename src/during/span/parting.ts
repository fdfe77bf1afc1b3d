/**
 * Where the members' distributions part, as the place to end a span (ours). Of a text that one member wrote, every member says how
 * probable it finds each word, given those before. Of a word the members differ by the Jensen–Shannon divergence of saying it or
 * not, equal weights, in bits from 0 to 1:
 *
 *     D(word) = h(mean_j p_j(word)) − mean_j h(p_j(word))        h(p) = −p log₂ p − (1 − p) log₂(1 − p)
 *
 * It is a lower bound of the divergence of their whole distributions over words, and costs nothing: the probabilities are those
 * that judge the text. The span ends before the first word after its first whose D exceeds the threshold, so that where members
 * part, the next span begins and all of them write.
 */
import type { Reading } from "./candidate.js";
import { wordEnds } from "./words.js";

/** The offset where a text parts, or its length. */
export function partsAt(bytes: Uint8Array, readings: readonly Reading[], threshold: number): number {
  const ends = wordEnds(bytes, true);
  for (let word = 1; word < ends.length; word++) {
    const from = ends[word - 1];
    if (divergence(readings.map((reading) => probabilityOf(reading, from, ends[word]))) > threshold) return from;
  }
  return bytes.length;
}

/** p of the tokens that end within these bytes. */
function probabilityOf({ logProbs, ends }: Reading, from: number, to: number): number {
  let sum = 0;
  for (const [token, end] of ends.entries()) if (end > from && end <= to) sum += logProbs[token];
  return Math.min(1, Math.exp(sum));
}

/** In bits, from 0 to 1. */
export function divergence(probabilities: readonly number[]): number {
  const mean = probabilities.reduce((sum, p) => sum + p, 0) / probabilities.length;
  return entropy(mean) - probabilities.reduce((sum, p) => sum + entropy(p), 0) / probabilities.length;
}

function entropy(p: number): number {
  return p <= 0 || p >= 1 ? 0 : -(p * Math.log2(p) + (1 - p) * Math.log2(1 - p));
}

/** A judge's reading of the first bytes of a text alone. */
export function readingUpTo({ logProbs, logits, ends }: Reading, offset: number): Reading {
  const count = ends.filter((end) => end <= offset).length;
  return { logProbs: logProbs.slice(0, count), logits: Array.from(logits).slice(0, count), ends: ends.slice(0, count) };
}
