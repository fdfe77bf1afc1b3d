/**
 * ROUGE (Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004) as Google's rouge_score computes it.
 * Scores are from 0 to 1. Words are the runs of a-z and 0-9 in lower case; with `stem`, words of more than three
 * characters are reduced by the Porter stemmer (as LLM-Blender does it).
 *
 *     P = matches / words of the answer,   R = matches / words of the reference,   F = 2PR / (P + R)
 *
 * - ROUGE-1 and -2: matches are common n-grams, each as often as both have it, and P and R count n-grams.
 * - ROUGE-L: matches are the length of the longest common subsequence.
 * - ROUGE-Lsum: the texts are split into lines; matches are, summed over the reference's lines, the words in the union
 *   of the longest common subsequences with every line of the answer, no word more often than either text has it.
 *   rouge_score's `split_summaries` first puts sentences on lines of their own with NLTK's sentence splitter; give one
 *   sentence a line instead.
 */
import { porterStem } from "./porter-stemmer.js";
import { countMatches, countNgrams, f1Of } from "./words.js";

export const ROUGE_VARIANTS = ["rouge-1", "rouge-2", "rouge-l", "rouge-lsum"] as const;
export type RougeVariant = (typeof ROUGE_VARIANTS)[number];

export interface RougeOptions {
  /** Compare stems. Default: true. rouge_score's own default is false. */
  stem?: boolean;
}

export interface RougeScore {
  precision: number;
  recall: number;
  f1: number;
}

/** ROUGE of an answer against one reference. All 0 where one of them has no words (for ROUGE-2, fewer than two). */
export function rouge(
  variant: RougeVariant,
  answer: string,
  reference: string,
  options: RougeOptions = {},
): RougeScore {
  const wordsOf = (text: string) => tokenize(text, options.stem ?? true);
  switch (variant) {
    case "rouge-1":
      return ngramScore(wordsOf(answer), wordsOf(reference), 1);
    case "rouge-2":
      return ngramScore(wordsOf(answer), wordsOf(reference), 2);
    case "rouge-l": {
      const [found, wanted] = [wordsOf(answer), wordsOf(reference)];
      return scoreOf(commonSubsequence(wanted, found).length, found.length, wanted.length);
    }
    case "rouge-lsum":
      return summaryScore(answer.split("\n").map(wordsOf), reference.split("\n").map(wordsOf));
  }
}

function tokenize(text: string, stem: boolean): string[] {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return stem ? words.map((word) => (word.length > 3 ? porterStem(word) : word)) : words;
}

function scoreOf(matches: number, found: number, wanted: number): RougeScore {
  const precision = found > 0 ? matches / found : 0;
  const recall = wanted > 0 ? matches / wanted : 0;
  return { precision, recall, f1: f1Of(precision, recall) };
}

function ngramScore(found: readonly string[], wanted: readonly string[], order: number): RougeScore {
  const matches = countMatches(countNgrams(found, order), countNgrams(wanted, order));
  return scoreOf(matches, Math.max(0, found.length - order + 1), Math.max(0, wanted.length - order + 1));
}

function summaryScore(found: readonly string[][], wanted: readonly string[][]): RougeScore {
  const foundLeft = countNgrams(found.flat(), 1);
  let matches = 0;
  for (const line of wanted) {
    // Each place once, so that no word is taken more often than the reference has it.
    const union = new Set(found.flatMap((other) => commonSubsequence(line, other)));
    for (const place of union) if (take(foundLeft, line[place])) matches++;
  }
  return scoreOf(matches, found.flat().length, wanted.flat().length);
}

/** One fewer of a word; false if there was none left. */
function take(counts: Map<string, number>, word: string): boolean {
  const left = counts.get(word) ?? 0;
  if (left > 0) counts.set(word, left - 1);
  return left > 0;
}

/**
 * The places in `a` of a longest common subsequence of both. Of several, the one that rouge_score reads from the table
 * of lengths: backwards from the end, a step back in `b` only where that keeps a longer subsequence than one in `a`.
 */
export function commonSubsequence(a: readonly string[], b: readonly string[]): number[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      lengths[i * width + j] =
        a[i - 1] === b[j - 1]
          ? lengths[(i - 1) * width + j - 1] + 1
          : Math.max(lengths[(i - 1) * width + j], lengths[i * width + j - 1]);
    }
  }
  const places: number[] = [];
  for (let i = a.length, j = b.length; i > 0 && j > 0; ) {
    if (a[i - 1] === b[j - 1]) {
      places.push(--i);
      j--;
    } else if (lengths[i * width + j - 1] > lengths[(i - 1) * width + j]) j--;
    else i--;
  }
  return places.reverse();
}
