import { bestExpected, expectedUtilities, utilities } from "../../../src/after/select/methods/mbr.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  candidates: string[];
  utility: "bleu" | "chrf" | "rougeL";
  weights: number[];
  includeSelf: boolean;
}

export const mbr: GoldenAdapter = {
  method: "mbr",
  tolerance: 1e-9,
  run({ candidates, utility, weights, includeSelf }: Input) {
    const of = utilities[utility === "rougeL" ? "rouge-l" : utility];
    const table = candidates.map((text) => candidates.map((other) => of(text, other)));
    const scores = expectedUtilities(table, weights, includeSelf);
    const order = Array.from(scores.keys()).sort((a, b) =>
      Math.abs(scores[a] - scores[b]) <= 1e-9 ? a - b : scores[b] - scores[a],
    );
    return { utilities: table, scores, best: bestExpected(scores), order };
  },
};
