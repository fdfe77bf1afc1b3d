/**
 * Weights by how well each member foretells the prompt: PackLLM (Mavromatis, Karypis and Karypis, "Pack of LLMs: Model
 * Fusion at Test-Time via Perplexity Optimization", arXiv 2404.11531).
 *
 *     ℓ_i = −mean_t ln p_i(x_t | x_<t)         ln of its perplexity; targets that end a text are left out
 *     sim:  w_i ∝ exp(−ℓ_i / τ)                 times the given weights (ours; equal ones change nothing)
 *     opt:  members by rising ℓ; mix ← z_1; for each next z: λ = argmin over {0, 0.05, …, 1} of
 *           CE(λ · mix + (1 − λ) · z), the smallest among equals; mix ← that; the weights so far times λ, the new one 1 − λ
 *
 * ℓ is a mean over tokens, as published: of members with different vocabularies, one with shorter tokens has less to
 * foretell at each and looks better than it is.
 *
 * CE: mean cross-entropy of the softmax of these logits against the prompt's tokens.
 */
import { settleAll } from "../../settle-all.js";
import { TokenClass } from "../../vocabulary/vocabulary.js";
import type { Voice } from "../method.js";
import { amongAsked, type Weighting } from "./weighting.js";

/** ℓ of each voice, over its own tokens of the text that it holds. 0 where there is nothing to foretell. */
export async function ownLosses(voices: readonly Voice[]): Promise<number[]> {
  const losses: number[] = [];
  await settleAll(
    voices.map(async ({ member }, index) => {
      const { ids, logProbs } = await member.scorePrompt();
      const counted = logProbs.filter(
        (_, place) => place > 0 && member.vocabulary.classOf(ids[place]) !== TokenClass.end,
      );
      losses[index] = counted.length === 0 ? 0 : -counted.reduce((sum, logProb) => sum + logProb, 0) / counted.length;
    }),
  );
  return losses;
}

/** Weights that are computed from the text at the first step, and anew after every `refresh` steps (0: never). */
export class PromptWeights implements Weighting {
  #weights: readonly number[] = [];
  #steps = 0;

  /** @param compute the weights of all voices by the text that they hold, summing to 1 */
  constructor(
    private readonly compute: () => Promise<readonly number[]>,
    private readonly refresh: number,
  ) {}

  weightsOf(asked: readonly number[]): readonly number[] | Promise<readonly number[]> {
    const isDue = this.#steps === 0 || (this.refresh > 0 && this.#steps % this.refresh === 0);
    this.#steps++;
    return isDue ? this.#renew(asked) : amongAsked(this.#weights, asked);
  }

  async #renew(asked: readonly number[]): Promise<readonly number[]> {
    this.#weights = await this.compute();
    return amongAsked(this.#weights, asked);
  }
}

/** sim. */
export function perplexityWeights(losses: readonly number[], tau: number, given?: readonly number[]): number[] {
  const least = Math.min(...losses);
  const values = losses.map((loss, index) => (given?.[index] ?? 1) * Math.exp(-(loss - least) / tau));
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

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

/** The mean over all places; 0 where there is none. */
export function crossEntropy(rows: readonly ArrayLike<number>[], targets: ArrayLike<number>): number {
  if (rows.length === 0) return 0;
  return rows.reduce((sum, row, place) => sum + loss(row, targets[place]), 0) / rows.length;
}

/** −ln softmax(logits)_target. */
export function loss(logits: ArrayLike<number>, target: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let entry = 0; entry < logits.length; entry++) if (logits[entry] > largest) largest = logits[entry];
  let sum = 0;
  for (let entry = 0; entry < logits.length; entry++) sum += Math.exp(logits[entry] - largest);
  return largest + Math.log(sum) - logits[target];
}
