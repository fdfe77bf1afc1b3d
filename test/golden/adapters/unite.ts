import { TopSpace } from "../../../src/during/alignments/top-union/alignment.js";
import { MeanRule } from "../../../src/during/rules/mean.js";
import { ReleasedKeys, type ReleasedModel } from "../../../src/during/token/unite/released.js";
import type { GoldenAdapter } from "../adapter.js";

interface Model {
  family: string;
  spName: boolean;
  pieces: string[];
  logits: number[];
  subTokens: { text: string; ids: number[] }[];
}

export const unite: GoldenAdapter = {
  method: "unite",
  tolerance: 1e-9,
  async run({ k, models }: { k: number; models: Model[] }) {
    const keys = new ReleasedKeys(models.map(releasedModel));
    const space = new TopSpace(keys, models.length, k);
    const weights = models.map(() => 1 / models.length);
    const fused = await meanOf(
      space,
      models.map(({ logits }) => logits),
      weights,
      k,
    );
    const { probabilities, best } = fused;
    const { union } = space;
    const { size } = union;
    const stringOf = (entry: number) => keys.strings[union.keys[entry]];
    const idOf = (model: number, entry: number) => keys.idOf(model, union.keys[entry]);
    const entries = Array.from({ length: size }, (_, entry) => entry);
    // A model's dictionary order: its own top k by falling logit, then what it was asked for.
    const own = models.map((_, model) => keys.ownKeys(model).map((key) => union.entryOf(key)));
    const inOrder = own.map((proposed) => [...proposed, ...entries.filter((entry) => !proposed.includes(entry))]);
    return {
      topK: models.map(({ logits }, model) =>
        own[model].map((entry) => [stringOf(entry), logits[idOf(model, entry)], idOf(model, entry)]),
      ),
      unionKeys: entries.map(stringOf),
      union: models.map((_, model) =>
        inOrder[model].map((entry) => [stringOf(entry), union.shares[model][entry], idOf(model, entry)]),
      ),
      fused: entries.map((entry) => [stringOf(entry), probabilities[entry]]),
      winnerKey: stringOf(best),
      winnerPieceOfModel1: models[0].pieces[idOf(0, best)],
      winnerIds: models.map((_, model) => idOf(model, best)),
    };
  },
};

function releasedModel({ family, spName, pieces, logits, subTokens }: Model): ReleasedModel {
  const listed = new Map(subTokens.map(({ text, ids }) => [text, ids]));
  return {
    isSentencePiece: spName,
    skippedSubToken: family === "openchat" ? 28705 : -1,
    textOf: (id) => pieces[id],
    idOf: (text) => pieces.indexOf(text),
    tokenize: (text) => listed.get(text) ?? [],
    logitsOf: (ids) => ids.map((id) => logits[id]),
  };
}

/** One step of a top-k union and the weighted mean. */
export async function meanOf(space: TopSpace, logits: readonly number[][], weights: readonly number[], k: number) {
  const step = await space.align(logits.map((own, member) => ({ member, ...top(own, k) })));
  const fused = new MeanRule().fuse(step, weights);
  step.conclude?.(fused);
  return fused;
}

/** What a member reports as its top k. */
function top(logits: readonly number[], k: number) {
  const ids = logits
    .map((_, id) => id)
    .sort((a, b) => logits[b] - logits[a] || a - b)
    .slice(0, k);
  return { ids, logits: ids.map((id) => logits[id]), count: ids.length };
}
