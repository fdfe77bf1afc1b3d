/** Words, and counts of n-grams: what the overlap metrics are made of. */

/** White space as Python's `str.split()` knows it, which the reference implementations use. */
const SPACES = String.raw`[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`;
const WHITE_SPACE = new RegExp(`${SPACES}+`);
const SPACES_AT_START = new RegExp(`^${SPACES}+`);
const SPACES_AT_END = new RegExp(`${SPACES}+$`);

/** Python's `\s` for regular expressions. */
export const PYTHON_SPACE = SPACES;

/** Python's `str.lstrip()`. */
export function stripStart(text: string): string {
  return text.replace(SPACES_AT_START, "");
}

/** Python's `str.strip()`. */
export function strip(text: string): string {
  return stripStart(text).replace(SPACES_AT_END, "");
}

/** The runs of characters between white space. */
export function splitWords(text: string): string[] {
  return text.split(WHITE_SPACE).filter((word) => word !== "");
}

/** How often every n-gram of this order occurs. Items of words are joined by spaces, so an item must contain none. */
export function countNgrams(items: readonly string[], order: number, separator = " "): Map<string, number> {
  const counts = new Map<string, number>();
  for (let start = 0; start + order <= items.length; start++) {
    const ngram = items.slice(start, start + order).join(separator);
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** Σ min(a, b) over the n-grams of both: the matches, each counted as often as both sides have it. */
export function countMatches(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let matches = 0;
  for (const [ngram, count] of a) matches += Math.min(count, b.get(ngram) ?? 0);
  return matches;
}

/** 2PR / (P + R), the harmonic mean of precision and recall; 0 where both are 0. */
export function f1Of(precision: number, recall: number): number {
  return precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
}
