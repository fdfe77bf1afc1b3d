/**
 * A text as a vector without a model and without fitting: its words and pairs of neighbouring words, each put into one of 512
 * places with a sign by its hash (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009),
 * x_b = Σ sign · (1 + ln tf), divided by its length. Texts of the same words point the same way.
 */
import { unitVector } from "./matrix.js";
import { hashOf, wordsAndPairs } from "./tf-idf.js";

const DIMENSION = 512;

export function hashedWords(text: string): Float64Array {
  const counts = new Map<string, number>();
  for (const term of wordsAndPairs(text)) counts.set(term, (counts.get(term) ?? 0) + 1);
  const vector = new Float64Array(DIMENSION);
  for (const [term, count] of counts) {
    const hash = hashOf(term);
    vector[hash & (DIMENSION - 1)] += (hash < 0 ? -1 : 1) * (1 + Math.log(count));
  }
  return unitVector(vector);
}
