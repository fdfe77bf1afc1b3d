/**
 * The oracle: for every question the answer of the member that does best, of several the one that costs least. It is what
 * a perfect choice among the members would reach, and no choice among their answers can do better; a method that fuses
 * can.
 */
import type { Answer } from "../answers/answer-cache.js";
import type { Evaluation } from "./run.js";

/** For each question of each task the place of the contender whose answer the oracle takes; undefined for one member. */
export function oraclePlaces(evaluation: Evaluation): number[][] | undefined {
  const alone = evaluation.contenders.flatMap(({ kind }, place) => (kind === "member" ? [place] : []));
  if (alone.length < 2) return undefined;
  return evaluation.tasks.map(({ graded }) =>
    graded.map((all) =>
      alone.reduce((best, other) => {
        const gain = all[other].grade - all[best].grade;
        const saving =
          parameterTokens(evaluation, best, all[best].answer) - parameterTokens(evaluation, other, all[other].answer);
        return gain > 0 || (gain === 0 && saving > 0) ? other : best;
      }),
    ),
  );
}

/** Σ over a contender's members of parameters · tokens evaluated: in proportion to the multiplications that an answer took. */
export function parameterTokens(
  { contenders, members }: Evaluation,
  place: number,
  answer: Answer | undefined,
): number {
  const asked = contenders[place].team.members;
  return (answer?.tokens ?? []).reduce((sum, tokens, index) => sum + tokens * members[asked[index]].parameters, 0);
}
