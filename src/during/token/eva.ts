/**
 * EVA: fusing in the main member's vocabulary by mapped embeddings (Xu, Lu and Zhang, "Bridging the Gap between Different
 * Vocabularies for LLM Ensemble", arXiv 2404.09492).
 *
 *     y_main = p_main,  y_i = p_i · M_i        p_i = softmax over the k largest logits
 *     p = mean of the y_i whose favourite is among the n best of another member (all, where nobody's is)
 *     u* = argmax p (or a draw), a token of the main member; every member's whole text is tokenised again
 *
 * The alignment is alignments/similarity, the rule agreeing.ts. Shapes: the main member's |V| entries, float64.
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
import { SimilarityAlignment } from "../alignments/similarity/alignment.js";
import { choiceOf, similarity } from "../alignments/similarity/definition.js";
import { defineMethod, PUBLISHED_STRINGS } from "../define-method.js";
import { FusionRun } from "../fusion-run.js";
import { indexOfMember } from "../member-option.js";
import type { Voice } from "../method.js";
import { schemaOptions } from "../method-options.js";
import { AgreeingRule, LinearRule } from "../rules/agreeing.js";
import type { Weighting } from "../weightings/weighting.js";

const DEFAULT_DROP = 5;

const options = z
  .strictObject({
    ...similarity.options.shape,
    fusion: z
      .enum(["drop", "linear"])
      .default("drop")
      .describe('"drop" (published): members that agree with another member; "linear": all members, by weight.'),
    drop: z.int().min(1).optional().meta({
      description: "n: a member agrees if its top token is among the n best of another member.",
      usual: DEFAULT_DROP,
    }),
    compat: z.boolean().default(false).describe("Reproduce the released code's dictionary, special ids and weights."),
  })
  .refine((given) => given.fusion === "drop" || given.drop === undefined, {
    path: ["drop"],
    error: 'is used only with fusion "drop"',
  });

export const eva = defineMethod({
  name: "eva",
  summary:
    "Mapped embeddings: the others' tokens map to the main member's most similar ones; dissenting members are ignored.",
  source: "arXiv 2404.09492",
  requires: "Vocabularies with common tokens; GGUF models (reads their output embeddings).",
  options: schemaOptions(options),
  needs: () => ({ logits: true, embeddings: "output", goingBack: true }),
  create: (context, given) => {
    const { voices } = context;
    const { k, drop = DEFAULT_DROP, compat } = given;
    const main = indexOfMember(voices, given.main, "main");
    const isLinear = given.fusion === "linear";
    return new FusionRun(context, {
      alignment: new SimilarityAlignment(context, main, k, { ...choiceOf(given), published: compat }),
      rule: isLinear ? new LinearRule() : new AgreeingRule(drop),
      weighting: isLinear && compat ? new ReleasedWeights(voices, main) : undefined,
    });
  },
  /** Build, or take from the cache, what these members need. */
  build: async (voices, given, run) => {
    const main = indexOfMember(voices, given.main, "main");
    const members = voices.map(({ member }) => member);
    await SimilarityAlignment.build(members, main, { ...choiceOf(given), published: given.compat }, run);
  },
  laws: [
    { covers: "some", exempt: similarity.laws.exempt },
    { options: { main: 1, fusion: "linear" }, covers: "some", exempt: similarity.laws.exempt },
    {
      options: { compat: true },
      covers: "some",
      exempt: { order: similarity.laws.exempt!.order, ...PUBLISHED_STRINGS },
    },
  ],
});

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
