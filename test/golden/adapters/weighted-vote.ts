import type { Vote } from "../../../src/learning/dawid-skene.js";
import { softmax } from "../../../src/learning/softmax-regression.js";
import {
  accuracyOfRule,
  bestClass,
  clampAccuracy,
  confidenceAccuracies,
  logOddsWeight,
  voteScores,
} from "../../../src/learning/vote-weights.js";
import type { GoldenAdapter } from "../adapter.js";

type Input =
  | { kind: "log-odds"; classes: number; accuracies: number[]; clamp: number; votes: Vote[][]; priors?: number[] }
  | {
      kind: "confidence-em";
      classes: number;
      answers: Vote[][];
      confidences: number[][];
      edges: number[];
      shared: boolean;
      initial: number[];
      prior: [number, number];
      iterations: number;
    };

export const weightedVote: GoldenAdapter = {
  method: "weighted-vote",
  tolerance: 1e-9,
  run(input: Input) {
    const { classes } = input;
    if (input.kind === "confidence-em") {
      const { answers, confidences, ...options } = input;
      const { bins, accuracies, posteriors } = confidenceAccuracies(answers, confidences, options);
      return {
        bins,
        accuracies,
        weights: accuracies.map((row) => row.map((accuracy) => logOddsWeight(accuracy, classes))),
        posteriors,
        choices: posteriors.map(bestClass),
      };
    }
    const { votes, priors } = input;
    const accuracies = input.accuracies.map((accuracy) => clampAccuracy(accuracy, input.clamp));
    const weights = accuracies.map((accuracy) => logOddsWeight(accuracy, classes));
    const scores = votes.map((row) => voteScores(row, weights, classes, priors));
    const equal = weights.map(() => 1);
    return {
      weights,
      scores,
      posteriors: scores.map((row) => softmax(row)),
      choices: scores.map(bestClass),
      optimalAccuracy: accuracyOfRule(
        accuracies,
        classes,
        (row) => bestClass(voteScores(row, weights, classes, priors)),
        priors,
      ),
      majorityAccuracy: accuracyOfRule(
        accuracies,
        classes,
        (row) => bestClass(voteScores(row, equal, classes)),
        priors,
      ),
    };
  },
};
