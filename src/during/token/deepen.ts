/**
 * DeePEn: fusing in relative space (Huang, Feng, Li, Xiang, Wang, Qin and Liu, "Ensemble Learning for Heterogeneous
 * Large Language Models with Deep Parallel Collaboration", arXiv 2404.12715).
 *
 *     r_i = softmax(z_i) · R_i        t = Σ_i w_i · r_i        z* = inverse search on the main member's logits for t
 *     u* = argmax softmax(z*) (or a draw), a token of the main member
 *
 * The alignment is relative space (alignments/relative), the rule a weighted mean; the way back to tokens is the inverse
 * search (inverse-search.ts), which only the main member needs. Where the search would do nothing
 * (a learning rate up to 1e-6) or the main member's own choice is to end, its distribution stands, as published.
 * Feedback: the main member takes its own token (feedback "token", published) or its bytes ("text"), the others its bytes,
 * with their whole text tokenised again.
 *
 * Shapes: one entry a string of the main member's vocabulary (main-vocabulary.ts), float64. Only the main member's end ends the text, as published.
 * Defaults: all anchors, 5 steps of AdamW with decay 0.01 (released code), learning rate 0.15 (the released example; the
 * code's own default 0 does not fuse, the paper tunes it for each task). Weights: the members' (DeePEn-Avg: all alike),
 * or `scores` (DeePEn-Adapt).
 *
 * What differs from the released code, unless `compat`: anchors are byte strings instead of texts of the model files; all
 * end tokens are one anchor, and tokens with the same bytes one entry; tokens that are never text are conditioned away; the other members are fed the bytes, where
 * the released code appends the text of the token as the model file has it, with a space only for a leading `▁`
 * (`<0x0A>` and `Ġthe` reach them as written).
 */
import { z } from "zod";
import { relative } from "../alignments/relative/definition.js";
import { buildRelative, RelativeRun } from "../alignments/relative/run.js";
import { defineMethod, PUBLISHED_STRINGS } from "../define-method.js";
import { schemaOptions } from "../method-options.js";
import { MeanRule } from "../rules/mean.js";
import { DevelopmentScores } from "../weightings/development-scores.js";
import { GivenWeights } from "../weightings/weighting.js";

const options = z.strictObject({
  ...relative.options.shape,
  scores: z.record(z.string(), z.number().min(0)).optional().meta({
    description: "Each member's score on a development set, by name (DeePEn-Adapt).",
    usual: "the members' weights",
  }),
  feedback: z
    .enum(["token", "text"])
    .default("token")
    .describe('"token" (published): the main member keeps its own token; "text": it retokenises its text as well.'),
  compat: z.boolean().default(false).describe("Reproduce the released code's anchors and feedback."),
});

const { order, end, ...decays } = relative.laws.exempt!;
const searched = { order, end };

export const deepen = defineMethod({
  name: "deepen",
  summary: "Relative space: fuses distributions over shared tokens; a search leads back to a main-member token.",
  source: "arXiv 2404.12715",
  requires: "Vocabularies with common tokens; GGUF models (reads their input embeddings).",
  options: schemaOptions(options),
  needs: () => ({ logits: true, embeddings: "input", goingBack: true }),
  create: (context, given) => {
    const { voices } = context;
    const { scores } = given;
    const weighting = scores === undefined ? new GivenWeights(voices) : new DevelopmentScores(voices, scores);
    return new RelativeRun(context, given, { rule: new MeanRule(), weighting });
  },
  build: (voices, given, run) => buildRelative(voices, given, run),
  laws: [
    { covers: "all", exempt: { ...searched, ...decays }, rounding: 4 },
    { options: { weightDecay: 0, feedback: "text" }, covers: "all", exempt: searched },
    { options: { main: 1, anchors: 40 }, covers: "all", exempt: { ...searched, ...decays } },
    { options: { compat: true }, covers: "all", exempt: { ...searched, ...PUBLISHED_STRINGS } },
  ],
});
