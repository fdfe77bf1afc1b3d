/**
 * CoRE: an ensemble weighted by how consistent its members are (Zeng and others, "Harnessing Consistency for Robust
 * Test-Time LLM Ensemble", arXiv 2510.13855): rule "core" on any alignment; see rules/consistency.ts for the formula.
 *
 * Defaults are the paper's: UniTE's alignment with k = 10, RBF scores, generation, text feedback. The released code fuses
 * in the vocabulary of its main member, each distribution cut to its own top k; here the space is the alignment's, where
 * the other members also judge what they did not propose.
 */
import { z } from "zod";
import { ALIGNMENTS_TEXT, alignmentOptions } from "../alignments/kinds.js";
import type { MethodContext, MethodInfo, MethodRun } from "../method.js";
import { consistencyShape } from "../rules/kinds.js";
import { createFusion } from "./fusion.js";

export const coreInfo: MethodInfo = {
  name: "core",
  summary: "Consistency: members and tokens count by how far they agree with the ensemble's mean.",
  source: "arXiv 2510.13855",
  requires: "Any vocabularies.",
  options: {
    alignment: `${ALIGNMENTS_TEXT}. Default "top-union".`,
    score: '"rbf" (default), "linear", "power", "rec", "sigmoid"; "none" fuses by the given weights (ablation).',
    task: '"generation" (default) or "classification", which weights members and not tokens.',
    main: 'The member that counts at least as much as all others, by name or index, or "none". Default 0.',
  },
};

export const coreOptions = z.strictObject({ alignment: alignmentOptions, ...consistencyShape });

export function createCore(context: MethodContext, { alignment, ...rule }: z.output<typeof coreOptions>): MethodRun {
  return createFusion(context, { alignment, rule: { name: "core", ...rule } });
}
