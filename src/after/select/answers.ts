/**
 * What an answer comes down to, where answers vote: candidates that come down to the same are one ballot's worth each for it.
 *
 * - `text`: the whole answer. Space at its ends, one full stop at its end and letter case do not count, runs of space are one;
 *   a number with or without `$` and thousands separators is that number.
 * - `number`: the number that the text gives as its answer (text/number.ts).
 * - `choice`: the choice that it names, of those that the question lists as `A. …` or `A) …` lines.
 */
import { z } from "zod";
import { chosenIn } from "../../text/named-choice.js";
import { extractNumber, type Rational } from "../../text/number.js";
import { type Candidate, isBlank } from "./candidate.js";

export const READINGS = ["text", "number", "choice"] as const;
export type Reading = (typeof READINGS)[number];

export const readingOption = z.enum(READINGS).default("text").meta({
  description:
    'What answers are compared by: "text", the whole answer; "number", the number it gives; "choice", the choice that it names.',
});

/** The answer as a key, equal for equal answers; undefined where there is none. */
export function answerOf(text: string, reading: Reading, question: string): string | undefined {
  if (text.trim() === "") return undefined;
  if (reading === "number") return keyOfNumber(extractNumber(text, question));
  if (reading === "text") return plainAnswer(text);
  const chosen = chosenIn(text, choicesIn(question));
  return chosen === undefined ? undefined : String.fromCharCode(65 + chosen);
}

/** Candidate → its answer as a key. */
export function answersOf(
  candidates: readonly Candidate[],
  reading: Reading,
  question: string,
): (string | undefined)[] {
  return candidates.map((candidate) => (isBlank(candidate) ? undefined : answerOf(candidate.text, reading, question)));
}

const NUMBER = /^([+-]?)\$?(\d[\d,]*)(\.\d+)?$/;

/** See `text` above. */
export function plainAnswer(text: string): string {
  const plain = text.trim().replace(/\s+/g, " ").toLowerCase().replace(/\.$/, "");
  const number = NUMBER.exec(plain);
  if (number === null) return plain;
  const [, sign, whole, part = ""] = number;
  return String(Number(`${sign}${whole.replaceAll(",", "")}${part}`));
}

function keyOfNumber(number: Rational | undefined): string | undefined {
  if (number === undefined) return undefined;
  const { numerator, denominator } = number;
  const divisor = greatestCommon(numerator < 0n ? -numerator : numerator, denominator);
  return `${numerator / divisor}/${denominator / divisor}`;
}

function greatestCommon(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommon(b, a % b);
}

/** The lines `A. …`, `(B) …`, `C) …` of a question, as far as the letters follow one another. */
export function choicesIn(question: string): string[] {
  const choices: string[] = [];
  for (const [, letter, text] of question.matchAll(/^[ \t]*\(?([A-Z])[.):][ \t]+(.+)$/gm)) {
    if (letter === String.fromCharCode(65 + choices.length)) choices.push(text.trim());
  }
  return choices;
}
