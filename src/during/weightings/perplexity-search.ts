/**
 * The mixture that predicts the prompt best, found greedily: PackLLM's "opt" (arXiv 2404.11531).
 *
 *     members by rising ℓ; mix ← z_1; for each next z: λ = argmin over {0, 0.05, …, 1} of CE(λ · mix + (1 − λ) · z), the
 *     smallest among equals; mix ← that; the weights so far times λ, the new one 1 − λ
 *
 * CE: mean cross-entropy of the softmax of these logits against the prompt's tokens; ℓ of one member alone.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { crossEntropy, loss } from "./cross-entropy.js";
import { defineWeighting } from "./define-weighting.js";
import { PromptWeights, refreshOption } from "./prompt-weights.js";

/** λ in steps of 1 / 20. */
const GRID = 20;
/** What differs only behind these digits is equal: models that are alike are alike in every mixture. */
const DIGITS = 13;
const ROUNDING = 10 ** -DIGITS;

export interface SearchedWeights {
  /** ℓ of each model. */
  losses: number[];
  /** Models by rising ℓ. */
  order: number[];
  /** In the models' own order; they sum to 1. */
  weights: number[];
}

/** opt. `rows[i][t]`: model i's logits for place t, one for each of the same entries; `targets[t]`: the entry that came. */
export function searchWeights(
  rows: readonly (readonly ArrayLike<number>[])[],
  targets: ArrayLike<number>,
): SearchedWeights {
  const losses = rows.map((own) => crossEntropy(own, targets));
  const rounded = losses.map((value) => Number(value.toPrecision(DIGITS)));
  const order = losses.map((_, model) => model).sort((a, b) => rounded[a] - rounded[b] || a - b);
  const weights = losses.map(() => 0);
  weights[order[0]] = 1;
  const mix = rows[order[0]].map((row) => Float64Array.from(row));
  for (const next of order.slice(1)) {
    const share = bestShare(mix, rows[next], targets);
    for (const [place, row] of mix.entries()) {
      const other = rows[next][place];
      for (let entry = 0; entry < row.length; entry++) row[entry] = share * row[entry] + (1 - share) * other[entry];
    }
    for (const model of order) weights[model] *= share;
    weights[next] = 1 - share;
  }
  return { losses, order, weights };
}

/** The λ of the mix with the least cross-entropy. */
function bestShare(
  mix: readonly Float64Array[],
  next: readonly ArrayLike<number>[],
  targets: ArrayLike<number>,
): number {
  const sums = new Float64Array(GRID + 1);
  const row = new Float64Array(mix[0]?.length ?? 0);
  for (const [place, own] of mix.entries()) {
    const other = next[place];
    for (let step = 0; step <= GRID; step++) {
      const share = step / GRID;
      for (let entry = 0; entry < row.length; entry++) row[entry] = share * own[entry] + (1 - share) * other[entry];
      sums[step] += loss(row, targets[place]);
    }
  }
  let best = 0;
  for (let step = 1; step <= GRID; step++) if (sums[step] < sums[best] * (1 - ROUNDING)) best = step;
  return best / GRID;
}

export const perplexitySearch = defineWeighting({
  name: "perplexity-search",
  summary: 'The mixture with the lowest perplexity on the prompt (PackLLM\'s opt); needs the alignment "mined".',
  options: z.strictObject({ refresh: refreshOption }),
  needs: () => ({ logits: true }),
  create: (_, { refresh }, alignment) => {
    if (alignment?.replay === undefined) {
      throw new LlamafuseError(
        "invalid-option",
        'The weights "perplexity-search" compare mixtures token by token and need one sequence of tokens for all members. Use the alignment "mined", or the weights "perplexity".',
        { option: "weights", found: "perplexity-search", allowed: ["given", "perplexity"] },
      );
    }
    const search = async () => {
      const { rows, targets } = await alignment.replay!();
      return searchWeights(rows, targets).weights;
    };
    return new PromptWeights(search, refresh);
  },
});
