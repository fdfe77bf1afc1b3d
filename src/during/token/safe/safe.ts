/**
 * SAFE: fusing only where it is safe and needed (Yun, Ki, Lee and Yang, "When to Ensemble: Identifying Token-Level Points
 * for Stable and Fast LLM Ensembling", arXiv 2510.15346).
 *
 *     1  the drafter writes its n likeliest tokens t_1 … t_n, one after the other
 *     2  every verifier reads them as its own tokenizer cuts text + draft, several in one decode
 *     3  t_j stands where   a verifier's token reaches across the place before it (unsafe: nothing is fused there), or
 *                           every verifier's likeliest string is t_j, or
 *                           Σ_i w_i · p_i(t_j) > 1/2
 *        the first t_j that does not stand is fused, all members at that place; the rest of the draft is dropped
 *
 * The second and the third say that t_j is what the members would choose together. The fusion is any alignment's mean,
 * sharpened (rules/sharpened.ts): "top-union" for UniTE's, "union" for GaC's.
 *
 * Shapes: at a token that stands, two entries, of which it (or the end) has probability 1; else the alignment's entries.
 * Temperature, penalties and the sampler's other options act on what is fused alone; the rest stands as it is, since the
 * method is a greedy one. Where a given text is scored, every token is fused. A recurrent model goes back by checkpoints and
 * reads a few tokens more than others for it.
 *
 * The paper's code cannot be had; this follows a report of it. Published [P]: n = 5, one drafter, the two rules with 1/2, the
 * kinds of sharpening and their 1/2. Ours: a place is unsafe where any verifier's token reaches across, or inside of a
 * character; λ (default 0.1); a verifier's p_i counts the tokens that are t_j as a whole, the drafter's is of its one token;
 * a verifier of weight 0 is not asked.
 */
import { z } from "zod";
import { alignmentOf, unionOptions } from "../../alignments/alignments.js";
import { defineMethod } from "../../define-method.js";
import { FusionRun } from "../../fusion-run.js";
import { indexOfMember, memberOption } from "../../member-option.js";
import { schemaOptions } from "../../method-options.js";
import { allNeeds } from "../../needs.js";
import { SHARPENINGS, SharpenedRule } from "../../rules/sharpened.js";
import { SafeRun } from "./run.js";

const MOST_DRAFTED = 64;
const DEFAULT_LAMBDA = 0.1;

const options = z
  .strictObject({
    drafter: memberOption.default(0).describe("The member that drafts, usually the strongest, by name or index."),
    draft: z.int().min(1).max(MOST_DRAFTED).default(5).describe(`Tokens drafted ahead, 1 … ${MOST_DRAFTED}.`),
    alignment: unionOptions,
    sharpen: z
      .enum(SHARPENINGS)
      .default("prefix")
      .describe(
        'When all fused tokens are unlikely: "prefix" moves probability to a word\'s first token, "geometric" multiplies the members, "none" changes nothing.',
      ),
    lambda: z.number().min(0).max(1).optional().meta({
      description:
        "With sharpen prefix: drafter tokens above this probability collect that of strings that begin with them.",
      usual: DEFAULT_LAMBDA,
    }),
  })
  .refine(({ sharpen, lambda }) => sharpen === "prefix" || lambda === undefined, {
    path: ["lambda"],
    error: 'is used only with sharpen "prefix"',
  });

const DRAFTED = {
  order: "one member drafts",
  end: "accepted tokens have probability 1",
  agreement: "accepted tokens have probability 1",
};

export const safe = defineMethod({
  name: "safe",
  summary:
    "One member drafts and the others verify; a token is fused only where they differ and token boundaries match.",
  source: "arXiv 2510.15346, after a report: its code was never released, so nothing could be compared with it",
  requires: "Any vocabularies. Meant for greedy answers: sampling affects fused tokens only.",
  options: schemaOptions(options),
  needs: (given, { voices, index }) => {
    const { alignment, options: own } = alignmentOf(given.alignment);
    const drafts = indexOfMember(voices, given.drafter, "drafter") === index;
    return allNeeds(alignment.needs(own), {
      verify: !drafts,
      goingBack: true,
      lookup: given.sharpen === "geometric" ? "all" : undefined,
    });
  },
  create: (context, { drafter: named, draft, alignment: chosen, sharpen, lambda = DEFAULT_LAMBDA }) => {
    const { voices, combiner } = context;
    const drafter = indexOfMember(voices, named, "drafter");
    const rule = new SharpenedRule(voices[drafter].member, { sharpen, lambda }, combiner);
    const { alignment, options: own } = alignmentOf(chosen);
    const fusion = new FusionRun(context, {
      alignment: alignment.create!(context, own, { onlyLikeliest: false }),
      rule,
    });
    return new SafeRun(context, { drafter, draft, fusion });
  },
  laws: [
    { covers: "some", exempt: DRAFTED },
    {
      options: { drafter: 1, draft: 3, alignment: "union", sharpen: "geometric" },
      covers: "some",
      exempt: DRAFTED,
    },
  ],
});
