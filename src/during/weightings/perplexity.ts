/**
 * Weights by how well each member predicts the prompt: PackLLM's "sim" (Mavromatis, Karypis and Karypis, "Pack of LLMs:
 * Model Fusion at Test-Time via Perplexity Optimization", arXiv 2404.11531).
 *
 *     ℓ_i = −mean_t ln p_i(x_t | x_<t)         ln of its perplexity; targets that end a text are left out
 *     w_i ∝ exp(−ℓ_i / τ)                       times the given weights (ours; equal ones change nothing)
 *
 * ℓ is a mean over tokens, as published: of members with different vocabularies, one with shorter tokens has less to
 * predict at each and looks better than it is.
 */
import { z } from "zod";
import { settleAll } from "../../settle-all.js";
import { TokenClass } from "../../vocabulary/vocabulary.js";
import type { Voice } from "../method.js";
import { defineWeighting } from "./define-weighting.js";
import { PromptWeights, refreshOption } from "./prompt-weights.js";

/** ℓ of each voice, over its own tokens of the text that it holds. 0 without a token to predict. */
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

/** sim. */
export function perplexityWeights(losses: readonly number[], tau: number, given?: readonly number[]): number[] {
  const least = Math.min(...losses);
  const values = losses.map((loss, index) => (given?.[index] ?? 1) * Math.exp(-(loss - least) / tau));
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

const tauOption = z.number().positive().default(1).describe("τ: below 1 for sharper weights.");

export const perplexity = defineWeighting({
  name: "perplexity",
  summary: "By each member's perplexity on the prompt (PackLLM's sim).",
  options: z.strictObject({ tau: tauOption, refresh: refreshOption }),
  needs: () => ({ promptScores: true }),
  create: (voices, { tau, refresh }, alignment) => {
    const given = voices.map(({ weight }) => weight);
    const losses = () => alignment?.losses?.() ?? ownLosses(voices);
    return new PromptWeights(async () => perplexityWeights(await losses(), tau, given), refresh);
  },
});
