/**
 * UniTE: fusing over the union of the members' top-k tokens (Yao, Wu, Liu and others, "Determine-Then-Ensemble:
 * Necessity of Top-k Union for Large Language Model Ensembling", arXiv 2410.03777): alignment "top-union", rule "mean".
 *
 *     S = ∪_i top-k(z_i), as strings
 *     v_i(s) = z_i(s) if s is a token of member i, else z_i(first sub-token of s in member i)
 *     p(s) = Σ_i w_i · exp(v_i(s)) / Σ_{r ∈ S} exp(v_i(r))            Σ w_i = 1
 *     s* = argmax p (or a draw); the whole text is tokenised again in every member
 *
 * Defaults are the paper's: k = 10, equal weights, text feedback. See TopUnionAlignment for shapes, and for what the paper
 * leaves open.
 *
 * `compat` with variant "logits": the released code (starrYYxuan/UniTE; see unite-released.ts), with the logit 0 that it
 * gives to a sub-token seen twice, its "/n" and its feedback through the first member. `compat` with variant
 * "probability": the form of Kamichanw/Mixture-model-like-Ensemble on GaC's strings (see unite-mixture.ts). Without
 * `compat` the variants are one and the same rule: a softmax over S is the probabilities renormalised over S.
 */
import { z } from "zod";
import { MAX_TOP } from "../../../member/offers.js";
import { TopUnionAlignment } from "../../alignments/top-union/alignment.js";
import { ByteKeys, type TopKeys } from "../../alignments/top-union/keys.js";
import { FusionRun } from "../../fusion-run.js";
import type { MethodContext, MethodInfo } from "../../method.js";
import { MeanRule } from "../../rules/mean.js";
import { MixtureKeys } from "./mixture.js";
import { ReleasedKeys } from "./released.js";

export const uniteInfo: MethodInfo = {
  name: "unite",
  summary: "Top-k union: weighted mean of the members' softmax over the strings that any of them has among its k best.",
  source: "arXiv 2410.03777",
  requires: "Any vocabularies.",
  options: {
    k: "How many tokens each member proposes. Default 10.",
    feedback: '"text" (default, published): the whole text is tokenised anew; "piece": the string is, on its own.',
    variant: 'With compat: which released code it reproduces, "logits" (default) or "probability".',
    compat: "Reproduce the released code's strings, quirks and feedback. Default false.",
  },
};

export const uniteOptions = z
  .strictObject({
    k: z.int().min(1).max(MAX_TOP).default(10),
    feedback: z.enum(["text", "piece"]).optional(),
    variant: z.enum(["logits", "probability"]).optional(),
    compat: z.boolean().default(false),
  })
  .refine((options) => !options.compat || options.feedback === undefined, {
    path: ["feedback"],
    error: "cannot be chosen with compat, which feeds back as published",
  })
  .refine(({ compat, variant }) => compat || variant === undefined, {
    path: ["variant"],
    error: "is used only with compat",
  });

export type UniteOptions = z.output<typeof uniteOptions>;

export function createUnite(context: MethodContext, options: UniteOptions): FusionRun {
  return new FusionRun(context, {
    alignment: new TopUnionAlignment(context, keysFor(context, options), options.k),
    rule: new MeanRule(),
  });
}

function keysFor(
  { voices, greedy }: MethodContext,
  { compat, variant = "logits", feedback = "text" }: UniteOptions,
): TopKeys {
  const members = voices.map(({ member }) => member);
  if (!compat) return new ByteKeys(members, feedback);
  return variant === "logits" ? ReleasedKeys.of(members, greedy) : MixtureKeys.of(members, greedy);
}
