/**
 * ME: the mixture-model-like ensemble ("Rethinking LLM Ensembling from the Perspective of Mixture Models", arXiv
 * 2605.00419; released code Kamichanw/Mixture-model-like-Ensemble): alignment "union", and at every step one member
 * alone, drawn by the weights, while the others lag.
 *
 *     i ~ w;   u ~ p_i;   every member tokenises u on its own and appends its tokens        Σ w_i = 1
 *
 * At temperature 1 and without cuts that is a draw from gac's Σ_i w_i · p_i, at the cost of one member a step. With other
 * options it is a mixture of the members' altered distributions, and no alteration of the mixture: temperature 0 takes
 * the drawn member's most probable token. A member that is drawn decodes all that it missed at once. Where a given text
 * is scored, and nothing is drawn, it is scored by the mixture itself.
 *
 * Shapes: p_i over the union's |U| entries, float64. The released defaults for the sampler (temperature 1, top-k 10) are the
 * caller's to set. Strings are bytes as in gac; the released code's are GaC's.
 */
import { z } from "zod";
import { UnionAlignment } from "../alignments/union/alignment.js";
import { ByteSpace } from "../alignments/union/spaces.js";
import { defineMethod } from "../define-method.js";
import { FEEDBACK_TEXT, feedbackChoice } from "../feedback-option.js";
import { FusionRun } from "../fusion-run.js";
import type { Voice } from "../method.js";
import { schemaOptions } from "../method-options.js";
import { MeanRule } from "../rules/mean.js";

export const me = defineMethod({
  name: "me",
  summary:
    "Mixture-like: at each step the weights draw one member, which decides alone; samples gac's mean for one member's cost.",
  source: "arXiv 2605.00419",
  requires: "Any vocabularies. Meant for sampling: use a temperature above 0.",
  options: schemaOptions(
    z.strictObject({
      feedback: feedbackChoice.default("piece").describe(`${FEEDBACK_TEXT} Published: "piece".`),
    }),
  ),
  needs: ({ feedback }) => ({ logits: true, goingBack: feedback === "text" }),
  create: (context, { feedback }) => {
    const { voices, greedy, traceTop, combiner, random } = context;
    return new FusionRun(context, {
      alignment: new UnionAlignment(context, new ByteSpace(voices, feedback), greedy && traceTop === 0),
      rule: new MeanRule(combiner),
      speakers: random && (() => [drawn(voices, random())]),
    });
  },
  laws: [{ covers: "all" }],
});

/** The voice at this share of the weights, 0 ≤ share < 1. */
function drawn(voices: readonly Voice[], share: number): number {
  let left = share;
  for (const [index, { weight }] of voices.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return voices.findLastIndex(({ weight }) => weight > 0);
}
