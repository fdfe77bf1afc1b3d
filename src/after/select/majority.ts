/** The rule that all votes of equal weight share: the answer given most often, by the candidate that gave it first. */
import type { Candidate } from "./candidate.js";
import type { SelectionRule } from "./define-selection.js";
import { isDecided, leaderOf, tallyOf, votesFor } from "./votes.js";

type ReadAnswers = (candidates: readonly Candidate[], question: string) => (string | undefined)[];

/** Stops as soon as the leader cannot be caught. */
export function majority(readAnswers: ReadAnswers): SelectionRule {
  return {
    select: (candidates, { question }) => {
      const answers = readAnswers(candidates, question);
      const tallies = tallyOf(answers);
      const leader = leaderOf(tallies);
      const scores = votesFor(answers, tallies);
      if (leader === undefined) return { chosen: 0, scores, reason: NO_ANSWER };
      const reason = `${leader.weight} of ${candidates.length} give this answer.`;
      return { chosen: leader.first, scores, reason };
    },
    isSettled: (candidates, left, question) => isDecided(tallyOf(readAnswers(candidates, question)), left),
  };
}

export const NO_ANSWER = "No candidate has an answer that can be read, so the first is given.";
