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
 * method is a greedy one. Where a given text is scored, every token is fused. A recurrent model, whose cache cannot go
 * back, reads the whole text again for every token that is fused.
 *
 * The paper's code cannot be had; this follows a report of it. Published [P]: n = 5, one drafter, the two rules with 1/2, the
 * kinds of sharpening and their 1/2. Ours: a place is unsafe where any verifier's token reaches across, or inside of a
 * character; λ (default 0.1); a verifier's p_i counts the tokens that are t_j as a whole, the drafter's is of its one token;
 * a verifier of weight 0 is not asked.
 */
import { z } from "zod";
import { createAlignment, unionOptions } from "../../alignments/kinds.js";
import { FusionRun } from "../../fusion-run.js";
import { indexOfMember } from "../../gate.js";
import type { MethodContext, MethodInfo } from "../../method.js";
import { SHARPENINGS, SharpenedRule } from "../../rules/sharpened.js";
import { SafeRun } from "./run.js";

const DEFAULT_DRAFT = 5;
const MOST_DRAFTED = 64;
const DEFAULT_LAMBDA = 0.1;

export const safeInfo: MethodInfo = {
  name: "safe",
  summary:
    "One member drafts; the others read along, and a token is fused only where they differ and their tokens meet.",
  source: "arXiv 2510.15346",
  requires:
    "Any vocabularies. Meant for greedy answers: the sampler acts on fused tokens alone. Slow on recurrent models.",
  options: {
    drafter: "The member that writes, the strongest one, by name or index. Default 0.",
    draft: "Tokens that it writes ahead, 1 … 64. Default 5.",
    alignment: 'Where tokens are fused: "top-union" (default, with k), as in unite, or "union", as in gac.',
    sharpen:
      'Where the fused tokens are all unlikely: "prefix" (default) gives words to their beginnings, "geometric" is the members\' product, "none".',
    lambda: "With sharpen prefix: tokens of the drafter more probable than this take what they begin. Default 0.1.",
  },
};

export const safeOptions = z
  .strictObject({
    drafter: z.union([z.string(), z.int().min(0)]).default(0),
    draft: z.int().min(1).max(MOST_DRAFTED).default(DEFAULT_DRAFT),
    alignment: unionOptions,
    sharpen: z.enum(SHARPENINGS).default("prefix"),
    lambda: z.number().min(0).max(1).optional(),
  })
  .refine(({ sharpen, lambda }) => sharpen === "prefix" || lambda === undefined, {
    path: ["lambda"],
    error: 'is used only with sharpen "prefix"',
  });

export function createSafe(context: MethodContext, options: z.output<typeof safeOptions>): SafeRun {
  const { voices, combiner } = context;
  const { draft, alignment, sharpen, lambda = DEFAULT_LAMBDA } = options;
  const drafter = indexOfMember(voices, options.drafter, "drafter");
  const rule = new SharpenedRule(voices[drafter].member, { sharpen, lambda }, combiner);
  const fusion = new FusionRun(context, { alignment: createAlignment(context, alignment), rule });
  return new SafeRun(context, { drafter, draft, fusion });
}
