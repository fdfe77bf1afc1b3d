/** Multiple choice by the log-likelihoods of the choices. */
import { LlamafuseError } from "../../errors.js";
import { letterOf } from "../task.js";

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
