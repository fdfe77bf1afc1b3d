/** Multiple choice: by the log-likelihoods of the choices, and by the letter in a written answer. */
import { LlamafuseError } from "../../errors.js";
import { letterOf } from "../task.js";
import { lastBox } from "./number.js";
import { normaliseAnswer } from "./squad.js";

/**
 * The likeliest choice: argmax_i ℓ_i, or argmax_i ℓ_i / n_i where `lengths` are given; the first of equals. ℓ_i (nats)
 * is the log-likelihood of choice i after the prompt. The division keeps short choices from winning for being short;
 * with n_i in bytes it does not depend on a tokenizer. (EleutherAI's lm-evaluation-harness divides by characters.)
 *
 * LlamafuseError "invalid-option" for no choices, other counts of lengths than of choices, or a length that is not
 * positive; "invalid-logits" for a NaN. A choice that cannot occur has −Infinity.
 */
export function likeliestChoice(logLikelihoods: readonly number[], lengths?: readonly number[]): number {
  if (logLikelihoods.length === 0 || (lengths !== undefined && lengths.length !== logLikelihoods.length)) {
    throw new LlamafuseError(
      "invalid-option",
      `There are ${logLikelihoods.length} log-likelihoods${lengths === undefined ? "" : ` and ${lengths.length} lengths`}; give one of each for every choice, at least one.`,
      { found: logLikelihoods.length, lengths: lengths?.length, allowed: "one for every choice" },
    );
  }
  const scores = logLikelihoods.map((logLikelihood, choice) => {
    if (Number.isNaN(logLikelihood)) {
      throw new LlamafuseError("invalid-logits", `The log-likelihood of choice ${letterOf(choice)} is NaN.`, {
        choice,
      });
    }
    const length = lengths?.[choice] ?? 1;
    if (!(length > 0)) {
      throw new LlamafuseError(
        "invalid-option",
        `The length of choice ${letterOf(choice)} is ${length}; it must be above 0 to divide by it.`,
        { option: "lengths", found: length, allowed: "a number above 0", choice },
      );
    }
    return logLikelihood / length;
  });
  return scores.reduce((best, score, choice) => (score > scores[best] ? choice : best), 0);
}

/**
 * The choice (its index) that a written answer names, undefined if it names none (ours; no order is published).
 * The first of these that gives one of the choices:
 *
 * 1. the last `\boxed{…}`: a letter, or the text of a choice,
 * 2. the last "answer is" or "answer:" followed by a letter, in brackets or not,
 * 3. the whole text, or its first line, being the text of one choice (compared as `normaliseAnswer` does),
 * 4. a letter that begins the text: "B", "(B)", "B.", "B because …" (but "A cat …" and "I think …" begin with words),
 * 5. the last letter in round brackets.
 *
 * Letters count in upper case; in brackets, or alone, also in lower case.
 */
export function chosenIn(answer: string, choices: readonly string[]): number | undefined {
  const text = answer.trim();
  const boxed = lastBox(text);
  return (
    (boxed === undefined ? undefined : (soleLetter(boxed, choices) ?? choiceWithText(boxed, choices))) ??
    lastOf(
      /\b(?:[Aa]nswer|ANSWER)(?: is| IS)?[\s:*]*(?:option |choice )?(?:\(([A-Za-z])\)|([A-Z])(?![\p{L}\p{N}_'’-]))/gu,
      text,
      choices,
    ) ??
    soleLetter(text, choices) ??
    choiceWithText(text, choices) ??
    choiceWithText(text.split("\n", 1)[0], choices) ??
    lastOf(/^(?:\(([A-Za-z])\)|([A-Z])(?=[).:,;\n])|([B-HJ-Z])(?![\p{L}\p{N}_'’-]))/gu, text, choices) ??
    lastOf(/\(([A-Za-z])\)/g, text, choices)
  );
}

/** A text that is one letter and nothing else than brackets and a full stop. */
function soleLetter(text: string, choices: readonly string[]): number | undefined {
  return lastOf(/^\s*(?:\\text\{)?\(?([A-Za-z])\)?[.}]*\s*$/g, text, choices);
}

/** The last match whose letter is one of the choices. */
function lastOf(pattern: RegExp, text: string, choices: readonly string[]): number | undefined {
  return Array.from(text.matchAll(pattern), ([, ...letters]) => {
    const letter = letters.find((group) => group !== undefined) ?? "";
    return letter.toUpperCase().charCodeAt(0) - 65;
  }).findLast((choice) => choice < choices.length);
}

/** The one choice whose text this is. */
function choiceWithText(text: string, choices: readonly string[]): number | undefined {
  const wanted = normaliseAnswer(text);
  const matches = choices.flatMap((choice, index) => (normaliseAnswer(choice) === wanted ? [index] : []));
  return wanted !== "" && matches.length === 1 ? matches[0] : undefined;
}
