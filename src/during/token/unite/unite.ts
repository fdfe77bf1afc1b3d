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
import { topUnion } from "../../alignments/top-union/definition.js";
import { ByteKeys, type TopKeys } from "../../alignments/top-union/keys.js";
import { defineMethod, PUBLISHED_STRINGS } from "../../define-method.js";
import { FEEDBACK_TEXT, feedbackChoice } from "../../feedback-option.js";
import { FusionRun } from "../../fusion-run.js";
import type { MethodContext } from "../../method.js";
import { schemaOptions } from "../../method-options.js";
import { MeanRule } from "../../rules/mean.js";
import { MixtureKeys } from "./mixture.js";
import { ReleasedKeys } from "./released.js";

const FEEDBACK = "text";
const VARIANT = "logits";

const options = z
  .strictObject({
    k: topUnion.options.shape.k,
    feedback: feedbackChoice
      .optional()
      .meta({ description: `${FEEDBACK_TEXT} Published: "text".`, usual: JSON.stringify(FEEDBACK) }),
    variant: z
      .enum(["logits", "probability"])
      .optional()
      .meta({
        description: 'With compat: the released code to reproduce, "logits" or "probability".',
        usual: JSON.stringify(VARIANT),
      }),
    compat: z.boolean().default(false).describe("Reproduce the released code's strings, quirks and feedback."),
  })
  .refine((given) => !given.compat || given.feedback === undefined, {
    path: ["feedback"],
    error: "cannot be chosen with compat, which feeds back as published",
  })
  .refine(({ compat, variant }) => compat || variant === undefined, {
    path: ["variant"],
    error: "is used only with compat",
  });

type UniteOptions = z.output<typeof options>;

export const unite = defineMethod({
  name: "unite",
  summary: "Top-k union: weighted mean of the members' softmax over the strings in any member's k best tokens.",
  source: "arXiv 2410.03777",
  requires: "Any vocabularies.",
  options: schemaOptions(options),
  needs: ({ k, compat, feedback = FEEDBACK }) => ({
    topDepth: k,
    lookup: compat ? "all" : "top",
    goingBack: compat || feedback === "text",
  }),
  create: (context, given) =>
    new FusionRun(context, {
      alignment: new TopUnionAlignment(context, keysFor(context, given), given.k),
      rule: new MeanRule(),
    }),
  laws: [
    { covers: "some" },
    { options: { k: 1, feedback: "piece" }, covers: "some" },
    { options: { k: MAX_TOP }, covers: "some" },
    { options: { compat: true }, covers: "some", exempt: PUBLISHED_STRINGS },
    { options: { compat: true, variant: "probability" }, covers: "some", exempt: PUBLISHED_STRINGS },
  ],
});

function keysFor(
  { voices, greedy }: MethodContext,
  { compat, variant = VARIANT, feedback = FEEDBACK }: UniteOptions,
): TopKeys {
  const members = voices.map(({ member }) => member);
  if (!compat) return new ByteKeys(members, feedback);
  return variant === "logits" ? ReleasedKeys.of(members, greedy) : MixtureKeys.of(members, greedy);
}
