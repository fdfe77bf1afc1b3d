/**
 * When the answer given most often is the likeliest with enough certainty: the stop of Best-of-∞ (Komiyama et al., arXiv
 * 2509.21091). The answers' shares have a Dirichlet posterior with counts + 1 each, and all answers that nobody has given yet
 * are one more with a count of its own:
 *
 *     p = P(the most given answer has the largest share);   factor = (number of answers) · p / (1 − p)
 *
 * The published code estimates p by draws; here it is an exact integral (learning/dirichlet.ts).
 */
import { probabilityOfLargest } from "../../learning/dirichlet.js";

/** What answers not yet given are called. */
export const UNKNOWN = "unknown";

export interface BayesCheck {
  /** Given answers, and one for all others. */
  answers: number;
  modeProbability: number;
  bayesFactor: number;
}

/** Counts in the order of the first answers; the answers not yet given come right behind the first sample. */
export function countsOf(answers: readonly (string | undefined)[], unknown: number): Map<string | symbol, number> {
  const counts = new Map<string | symbol, number>();
  for (const [place, answer] of answers.entries()) {
    if (answer !== undefined) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    if (place === 0) counts.set(NOT_GIVEN, unknown);
  }
  return counts;
}

export const NOT_GIVEN = Symbol(UNKNOWN);

export function bayesCheck(answers: readonly (string | undefined)[], unknown: number): BayesCheck {
  const counts = Array.from(countsOf(answers, unknown).values());
  const mode = counts.indexOf(Math.max(...counts));
  const p = probabilityOfLargest(
    counts.map((count) => count + 1),
    mode,
  );
  return { answers: counts.length, modeProbability: p, bayesFactor: (counts.length * p) / (1 - p) };
}

/** Up to this many samples each is checked; beyond, those of the schedule: the code checks fewer where more may come. */
const MOST_CHECKED = 100;
const SCHEDULE: ReadonlySet<number> = new Set([1, 2, 4, 8, 16, 24, 32, 40, 60, 80, 100]);

export function isChecked(sample: number, most: number): boolean {
  return most <= MOST_CHECKED || SCHEDULE.has(sample) || (sample > MOST_CHECKED && sample % 20 === 0);
}
