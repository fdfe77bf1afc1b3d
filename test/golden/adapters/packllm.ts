import { type ReplayReader, replay } from "../../../src/during/alignments/mined/replay.js";
import { PublishedMinedSpace } from "../../../src/during/alignments/mined/space.js";
import { crossEntropy } from "../../../src/during/weightings/cross-entropy.js";
import { perplexityWeights } from "../../../src/during/weightings/perplexity.js";
import { searchWeights } from "../../../src/during/weightings/perplexity-search.js";
import { makeVocabulary } from "../../../src/vocabulary/vocabulary.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  ids: number[];
  eosId: number;
  models: { logits: number[][]; map: number[] | null }[];
}

/** What the models say at the places whose next token counts, through the project's replay and gather. */
async function counted({ ids, eosId, models }: Input) {
  const space = spaceOf(models);
  const rows: Float64Array[][] = models.map(() => []);
  const targets: number[] = [];
  const replayed = { ids, from: 1, counts: (id: number) => id !== eosId };
  await replay(space, models.map(readerOf), replayed, (model, target, values) => {
    rows[model].push(Float64Array.from(values));
    if (model === 0) targets.push(target);
  });
  return { space, rows, targets };
}

function spaceOf(models: Input["models"]): PublishedMinedSpace {
  const size = models.find(({ map }) => map === null)?.logits[0].length ?? models[0].map!.length;
  const identity = Int32Array.from({ length: size }, (_, id) => id);
  const vocabulary = makeVocabulary(Array.from({ length: size }, (_, id) => ({ bytes: Buffer.from(String(id)) })));
  return new PublishedMinedSpace(
    vocabulary,
    models.map(({ map }) => (map === null ? identity : Int32Array.from(map))),
  );
}

/** A member that says what stands in the golden at each place. */
function readerOf({ logits }: Input["models"][number]): ReplayReader {
  let place = -1;
  return {
    begin: async ({ tokens }) => {
      place = tokens!.length - 1;
    },
    append: () => {},
    advance: async () => {
      place++;
    },
    get output() {
      return { logits: logits[place], endLogProb: Number.NEGATIVE_INFINITY, logNormaliser: 0 };
    },
  };
}

/** Every place's gathered logits, whether its next token counts or not. */
function rowsOf({ ids, models }: Input, space: PublishedMinedSpace): Float64Array[][] {
  return models.map(({ logits }, model) =>
    logits.slice(0, ids.length - 1).map((row) => {
      const out = new Float64Array(space.size);
      space.gather(model, { logits: row, endLogProb: Number.NEGATIVE_INFINITY, logNormaliser: 0 }, out);
      return out;
    }),
  );
}

function fuse({ ids, models }: Input, rows: Float64Array[][], weights: readonly number[]) {
  const fusedAll = rows[0].map((row, place) =>
    Array.from(row, (_, entry) => rows.reduce((sum, own, model) => sum + weights[model] * own[place][entry], 0)),
  );
  const fusedLast = fusedAll[fusedAll.length - 1];
  return {
    fusedAll,
    fusedLast,
    argmaxLast: fusedLast.indexOf(Math.max(...fusedLast)),
    mappedInput: models.map(({ map }) => ids.map((id) => map?.[id] ?? id)),
  };
}

export const packllmSim: GoldenAdapter = {
  method: "packllm-sim",
  tolerance: 1e-9,
  async run(input: Input) {
    const { space, rows: scored, targets } = await counted(input);
    const rows = rowsOf(input, space);
    const losses = scored.map((own) => crossEntropy(own, targets));
    const weights = perplexityWeights(losses, 1);
    return { losses, weights, ...fuse(input, rows, weights) };
  },
};

export const packllmOpt: GoldenAdapter = {
  method: "packllm-opt",
  tolerance: 1e-9,
  async run(input: Input) {
    const { space, rows: scored, targets } = await counted(input);
    const rows = rowsOf(input, space);
    const { losses, order, weights } = searchWeights(scored, targets);
    return { losses, order, weightsSorted: order.map((model) => weights[model]), ...fuse(input, rows, weights) };
  },
};
