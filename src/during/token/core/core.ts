/**
 * CoRE: an ensemble weighted by how consistent its members are (Zeng and others, "Harnessing Consistency for Robust
 * Test-Time LLM Ensemble", arXiv 2510.13855): rule "core" on any alignment; see rules/core.ts for the formula.
 *
 * Defaults are the paper's: UniTE's alignment with k = 10, RBF scores, generation, text feedback. `compat` fuses as the released
 * code does: in the vocabulary of its main member, each distribution cut to its own top k (see released.ts); by default the
 * space is the alignment's, where the other members also score what they did not propose.
 */
import { z } from "zod";
import { MAX_TOP } from "../../../member/offers.js";
import { alignmentOptions } from "../../alignments/alignments.js";
import { defineMethod, PUBLISHED_STRINGS } from "../../define-method.js";
import { FusionRun } from "../../fusion-run.js";
import { indexOfMember } from "../../member-option.js";
import { schemaOptions } from "../../method-options.js";
import { CoreRule, core as coreRule } from "../../rules/core.js";
import { ofRule } from "../fusion/compose.js";
import { ReleasedCoreAlignment } from "./released.js";

const MAIN = "the main member counts at least as much as all others";
const DEFAULT_K = 10;

const composed = ofRule(coreRule);

const options = coreRule.options
  .safeExtend({
    alignment: alignmentOptions
      .unwrap()
      .optional()
      .meta({ ...alignmentOptions.meta(), usual: "top-union" }),
    compat: z.boolean().default(false).describe("As released: fuse in main's vocabulary, each member's top k alone."),
    k: z
      .int()
      .min(1)
      .max(MAX_TOP)
      .optional()
      .meta({ description: "With compat: tokens that each member proposes.", usual: DEFAULT_K }),
  })
  .refine(({ compat, alignment }) => !compat || alignment === undefined, {
    path: ["alignment"],
    error: "does nothing with compat, which has main's vocabulary",
  })
  .refine(({ compat, k }) => compat || k === undefined, {
    path: ["k"],
    error: "is used only with compat; without it, alignment.k",
  })
  .refine(({ compat, main }) => !compat || main !== "none", {
    path: ["main"],
    error: "must be a member with compat",
  });

type CoreOptions = z.output<typeof options>;

/** The options of the rule and its alignment. */
function plain({ compat: _compat, k: _k, ...own }: CoreOptions) {
  return own;
}

export const core = defineMethod({
  name: "core",
  summary: "Consistency: weights members and tokens by how far they agree with the ensemble's mean.",
  source: "arXiv 2510.13855",
  requires: "Any vocabularies.",
  options: schemaOptions(options),
  needs: (given, place) =>
    given.compat ? { topDepth: given.k ?? DEFAULT_K, goingBack: true } : composed.needs(plain(given), place),
  create: (context, given) => {
    if (!given.compat) return composed.create(context, plain(given));
    const { score, task, k = DEFAULT_K } = given;
    const main = indexOfMember(context.voices, given.main, "main");
    return new FusionRun(context, {
      alignment: new ReleasedCoreAlignment(context, main, k),
      rule: new CoreRule({ score, task, main }),
    });
  },
  build: async (voices, given, run) => {
    if (!given.compat) await composed.build(voices, plain(given), run);
  },
  laws: [
    { covers: "some", exempt: { order: MAIN }, rounding: 2 },
    { options: { main: "none", score: "linear" }, covers: "some" },
    { options: { alignment: "union", task: "classification" }, covers: "all", exempt: { order: MAIN, end: MAIN } },
    {
      options: { compat: true },
      covers: "some",
      exempt: { order: MAIN, end: "only main's end ends the text", ...PUBLISHED_STRINGS },
    },
  ],
});
