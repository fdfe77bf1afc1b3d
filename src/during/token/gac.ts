/**
 * GaC: fusing at the level of the union dictionary (Yu, Kuo, Ye, Chang and Li, "Breaking the Ceiling of the LLM Community
 * by Treating Token Generation as a Classification for Ensembling", arXiv 2406.12585): alignment "union", rule "mean".
 *
 *     U = union of the members' vocabularies        M_i: V_i → U
 *     p(u) = Σ_i w_i · Σ_{t: M_i(t) = u} p_i(t)      p_i = softmax(z_i), Σ w_i = 1
 *     u* = argmax p (or a draw); every member tokenises u* on its own and appends its tokens
 *
 * gate "threshold": only the primary member advances; if max_u p_primary(u) > threshold its own distribution stands and
 * the others lag, to catch up in one decode when they are next asked. (The released code lets them read all again.)
 *
 * Shapes: p over |U| entries, float64; in greedy runs without a trace, over the entries that can win (greedy-sum.ts).
 * Defaults are the paper's: every step, piece feedback; threshold 0.5 is ours after secondary reports [unverified], the
 * released examples set 1.0, which always fuses.
 *
 * What differs from the released code, unless `compat`: entries are byte strings, so that members of different families
 * meet on every string; all end tokens are one entry; tokens that are never text are conditioned away; at the start of a
 * fragment a tokenizer's own space is not part of a token. `compat` restores the published strings, prefix probe and
 * separate end strings (see published-strings.ts); sampled runs, which the released code has not, pool the end strings.
 */
import { z } from "zod";
import { UnionAlignment } from "../alignments/union/alignment.js";
import { ByteSpace, PublishedSpace } from "../alignments/union/spaces.js";
import { defineMethod, PUBLISHED_STRINGS } from "../define-method.js";
import { FEEDBACK_TEXT, feedbackChoice } from "../feedback-option.js";
import { FusionRun } from "../fusion-run.js";
import { indexOfMember, memberOption } from "../member-option.js";
import { schemaOptions } from "../method-options.js";
import { MeanRule } from "../rules/mean.js";
import { DEFAULT_THRESHOLD } from "../schedules/gate.js";

const DEFAULT_PRIMARY = 0;

const options = z
  .strictObject({
    gate: z
      .enum(["every-step", "threshold"])
      .default("every-step")
      .describe('"every-step", or "threshold": ask the others only when the primary is unsure.'),
    threshold: z.number().min(0).max(1).optional().meta({
      description: "With the gate: the primary decides alone above this probability.",
      usual: DEFAULT_THRESHOLD,
    }),
    primary: memberOption
      .optional()
      .meta({ description: "With the gate: the primary member, by name or index.", usual: DEFAULT_PRIMARY }),
    feedback: feedbackChoice.default("piece").describe(`${FEEDBACK_TEXT} Published: "piece".`),
    compat: z.boolean().default(false).describe("Reproduce the released code's strings and feedback."),
  })
  .refine((given) => given.gate === "threshold" || given.threshold === undefined, {
    path: ["threshold"],
    error: 'is used only with gate "threshold"',
  })
  .refine((given) => given.gate === "threshold" || given.primary === undefined, {
    path: ["primary"],
    error: 'is used only with gate "threshold"',
  })
  .refine((given) => !given.compat || given.feedback === "piece", {
    path: ["feedback"],
    error: 'must be "piece" with compat, as published',
  });

export const gac = defineMethod({
  name: "gac",
  summary: "Union dictionary: weighted mean of the members' full distributions over the strings of all vocabularies.",
  source: "arXiv 2406.12585",
  requires: "Any vocabularies.",
  options: schemaOptions(options),
  needs: ({ feedback }) => ({ logits: true, goingBack: feedback === "text" }),
  create: (context, { gate, threshold = DEFAULT_THRESHOLD, primary = DEFAULT_PRIMARY, feedback, compat }) => {
    const { voices, greedy, traceTop, combiner } = context;
    const space = compat ? new PublishedSpace(voices, greedy) : new ByteSpace(voices, feedback);
    return new FusionRun(context, {
      alignment: new UnionAlignment(context, space, !compat && greedy && traceTop === 0),
      rule: new MeanRule(combiner),
      gate: gate === "every-step" ? undefined : { primary: indexOfMember(voices, primary, "primary"), threshold },
    });
  },
  laws: [
    { covers: "all" },
    { options: { feedback: "text" }, covers: "all" },
    {
      options: { gate: "threshold", threshold: 0.15 },
      covers: "all",
      exempt: {
        order: "the primary member decides alone where it is sure",
        end: "where the primary member is sure, its end counts alone",
      },
    },
    { options: { compat: true }, covers: "all", exempt: PUBLISHED_STRINGS },
  ],
});
