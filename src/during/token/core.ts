/**
 * CoRE: an ensemble weighted by how consistent its members are (Zeng and others, "Harnessing Consistency for Robust
 * Test-Time LLM Ensemble", arXiv 2510.13855): rule "core" on any alignment; see rules/core.ts for the formula.
 *
 * Defaults are the paper's: UniTE's alignment with k = 10, RBF scores, generation, text feedback. The released code fuses
 * in the vocabulary of its main member, each distribution cut to its own top k; here the space is the alignment's, where
 * the other members also score what they did not propose.
 */
import { defineMethod } from "../define-method.js";
import { core as coreRule } from "../rules/core.js";
import { ofRule } from "./fusion/compose.js";

const MAIN = "the main member counts at least as much as all others";

export const core = defineMethod({
  name: "core",
  summary: "Consistency: weights members and tokens by how far they agree with the ensemble's mean.",
  source: "arXiv 2510.13855",
  requires: "Any vocabularies.",
  ...ofRule(coreRule),
  laws: [
    { covers: "some", exempt: { order: MAIN }, rounding: 2 },
    { options: { main: "none", score: "linear" }, covers: "some" },
    { options: { alignment: "union", task: "classification" }, covers: "all", exempt: { order: MAIN, end: MAIN } },
  ],
});
