import { combine } from "../../../src/during/combine.js";
import { TopFusion } from "../../../src/during/token/unite.js";
import { MixtureKeys } from "../../../src/during/token/unite-mixture.js";
import { PublishedUnion, publishedTokenIds } from "../../../src/vocabulary/published-strings.js";
import type { GoldenAdapter } from "../adapter.js";
import { project } from "./gac.js";
import { feedbacksOf, softmax, type ToyModel } from "./published-model.js";
import { top } from "./unite.js";

/** The golden lists of the whole union what is above this, and the winner. */
const LISTED_ABOVE = 1e-4;

export const uniteProbability: GoldenAdapter = {
  method: "unite-prob",
  tolerance: 1e-9,
  async run({ k, models }: { k: number; models: ToyModel[] }) {
    const dictionary = new PublishedUnion(models.map(({ pieces }) => pieces));
    const feedbacks = feedbacksOf(models, dictionary);
    const keys = new MixtureKeys(
      dictionary,
      models.map(({ logits }, index) => ({
        feedback: feedbacks[index],
        logitsOf: (ids) => ids.map((id) => logits[id]),
      })),
    );
    const weights = models.map(({ weight }) => weight);
    const fusion = new TopFusion(keys, weights, k);
    const { size, probabilities, best } = await fusion.fuse(models.map(({ logits }) => top(logits, k)));
    const winner = dictionary.strings[fusion.union.keys[best]];

    const whole = new Float64Array(dictionary.strings.length);
    const projections = models.map(({ logits }, index) =>
      project(softmax(logits), dictionary.maps[index], whole.length),
    );
    const wholeBest = combine(projections, weights, whole, whole.length);
    const sum = whole.reduce((a, b) => a + b);
    const listed = dictionary.strings
      .map((string, entry) => [string, whole[entry] / sum] as const)
      .filter(([, mass], entry) => mass > LISTED_ABOVE || entry === wholeBest);
    return {
      unionStrings: Array.from(fusion.union.keys.subarray(0, size), (key) => dictionary.strings[key]),
      perModel: fusion.union.shares.map((shares) => shares.subarray(0, size)),
      fused: probabilities.subarray(0, size),
      winner,
      winnerIds: await Promise.all(feedbacks.map((feedback) => publishedTokenIds(winner, feedback))),
      fullUnionWinner: dictionary.strings[wholeBest],
      fullUnion: Object.fromEntries(listed),
    };
  },
};
