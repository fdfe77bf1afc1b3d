import { firstBest } from "../../../src/after/select/define-selection.js";
import { agreedScores, scoresIn } from "../../../src/learning/rater-agreement.js";
import type { GoldenAdapter } from "../adapter.js";

type Input =
  | { kind: "scores"; ratings: number[][][]; maxScore: number; epoch: number; temperature: number }
  | { kind: "parse"; texts: string[]; n: number; maxScore: number };

export const peerreview: GoldenAdapter = {
  method: "peerreview",
  tolerance: 1e-5,
  run(input: Input) {
    if (input.kind === "parse") return { scores: input.texts.map((text) => scoresIn(text, input.n, input.maxScore)) };
    const { ratings, maxScore, epoch, temperature } = input;
    const average = ratings.map((sample) => sample.map((row) => row.reduce((sum, each) => sum + each, 0) / row.length));
    // The published code cuts fractions off.
    const items = ratings.flat().map((row) => row.map(Math.trunc));
    const agreed = agreedScores(items, { scores: maxScore, passes: epoch, temperature });
    const width = ratings[0].length;
    // Its scores are single precision, in which more of them are equal.
    const em = ratings.map((_, sample) => agreed.slice(sample * width, (sample + 1) * width));
    return {
      average,
      averagePick: average.map(firstBest),
      em,
      emPick: em.map((row) => firstBest(row.map(Math.fround))),
    };
  },
};
