import { PublishedUnion, publishedTokenIds } from "../../../src/during/alignments/published-strings.js";
import { TopSpace } from "../../../src/during/alignments/top-union/alignment.js";
import { combine } from "../../../src/during/combine.js";
import { MixtureKeys } from "../../../src/during/token/unite/mixture.js";
import type { GoldenAdapter } from "../adapter.js";
import { project } from "./gac.js";
import { feedbacksOf, softmax, type ToyModel } from "./published-model.js";
import { meanOf } from "./unite.js";

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
    const space = new TopSpace(keys, models.length, k);
    const logits = models.map((model) => model.logits);
    const { probabilities, best } = await meanOf(space, logits, weights, k);
    const { union } = space;
    const winner = dictionary.strings[union.keys[best]];

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
      unionStrings: Array.from(union.keys.subarray(0, union.size), (key) => dictionary.strings[key]),
      perModel: union.shares.map((shares) => shares.subarray(0, union.size)),
      fused: probabilities.subarray(0, union.size),
      winner,
      winnerIds: await Promise.all(feedbacks.map((feedback) => publishedTokenIds(winner, feedback))),
      fullUnionWinner: dictionary.strings[wholeBest],
      fullUnion: Object.fromEntries(listed),
    };
  },
};
