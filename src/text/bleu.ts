/**
 * BLEU (Papineni et al., ACL 2002) as sacrebleu computes it by default (Post, arXiv 1804.08771): tokenizer 13a, n-grams
 * up to 4, exponential smoothing. Scores are from 0 to 100.
 *
 *     BLEU = 100 · BP · exp(1/N Σ_n ln p_n),   p_n = matches_n / n-grams_n of the hypotheses
 *     BP   = 1 if the hypotheses are at least as long as the references, else exp(1 − r/h)
 *
 * With several references a hypothesis's n-gram matches as often as the reference that has it most often, and r sums the
 * reference lengths closest to the hypotheses' (the shorter of two equally close). Smoothing: the k-th order that has
 * n-grams but no match counts as p_n = 1 / (2^k · n-grams_n).
 */
import { checkPairs } from "./pairs.js";
import { tokenize13a } from "./tokenize-13a.js";
import { countMatches, countNgrams } from "./words.js";

const MAX_ORDER = 4;

export interface BleuOptions {
  /** Compare in lower case. Default: false. */
  lowercase?: boolean;
}

export interface BleuScore {
  /** 0 to 100. */
  score: number;
  /** 100 · p_1 … 100 · p_4, smoothed; all 0 where nothing matches. */
  precisions: number[];
  brevityPenalty: number;
  /** Words of the hypotheses, and of the closest references. */
  hypothesisLength: number;
  referenceLength: number;
  /** Matching n-grams, and all n-grams of the hypotheses, by order. */
  matches: number[];
  totals: number[];
}

/**
 * BLEU of a whole corpus: the counts are summed over all pairs before anything is divided. `references[i]` are the
 * references of `hypotheses[i]`. LlamafuseError "invalid-option" if the counts differ or a hypothesis has no reference.
 */
export function corpusBleu(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  options: BleuOptions = {},
): BleuScore {
  checkPairs(hypotheses, references);
  const total = hypotheses
    .map((hypothesis, index) => countPair(hypothesis, references[index], options))
    .reduce(addCounts, emptyCounts());
  return scoreOf(total, false);
}

/**
 * BLEU of one hypothesis. Unlike in a corpus, orders that are longer than the hypothesis do not count (sacrebleu's
 * effective order). An empty hypothesis has 0. LlamafuseError "invalid-option" without a reference.
 */
export function sentenceBleu(hypothesis: string, references: readonly string[], options: BleuOptions = {}): BleuScore {
  checkPairs([hypothesis], [references]);
  return scoreOf(countPair(hypothesis, references, options), true);
}

type Counts = Pick<BleuScore, "hypothesisLength" | "referenceLength" | "matches" | "totals">;

function emptyCounts(): Counts {
  return {
    hypothesisLength: 0,
    referenceLength: 0,
    matches: Array(MAX_ORDER).fill(0),
    totals: Array(MAX_ORDER).fill(0),
  };
}

function addCounts(a: Counts, b: Counts): Counts {
  return {
    hypothesisLength: a.hypothesisLength + b.hypothesisLength,
    referenceLength: a.referenceLength + b.referenceLength,
    matches: a.matches.map((count, order) => count + b.matches[order]),
    totals: a.totals.map((count, order) => count + b.totals[order]),
  };
}

function countPair(hypothesis: string, references: readonly string[], { lowercase = false }: BleuOptions): Counts {
  const wordsOf = (text: string) => tokenize13a((lowercase ? text.toLowerCase() : text).trimEnd());
  const words = wordsOf(hypothesis);
  const referenceWords = references.map(wordsOf);
  const counts = emptyCounts();
  counts.hypothesisLength = words.length;
  counts.referenceLength = closestLength(
    words.length,
    referenceWords.map(({ length }) => length),
  );
  for (let order = 1; order <= MAX_ORDER; order++) {
    const most = new Map<string, number>();
    for (const reference of referenceWords) {
      for (const [ngram, count] of countNgrams(reference, order))
        most.set(ngram, Math.max(count, most.get(ngram) ?? 0));
    }
    counts.matches[order - 1] = countMatches(countNgrams(words, order), most);
    counts.totals[order - 1] = Math.max(0, words.length - order + 1);
  }
  return counts;
}

function closestLength(length: number, candidates: readonly number[]): number {
  const distance = (candidate: number) => Math.abs(candidate - length);
  return candidates.reduce((best, one) => {
    const closer = distance(one) - distance(best);
    return closer < 0 || (closer === 0 && one < best) ? one : best;
  });
}

function scoreOf(counts: Counts, effectiveOrder: boolean): BleuScore {
  const { hypothesisLength, referenceLength, matches, totals } = counts;
  const precisions = Array<number>(MAX_ORDER).fill(0);
  const brevityPenalty =
    hypothesisLength >= referenceLength
      ? 1
      : hypothesisLength > 0
        ? Math.exp(1 - referenceLength / hypothesisLength)
        : 0;
  if (matches.every((count) => count === 0)) return { score: 0, precisions, brevityPenalty, ...counts };
  let withoutMatch = 0;
  for (const [order, total] of totals.entries()) {
    if (total === 0) break;
    precisions[order] = (100 * (matches[order] > 0 ? matches[order] : 0.5 ** ++withoutMatch)) / total;
  }
  const orders = effectiveOrder ? totals.filter((total) => total > 0).length : MAX_ORDER;
  const logs = precisions.slice(0, orders).reduce((sum, precision) => sum + Math.log(precision / 100), 0);
  return { score: 100 * brevityPenalty * Math.exp(logs / orders), precisions, brevityPenalty, ...counts };
}
