/**
 * chrF and chrF++ (Popović, WMT 2015 and 2017) as sacrebleu computes them: F-scores of character n-grams (orders 1 to 6,
 * white space removed) and, for chrF++, of word n-grams (orders 1 and 2). Scores are from 0 to 100.
 *
 *     P, R = matches / n-grams of the hypothesis, of the reference, averaged over the orders that both sides have
 *     chrF = 100 · (1 + β²) · P · R / (β² · P + R),   β = 2
 *
 * With several references, the one that gives a hypothesis the highest score counts.
 */
import { checkPairs } from "./pairs.js";
import { countMatches, countNgrams, splitWords } from "./words.js";

const CHARACTER_ORDER = 6;
const BETA_SQUARED = 4;
const ASCII_PUNCTUATION = /^[!-/:-@[-`{-~]$/;

export interface ChrfOptions {
  /** Word n-grams up to this order: 0 is chrF, 2 is chrF++. Default: 0. */
  wordOrder?: number;
  /** Compare in lower case. Default: false. */
  lowercase?: boolean;
}

/** n-grams of the hypothesis, of the reference, and of both, for one order. */
type OrderCounts = readonly [hypothesis: number, reference: number, matches: number];

/**
 * chrF of a corpus: the counts are summed over all pairs before anything is divided. `references[i]` are the references
 * of `hypotheses[i]`. LlamafuseError "invalid-option" if the counts differ or a hypothesis has no reference.
 */
export function corpusChrf(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: ChrfOptions = {},
): number {
  checkPairs(hypotheses, references);
  const pairs = hypotheses.map((hypothesis, index) => bestCounts(hypothesis, references[index], options));
  return scoreOf(
    (pairs[0] ?? []).map((_, order) =>
      pairs.reduce<OrderCounts>(
        ([h, r, m], counts) => [h + counts[order][0], r + counts[order][1], m + counts[order][2]],
        [0, 0, 0],
      ),
    ),
  );
}

/** chrF of one hypothesis. LlamafuseError "invalid-option" without a reference. */
export function sentenceChrf(hypothesis: string, references: readonly string[], options: ChrfOptions = {}): number {
  checkPairs([hypothesis], [references]);
  return scoreOf(bestCounts(hypothesis, references, options));
}

/** The counts against the reference with the highest score, the first of equals. */
function bestCounts(hypothesis: string, references: readonly string[], options: ChrfOptions): OrderCounts[] {
  const found = ngramsOf(hypothesis, options);
  const candidates = references.map((reference) =>
    ngramsOf(reference, options).map((wanted, order): OrderCounts => {
      const total = sizeOf(wanted);
      // An order that the reference is too short for does not count against the hypothesis.
      return [total > 0 ? sizeOf(found[order]) : 0, total, countMatches(found[order], wanted)];
    }),
  );
  return candidates.reduce((best, one) => (scoreOf(one) > scoreOf(best) ? one : best));
}

function ngramsOf(text: string, { wordOrder = 0, lowercase = false }: ChrfOptions): Map<string, number>[] {
  const words = splitWords(lowercase ? text.toLowerCase() : text);
  const characters = Array.from(words.join(""));
  const ngrams = Array.from({ length: CHARACTER_ORDER }, (_, index) => countNgrams(characters, index + 1, ""));
  const tokens = words.flatMap(splitPunctuation);
  return ngrams.concat(Array.from({ length: wordOrder }, (_, index) => countNgrams(tokens, index + 1)));
}

/** A word and the one punctuation mark at its end, or else at its beginning. */
function splitPunctuation(word: string): string[] {
  const characters = Array.from(word);
  if (characters.length === 1) return [word];
  if (ASCII_PUNCTUATION.test(characters.at(-1)!)) return [characters.slice(0, -1).join(""), characters.at(-1)!];
  if (ASCII_PUNCTUATION.test(characters[0])) return [characters[0], characters.slice(1).join("")];
  return [word];
}

function sizeOf(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

function scoreOf(counts: readonly OrderCounts[]): number {
  const effective = counts.filter(([hypothesis, reference]) => hypothesis > 0 && reference > 0);
  let precision = 0;
  let recall = 0;
  for (const [hypothesis, reference, matches] of effective) {
    precision += matches / hypothesis;
    recall += matches / reference;
  }
  if (precision + recall === 0) return 0;
  precision /= effective.length;
  recall /= effective.length;
  return (100 * (1 + BETA_SQUARED) * precision * recall) / (BETA_SQUARED * precision + recall);
}
