/** Votes among answers: who leads, and when no further vote can change that. */

/** An answer with its votes. */
export interface Tally {
  answer: string;
  /** Place of its first vote. */
  first: number;
  weight: number;
}

/** Σ weights for each answer, in the order in which they were first given; abstentions are undefined. */
export function tallyOf(answers: readonly (string | undefined)[], weights?: ArrayLike<number>): Tally[] {
  const tallies = new Map<string, Tally>();
  for (const [place, answer] of answers.entries()) {
    if (answer === undefined) continue;
    const weight = weights?.[place] ?? 1;
    const known = tallies.get(answer);
    if (known === undefined) tallies.set(answer, { answer, first: place, weight });
    else known.weight += weight;
  }
  return Array.from(tallies.values());
}

/** Sums of weights this close are equal. */
const EQUAL = 1e-9;

/** The answer with the most votes, the first given of equals; undefined where nobody voted. */
export function leaderOf(tallies: readonly Tally[]): Tally | undefined {
  let leader: Tally | undefined;
  for (const tally of tallies) if (leader === undefined || tally.weight > leader.weight + EQUAL) leader = tally;
  return leader;
}

/** Whether votes of at most `left` in sum cannot change who leads. */
export function isDecided(tallies: readonly Tally[], left: number): boolean {
  const leader = leaderOf(tallies);
  if (leader === undefined) return false;
  const others = tallies.filter((tally) => tally !== leader);
  // Whoever was given later, or not yet, has to pass the leader; who was given earlier wins ties.
  const isSafe = (weight: number, isEarlier: boolean) =>
    isEarlier ? weight + left < leader.weight - EQUAL : weight + left <= leader.weight + EQUAL;
  return isSafe(0, false) && others.every(({ weight, first }) => isSafe(weight, first < leader.first));
}

/** The votes for each candidate's own answer; 0 where it has none. */
export function votesFor(answers: readonly (string | undefined)[], tallies: readonly Tally[]): number[] {
  const votes = new Map(tallies.map(({ answer, weight }) => [answer, weight]));
  return answers.map((answer) => (answer === undefined ? 0 : votes.get(answer)!));
}
