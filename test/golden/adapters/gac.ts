import { PublishedUnion, prefixProbe, publishedTokenIds } from "../../../src/during/alignments/published-strings.js";
import { combine } from "../../../src/during/combine.js";
import { primaryDecides } from "../../../src/during/schedules/gate.js";
import type { GoldenAdapter } from "../adapter.js";
import { feedbacksOf, softmax, type ToyModel } from "./published-model.js";

interface Input {
  models: ToyModel[];
  /** -1: no gate. */
  primaryIndex: number;
  /** What the weighted maximum of the primary is compared with. */
  threshold: number;
}

export const gac: GoldenAdapter = {
  method: "gac",
  tolerance: 1e-9,
  async run({ models, primaryIndex, threshold }: Input) {
    const union = new PublishedUnion(models.map(({ pieces }) => pieces));
    const size = union.strings.length;
    const probabilities = models.map(({ logits }) => softmax(logits));
    const projections = probabilities.map((p, index) => project(p, union.maps[index], size));
    const isAlone =
      primaryIndex >= 0 &&
      primaryDecides(Math.max(...probabilities[primaryIndex]) * models[primaryIndex].weight, threshold);
    const speaking = isAlone ? [primaryIndex] : models.map((_, index) => index);
    const fused = new Float64Array(size);
    const winner = combine(
      speaking.map((index) => projections[index]),
      speaking.map((index) => models[index].weight),
      fused,
      size,
    );
    const feedbacks = feedbacksOf(models, union);
    return {
      unionSize: size,
      prefixProbe: models.map(({ pieces }) => prefixProbe(pieces)),
      canonical: union.maps.map((map) => Array.from(map, (entry) => union.strings[entry])),
      needEnsemble: !isAlone,
      fused: Object.fromEntries(
        union.strings.map((string, entry) => [string, fused[entry]]).filter(([, mass]) => mass !== 0),
      ),
      winner: union.strings[winner],
      winnerMass: fused[winner],
      feedbackIds: await Promise.all(feedbacks.map((feedback) => publishedTokenIds(union.strings[winner], feedback))),
    };
  },
};

/** What a member does with a projection. */
export function project(probabilities: Float64Array, map: Int32Array, size: number): Float64Array {
  const entries = new Float64Array(size);
  for (const [id, probability] of probabilities.entries()) entries[map[id]] += probability;
  return entries;
}
