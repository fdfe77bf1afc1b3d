import { bayesCheck, countsOf, isChecked, NOT_GIVEN, UNKNOWN } from "../../../src/after/select/bayes-stop.js";
import { differencesOf, optimalVote, ratesOf, type VotedProblem } from "../../../src/learning/optimal-vote.js";
import type { GoldenAdapter } from "../adapter.js";

type Input =
  | { kind: "bayes-factor"; samples: string[]; threshold: number; unknown: number; maxSamples: number }
  | { kind: "milp"; counts: Record<string, number>[][]; gold: string[] };

export const bestOfInfinity: GoldenAdapter = {
  method: "best-of-infinity",
  tolerance: 1e-5,
  run: (input: Input) => (input.kind === "milp" ? vote(input) : stop(input)),
};

function stop({ samples, threshold, unknown, maxSamples }: Extract<Input, { kind: "bayes-factor" }>) {
  const checks = [];
  const given: (string | undefined)[] = [];
  for (const sample of samples.slice(0, maxSamples)) {
    given.push(sample === "" ? undefined : sample);
    if (!isChecked(given.length, maxSamples)) continue;
    const check = bayesCheck(given, unknown);
    checks.push({ sample: given.length, ...check, stop: check.bayesFactor >= threshold });
    if (check.bayesFactor >= threshold) break;
  }
  const counts = Array.from(countsOf(given, unknown));
  const [answer] = counts.reduce((best, each) => (each[1] > best[1] ? each : best));
  return { checks, used: given.length, answer: answer === NOT_GIVEN ? UNKNOWN : answer };
}

function vote({ counts, gold }: Extract<Input, { kind: "milp" }>) {
  const voters = counts.length;
  const problems = gold.map(
    (each, problem): VotedProblem => ({
      gold: each,
      counts: counts.map((row) => new Map(Object.entries(row[problem]))),
    }),
  );
  const { weights, right, margin } = optimalVote(problems, voters);
  const equal = counts.map(() => 1 / voters);
  const picksOf = (shares: readonly number[]) => problems.map((problem) => pick(problem, shares));
  const countRight = (shares: readonly number[]) => problems.filter((problem) => isRight(problem, shares)).length;
  return {
    correct: right.length,
    correctProblems: right,
    margin,
    weights,
    picks: picksOf(weights),
    uniform: { picks: picksOf(equal), correct: countRight(equal) },
    singleCorrect: counts.map((_, voter) => countRight(counts.map((__, each) => Number(each === voter)))),
  };
}

function isRight(problem: VotedProblem, weights: readonly number[]): boolean {
  return differencesOf(problem, weights.length).every(
    (column) => column.reduce((sum, difference, voter) => sum + weights[voter] * difference, 0) >= -1e-9,
  );
}

function pick({ counts }: VotedProblem, weights: readonly number[]): string {
  const sums = new Map<string, number>();
  for (const [voter, count] of counts.entries()) {
    for (const [answer, rate] of ratesOf(count)) sums.set(answer, (sums.get(answer) ?? 0) + weights[voter] * rate);
  }
  return Array.from(sums).reduce((best, each) => (each[1] > best[1] + 1e-9 ? each : best))[0];
}
