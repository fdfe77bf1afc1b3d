/**
 * Short free-text answers: exact match, token F1, and containment, on text normalised as the SQuAD evaluation does it
 * (Rajpurkar et al., arXiv 1606.05250).
 */
import { countMatches, countNgrams, f1Of, splitWords } from "./words.js";

const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/g;
/** The English articles as whole words. Letters and digits of every script count as word characters. */
const ARTICLES = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/** Lower case, without ASCII punctuation, without articles, single spaces: "The U.S.A. " becomes "usa". */
export function normaliseAnswer(text: string): string {
  return splitWords(text.toLowerCase().replace(ASCII_PUNCTUATION, "").replace(ARTICLES, " ")).join(" ");
}

/** 1 if both are equal once normalised, else 0. */
export function exactMatch(answer: string, accepted: string): number {
  return normaliseAnswer(answer) === normaliseAnswer(accepted) ? 1 : 0;
}

/**
 * F1 = 2PR / (P + R) over the words of the normalised texts, P = matches / words of the answer, R = matches / words of
 * the accepted answer, each word matched as often as both have it. Where one side has no words, 1 if both have none,
 * else 0.
 */
export function tokenF1(answer: string, accepted: string): number {
  const found = splitWords(normaliseAnswer(answer));
  const wanted = splitWords(normaliseAnswer(accepted));
  if (found.length === 0 || wanted.length === 0) return found.length === wanted.length ? 1 : 0;
  const matches = countMatches(countNgrams(found, 1), countNgrams(wanted, 1));
  return f1Of(matches / found.length, matches / wanted.length);
}

/**
 * 1 if the words of the accepted answer stand in the answer, in a row, once both are normalised; else 0. For models
 * that answer in sentences. An accepted answer without words is contained only in an answer without words.
 */
export function containsAnswer(answer: string, accepted: string): number {
  const wanted = normaliseAnswer(accepted);
  if (wanted === "") return exactMatch(answer, accepted);
  return ` ${normaliseAnswer(answer)} `.includes(` ${wanted} `) ? 1 : 0;
}
