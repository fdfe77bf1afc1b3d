/**
 * Weights of voters with known or estimated accuracies, where a voter who errs gives each of the other K − 1 classes alike:
 *
 *     w_m = ln(a_m (K − 1) / (1 − a_m));   score(k) = ln(prior_k K) + Σ_{m voted k} w_m
 *
 * which is the Bayes-optimal rule under this model (Nitzan and Paroush 1982, for K = 2). A voter below chance counts
 * against what it says.
 */

import type { Vote } from "./dawid-skene.js";
import { softmax } from "./softmax-regression.js";

/** Scores this close are equal. */
const EQUAL = 1e-9;

/** a in [clamp, 1 − clamp]. */
export function clampAccuracy(accuracy: number, clamp: number): number {
  return Math.min(1 - clamp, Math.max(clamp, accuracy));
}

export function logOddsWeight(accuracy: number, classes: number): number {
  return Math.log((accuracy * (classes - 1)) / (1 - accuracy));
}

/** The scores of all classes. `priors`: uniform where left out. */
export function voteScores(
  votes: readonly Vote[],
  weights: readonly number[],
  classes: number,
  priors?: readonly number[],
): number[] {
  const scores = Array.from({ length: classes }, (_, k) => (priors ? Math.log(priors[k] * classes) : 0));
  for (const [voter, vote] of votes.entries()) if (vote !== null) scores[vote] += weights[voter];
  return scores;
}

/** The first of the largest. */
export function bestClass(scores: readonly number[]): number {
  return scores.reduce((best, score, k) => (score > scores[best] + EQUAL ? k : best), 0);
}

/** How often a rule is right where all vote once: Σ over all K^M ballots. For few voters. */
export function accuracyOfRule(
  accuracies: readonly number[],
  classes: number,
  choose: (votes: readonly number[]) => number,
  priors: readonly number[] = Array<number>(classes).fill(1 / classes),
): number {
  let right = 0;
  const votes = accuracies.map(() => 0);
  for (;;) {
    const truth = choose(votes);
    const likelihood = votes.reduce(
      (product, vote, m) => product * (vote === truth ? accuracies[m] : (1 - accuracies[m]) / (classes - 1)),
      priors[truth],
    );
    right += likelihood;
    let voter = 0;
    while (voter < votes.length && ++votes[voter] === classes) votes[voter++] = 0;
    if (voter === votes.length) return right;
  }
}

export interface ConfidenceOptions {
  classes: number;
  /** Rising; bin b holds confidences with b edges at or below them. */
  edges: readonly number[];
  /** Accuracy of each bin to start from. */
  initial: readonly number[];
  /** Right and wrong answers that are added to each bin. */
  prior: readonly [right: number, wrong: number];
  iterations: number;
  /** One accuracy a bin for all voters. Default: each voter has its own. */
  shared?: boolean;
}

export interface ConfidenceFit {
  /** Items × voters; null where nothing was said. */
  bins: (number | null)[][];
  /** Voters × bins; one row where shared. */
  accuracies: number[][];
  posteriors: number[][];
}

/**
 * Accuracies by confidence without labels: EM over voters whose accuracy depends on the bin of their confidence.
 * answers, confidences: items × voters.
 */
export function confidenceAccuracies(
  answers: readonly (readonly Vote[])[],
  confidences: readonly (readonly number[])[],
  { classes, edges, initial, prior, iterations, shared = false }: ConfidenceOptions,
): ConfidenceFit {
  const bins = answers.map((row, item) =>
    row.map((answer, voter) => (answer === null ? null : binOf(confidences[item][voter], edges))),
  );
  const voters = answers[0]?.length ?? 0;
  const rowOf = (voter: number) => (shared ? 0 : voter);
  let accuracies = Array.from({ length: shared ? 1 : voters }, () => [...initial]);
  const expect = () =>
    answers.map((row, item) => {
      const logs = Array<number>(classes).fill(0);
      for (const [voter, answer] of row.entries()) {
        if (answer === null) continue;
        const accuracy = accuracies[rowOf(voter)][bins[item][voter]!];
        for (let k = 0; k < classes; k++) logs[k] += Math.log(k === answer ? accuracy : (1 - accuracy) / (classes - 1));
      }
      return Array.from(softmax(logs));
    });
  for (let iteration = 0; iteration < iterations; iteration++) {
    const posteriors = expect();
    const right = accuracies.map((row) => row.map(() => prior[0]));
    const all = accuracies.map((row) => row.map(() => prior[0] + prior[1]));
    for (const [item, row] of answers.entries()) {
      for (const [voter, answer] of row.entries()) {
        if (answer === null) continue;
        const bin = bins[item][voter]!;
        right[rowOf(voter)][bin] += posteriors[item][answer];
        all[rowOf(voter)][bin]++;
      }
    }
    accuracies = right.map((row, voter) => row.map((sum, bin) => sum / all[voter][bin]));
  }
  return { bins, accuracies, posteriors: expect() };
}

export function binOf(confidence: number, edges: readonly number[]): number {
  return edges.filter((edge) => edge <= confidence).length;
}
