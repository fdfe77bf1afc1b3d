/**
 * EVA: fusing in the main member's vocabulary by mapped embeddings (Xu, Lu and Zhang, "Bridging the Gap between Different
 * Vocabularies for LLM Ensemble", arXiv 2404.09492).
 *
 *     y_main = p_main,  y_i = p_i · M_i        p_i = softmax over the k largest logits
 *     p = mean of the y_i whose favourite is among the n best of another member (all, where nobody's is)
 *     u* = argmax p (or a draw), a token of the main member; every member's whole text is tokenised again
 *
 * The alignment is similarity.ts, the rule agreeing.ts. Shapes: the main member's |V| entries, float64.
 * Defaults are the released code's: k = 320, n = 5 (its README uses 3), ten scores a token of at least 0.1, hubness of the
 * nearest neighbour (README; the script's own default is 10). Weights are equal there; here they are the members'.
 * `fusion: "linear"` is its weighted sum Σ λ_i y_i.
 *
 * What differs from the released code, unless `compat`: the dictionary is made of byte strings; end tokens are one class;
 * special tokens are known by their class, where the released code takes ids 0, 1 and 2 for them; embeddings may differ
 * in width. With `compat` and "linear" the main member counts 0 and the others 1/N where all weights are equal, as the
 * released defaults add up to. How its tokenizers turn a lone piece into text differs by version and is not reproduced.
 */
import { z } from "zod";
import { MAX_TOP } from "../../member/offers.js";
import type { BuildOptions } from "../alignments/build/pool.js";
import { SimilarityAlignment } from "../alignments/similarity/alignment.js";
import { FusionRun } from "../fusion-run.js";
import { indexOfMember } from "../gate.js";
import type { MethodContext, MethodInfo, MethodRun, Voice } from "../method.js";
import { AgreeingRule, LinearRule } from "../rules/agreeing.js";
import type { Weighting } from "../weightings/weighting.js";

export const evaInfo: MethodInfo = {
  name: "eva",
  summary: "Mapped embeddings: the others' tokens become the main member's most similar ones; loners are left out.",
  source: "arXiv 2404.09492",
  requires: "Vocabularies with common tokens; GGUF models, whose output embeddings are read.",
  options: {
    main: "The member whose vocabulary is used, by name or index. Default 0.",
    k: "Tokens of each member that count. Default 320.",
    fusion: '"drop" (default, published): members that agree with another; "linear": all, by weight.',
    drop: "n: a member agrees if its favourite is among the n best of another. Default 5.",
    similar: "Tokens of the main member kept for each token of another. Default 10.",
    leastSimilarity: "Scores below are left out. Default 0.1.",
    neighbourhood: "Source tokens whose mean likeness corrects for targets that everything is like. Default 1.",
    compat: "Reproduce the released code's dictionary, special ids and weights. Default false.",
  },
};

export const evaOptions = z
  .strictObject({
    main: z.union([z.string(), z.int().min(0)]).default(0),
    k: z.int().min(1).max(MAX_TOP).default(320),
    fusion: z.enum(["drop", "linear"]).default("drop"),
    drop: z.int().min(1).optional(),
    similar: z.int().min(1).max(64).default(10),
    leastSimilarity: z.number().min(0).max(2).default(0.1),
    neighbourhood: z.int().min(1).max(64).default(1),
    compat: z.boolean().default(false),
  })
  .refine((options) => options.fusion === "drop" || options.drop === undefined, {
    path: ["drop"],
    error: 'is used only with fusion "drop"',
  });

export type EvaOptions = z.output<typeof evaOptions>;

const DEFAULT_DROP = 5;

export function createEva(context: MethodContext, options: EvaOptions): MethodRun {
  const { voices } = context;
  const main = indexOfMember(voices, options.main, "main");
  const isLinear = options.fusion === "linear";
  return new FusionRun(context, {
    alignment: new SimilarityAlignment(context, main, options.k, choiceOf(options)),
    rule: isLinear ? new LinearRule() : new AgreeingRule(options.drop ?? DEFAULT_DROP),
    weighting: isLinear && options.compat ? new ReleasedWeights(voices, main) : undefined,
  });
}

/** Build, or take from the cache, what these members need. */
export async function buildEva(voices: readonly Voice[], options: EvaOptions, run: BuildOptions): Promise<void> {
  const main = indexOfMember(voices, options.main, "main");
  const members = voices.map(({ member }) => member);
  await SimilarityAlignment.build(members, main, choiceOf(options), run);
}

function choiceOf({ neighbourhood, similar, leastSimilarity, compat }: EvaOptions) {
  return { neighbourhood, similar, leastSimilarity, published: compat };
}

/** λ = 1/N for every member, and 1 − Σ λ = 0 for the main one: what equal weights come to in the released code. */
class ReleasedWeights implements Weighting {
  readonly #weights: readonly number[];

  constructor(voices: readonly Voice[], main: number) {
    const weights = voices.map(({ weight }) => weight);
    const areEqual = weights.every((weight) => Math.abs(weight - weights[0]) < 1e-12);
    this.#weights = areEqual ? weights.map((weight, index) => (index === main ? 0 : weight)) : weights;
  }

  weightsOf(): readonly number[] {
    return this.#weights;
  }
}
