/**
 * Weights by how well each member predicts the prompt: PackLLM's "sim" (Mavromatis, Karypis and Karypis, "Pack of LLMs:
 * Model Fusion at Test-Time via Perplexity Optimization", arXiv 2404.11531).
 *
 *     ℓ_i = −mean_t ln p_i(x_t | x_<t)         ln of its perplexity; targets that end a text are left out
 *     w_i ∝ exp(−ℓ_i / τ)                       times the given weights (ours; equal ones change nothing)
 *
 * The mean is over the same tokens for all members, as released: over the reference's, where the alignment is "mined". Elsewhere
 * each member reads its own tokens, and of different vocabularies the one with the shorter tokens would have less to predict
 * at each: there ℓ_i is nats a byte times the bytes a token of all members together (ours; with one vocabulary it is the mean
 * over tokens). `per: "byte"` is nats a byte everywhere.
 */
import { z } from "zod";
import type { PromptScore } from "../../member/member.js";
import { promptOfTokens } from "../../member/prompt-of-tokens.js";
import { settleAll } from "../../settle-all.js";
import { TokenClass } from "../../vocabulary/vocabulary.js";
import type { Voice } from "../method.js";
import { withoutThought } from "../without-thought.js";
import { defineWeighting } from "./define-weighting.js";
import { PromptWeights, refreshOption } from "./prompt-weights.js";

/** ℓ of each voice in nats a byte, over its own tokens of the text that it holds; 0 without a token to predict. */
export async function ownLosses(voices: readonly Voice[]): Promise<number[]> {
  return (await readings(voices)).map(({ nats, bytes }) => (bytes === 0 ? 0 : nats / bytes));
}

/** ℓ of each voice over tokens of a common length. */
async function lossesPerToken(voices: readonly Voice[]): Promise<number[]> {
  const read = await readings(voices);
  const sum = (count: "bytes" | "tokens") => read.reduce((total, each) => total + each[count], 0);
  const length = sum("bytes") / sum("tokens");
  return read.map(({ nats, bytes }) => (bytes === 0 ? 0 : (nats / bytes) * length));
}

/** How probable the member finds what all members hold: the text without its private thought. It stands as before then. */
async function scoreWithoutThought({ member, thought }: Voice): Promise<PromptScore> {
  if (thought === undefined) return member.scorePrompt();
  const held = Array.from(await member.cachedTokens());
  const score = await member.scorePrompt(promptOfTokens(withoutThought(held, thought)));
  await member.begin({ ...promptOfTokens(held), reuse: true });
  return score;
}

/** How badly each voice predicts its own tokens, how many they are and what they say. */
async function readings(voices: readonly Voice[]): Promise<{ nats: number; tokens: number; bytes: number }[]> {
  const read: { nats: number; tokens: number; bytes: number }[] = [];
  await settleAll(
    voices.map(async ({ member }, index) => {
      const { ids, logProbs } = await scoreWithoutThought(voices[index]);
      const { vocabulary } = member;
      const own = { nats: 0, tokens: 0, bytes: 0 };
      for (let place = 1; place < ids.length; place++) {
        const { length } = vocabulary.bytesOf(ids[place]);
        if (vocabulary.classOf(ids[place]) !== TokenClass.text || length === 0) continue;
        own.nats -= logProbs[place];
        own.tokens++;
        own.bytes += length;
      }
      read[index] = own;
    }),
  );
  return read;
}

/** sim. */
export function perplexityWeights(losses: readonly number[], tau: number, given?: readonly number[]): number[] {
  const least = Math.min(...losses);
  const values = losses.map((loss, index) => (given?.[index] ?? 1) * Math.exp(-(loss - least) / tau));
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

export const perOption = z
  .enum(["token", "byte"])
  .default("token")
  .describe('Perplexities are means over the same tokens for all, as published, or with "byte" over bytes.');

const tauOption = z.number().positive().default(1).describe("τ: below 1 for sharper weights.");

export const perplexity = defineWeighting({
  name: "perplexity",
  summary: "By each member's perplexity on the prompt (PackLLM's sim).",
  options: z.strictObject({ tau: tauOption, refresh: refreshOption, per: perOption }),
  needs: () => ({ promptScores: true }),
  create: (voices, { tau, refresh, per }, alignment) => {
    const given = voices.map(({ weight }) => weight);
    const own = per === "byte" ? ownLosses : lossesPerToken;
    const losses = () => alignment?.losses?.(per) ?? own(voices);
    return new PromptWeights(async () => perplexityWeights(await losses(), tau, given), refresh);
  },
});
