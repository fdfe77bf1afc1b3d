import { eloWinRate, similarityWeights } from "../../../src/before/routers/routellm-ranking.js";
import { type Battle, bradleyTerry, eloOf, winsOf } from "../../../src/learning/bradley-terry.js";
import { sigmoid } from "../../../src/learning/logistic-regression.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import { MatrixFactorisation } from "../../../src/learning/matrix-factorisation.js";
import { ratingTiers } from "../../../src/learning/rating-tiers.js";
import type { GoldenAdapter } from "../adapter.js";

type SavedBattle = [a: number, b: number, outcome: Battle["outcome"], weight?: number];

type Input =
  | { kind: "tiers"; ratings: number[]; numTiers: number }
  | { kind: "bradleyTerry"; numModels: number; battles: SavedBattle[] }
  | {
      kind: "swWinRate";
      numModels: number;
      battles: SavedBattle[];
      similarity: number[];
      strong: number;
      weak: number;
    }
  | { kind: "mf"; P: number[][]; W: number[][]; w: number[]; embeddings: number[][]; a: number; b: number };

export const routellm: GoldenAdapter = {
  method: "routellm",
  // The published estimator has no ridge: 1e-4 Elo is what a ridge of 1e-6 leaves.
  tolerance: 1e-7,
  run(input: Input) {
    switch (input.kind) {
      case "tiers":
        return { tiers: ratingTiers(input.ratings, input.numTiers) };
      case "bradleyTerry":
        return { eloCentred: eloOfBattles(input.battles, input.numModels) };
      case "swWinRate": {
        const weights = similarityWeights(input.similarity);
        const battles = input.battles.map(([a, b, outcome], row): SavedBattle => [a, b, outcome, weights[row]]);
        const eloCentred = eloOfBattles(battles, input.numModels);
        return { weights, eloCentred, winRate: eloWinRate(eloCentred[input.strong], eloCentred[input.weak]) };
      }
      case "mf": {
        const factors = new MatrixFactorisation(matrixOf(input.P), matrixOf(input.W), matrixOf([input.w]));
        const logits = input.embeddings.map((embedding) => factors.logits(embedding));
        return { logits, winRate: logits.map((each) => sigmoid(each[input.a] - each[input.b])) };
      }
    }
  },
};

function eloOfBattles(battles: readonly SavedBattle[], models: number): Float64Array {
  const wins = winsOf(
    battles.map(([a, b, outcome, weight]) => ({ a, b, outcome, weight })),
    models,
  );
  return eloOf(bradleyTerry(wins));
}
