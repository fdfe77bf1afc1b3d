/**
 * Weights of voters that get most problems right, and among these the ones with the largest margin (Best-of-∞, Komiyama et
 * al., arXiv 2509.21091). A problem is right where the right answer's weighted rate is at least every other's:
 *
 *     Σ_i w_i (r_i(gold) − r_i(a)) ≥ 0 for all a,   w ≥ 0, Σ w = 1
 *
 * The paper solves a mixed-integer program and searches the margin; here it is branch and bound over problems, each bound
 * a zero-sum game (matrix-game.ts), so the margin is exact.
 */
import { solveGame } from "./matrix-game.js";

/** One problem: answer → how often a voter gave it, for each voter; and the right answer. */
export interface VotedProblem {
  counts: readonly ReadonlyMap<string, number>[];
  gold: string;
}

export interface OptimalVote {
  weights: number[];
  /** Problems that it gets right, by index. */
  right: number[];
  margin: number;
}

const TOLERANCE = 1e-9;
/** Branches looked at; beyond, the best so far stands. */
const MOST_BRANCHES = 20_000;

export function optimalVote(problems: readonly VotedProblem[], voters: number): OptimalVote {
  const columns = problems.map((problem) => differencesOf(problem, voters));
  let best: OptimalVote = {
    weights: Array<number>(voters).fill(1 / voters),
    right: [],
    margin: Number.NEGATIVE_INFINITY,
  };
  let branches = 0;
  const visit = (next: number, chosen: readonly number[]): void => {
    if (branches++ > MOST_BRANCHES || chosen.length + problems.length - next < best.right.length) return;
    const { value, mixture } = gameOf(
      chosen.flatMap((problem) => columns[problem]),
      voters,
    );
    if (value < -TOLERANCE) return;
    if (next === problems.length) {
      const isBetter =
        chosen.length > best.right.length || (chosen.length === best.right.length && value > best.margin + TOLERANCE);
      if (isBetter) best = { weights: mixture, right: [...chosen], margin: value };
      return;
    }
    visit(next + 1, [...chosen, next]);
    visit(next + 1, chosen);
  };
  visit(0, []);
  return best;
}

/** r_i(gold) − r_i(a) of every voter i, for each wrong answer a. */
export function differencesOf({ counts, gold }: VotedProblem, voters: number): number[][] {
  const rates = counts.map(ratesOf);
  const wrong = new Set(counts.flatMap((count) => Array.from(count.keys())).filter((answer) => answer !== gold));
  return Array.from(wrong, (answer) =>
    Array.from({ length: voters }, (_, i) => (rates[i].get(gold) ?? 0) - (rates[i].get(answer) ?? 0)),
  );
}

export function ratesOf(counts: ReadonlyMap<string, number>): Map<string, number> {
  const total = Array.from(counts.values()).reduce((sum, count) => sum + count, 0);
  return new Map(Array.from(counts, ([answer, count]) => [answer, total > 0 ? count / total : 0]));
}

function gameOf(columns: readonly (readonly number[])[], voters: number) {
  return solveGame(Array.from({ length: voters }, (_, i) => columns.map((column) => column[i])));
}
