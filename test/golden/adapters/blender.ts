import { firstBest } from "../../../src/after/select/define-selection.js";
import { maxLogits, maxWins, ranksOf } from "../../../src/after/select/pairwise.js";
import type { GoldenAdapter } from "../adapter.js";

type Verdict = string;
interface Input {
  comparisons?: number[][][];
  judgements?: Verdict[][];
}

/** As published, where a sum and a mean are added. */
function referenceWins(table: readonly (readonly number[])[]): number[] {
  return table.map((row, i) => {
    const left = row.filter((logit) => logit > 0).length;
    return left + table.filter((other) => other[i] < 0).length / table.length;
  });
}

export const blender: GoldenAdapter = {
  method: "blender",
  tolerance: 1e-6,
  run({ comparisons = [] }: Input) {
    const logits = comparisons.map(maxLogits);
    const wins = comparisons.map(maxWins);
    return {
      maxLogitsScores: logits,
      maxLogitsRanks: logits.map(ranksOf),
      maxWins: wins,
      maxWinsReference: comparisons.map(referenceWins),
      maxWinsRanks: wins.map(ranksOf),
      bestMaxLogits: logits.map(firstBest),
      bestMaxWins: wins.map(firstBest),
    };
  },
};
