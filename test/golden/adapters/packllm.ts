import { crossEntropy } from "../../../src/during/weightings/cross-entropy.js";
import { perplexityWeights } from "../../../src/during/weightings/perplexity.js";
import { searchWeights } from "../../../src/during/weightings/perplexity-search.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  ids: number[];
  eosId: number;
  models: { logits: number[][]; map: number[] | null }[];
}

/** Each model's logits of the reference's tokens at the places 0 … T − 2. */
function rowsOf({ ids, models }: Input): number[][][] {
  return models.map(({ logits, map }) =>
    logits.slice(0, ids.length - 1).map((row) => (map === null ? row : map.map((id) => row[id]))),
  );
}

/** The places whose next token counts, of every model, and these tokens. */
function counted({ ids, eosId }: Input, rows: number[][][]) {
  const counts = (_: unknown, place: number) => ids[place + 1] !== eosId;
  return { rows: rows.map((own) => own.filter(counts)), targets: ids.slice(1).filter((id) => id !== eosId) };
}

function fuse({ ids, models }: Input, rows: number[][][], weights: readonly number[]) {
  const fusedAll = rows[0].map((row, place) =>
    row.map((_, entry) => rows.reduce((sum, own, model) => sum + weights[model] * own[place][entry], 0)),
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
  run(input: Input) {
    const rows = rowsOf(input);
    const { rows: scored, targets } = counted(input, rows);
    const losses = scored.map((own) => crossEntropy(own, targets));
    const weights = perplexityWeights(losses, 1);
    return { losses, weights, ...fuse(input, rows, weights) };
  },
};

export const packllmOpt: GoldenAdapter = {
  method: "packllm-opt",
  tolerance: 1e-9,
  run(input: Input) {
    const rows = rowsOf(input);
    const { rows: scored, targets } = counted(input, rows);
    const { losses, order, weights } = searchWeights(scored, targets);
    return { losses, order, weightsSorted: order.map((model) => weights[model]), ...fuse(input, rows, weights) };
  },
};
