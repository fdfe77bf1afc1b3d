/**
 * Fusion of one's own making: an alignment, a fusion rule, weights and a schedule. The named methods are such fusions, with
 * published defaults: gac is {union, mean}, unite {top-union, mean}, packllm {mined, product, perplexity weights}, core,
 * contrast, proxy and product are the rules of these names on "top-union".
 *
 * ```ts
 * { name: "fusion", alignment: { name: "top-union", k: 20 }, rule: "product", weights: "perplexity", schedule: "gate" }
 * ```
 *
 * Not every rule is defined on every alignment: a quotient (contrast, proxy) needs a probability above 0 of every string,
 * which "union" has not for different vocabularies, and its members have roles and no weights.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { ALIGNMENTS_TEXT, type AlignmentOptions, alignmentOptions, createAlignment } from "../alignments/kinds.js";
import { FusionRun } from "../fusion-run.js";
import type { MethodContext, MethodInfo } from "../method.js";
import { createRule, hasRoles, type RuleOptions, ruleOptions } from "../rules/kinds.js";
import { gateOf, type ScheduleOptions, scheduleOptions } from "../schedules.js";
import { createWeighting, type WeightOptions, weightOptions } from "../weightings/kinds.js";

export const fusionInfo: MethodInfo = {
  name: "fusion",
  summary: "Your own combination: an alignment, a fusion rule, weights and a schedule.",
  source: "-",
  requires: "Any vocabularies; what the alignment and the rule need.",
  options: {
    alignment: `${ALIGNMENTS_TEXT}. Default "top-union".`,
    rule: '"mean" (default), "product", "minimum", "core", "contrast" or "proxy", with the options of these methods as rule.floor=…',
    weights:
      '"given" (default), "perplexity" (with tau, refresh) or, on "mined", "perplexity-search" (refresh): see packllm.',
    schedule: '"every-step" (default), or "gate" (with primary, threshold): the others are asked where it is unsure.',
  },
};

export const fusionOptions = z.strictObject({
  alignment: alignmentOptions.prefault("top-union"),
  rule: ruleOptions.prefault("mean"),
  weights: weightOptions.prefault("given"),
  schedule: scheduleOptions.prefault("every-step"),
});

export interface FusionOptions {
  alignment: AlignmentOptions;
  rule: RuleOptions;
  weights?: WeightOptions;
  schedule?: ScheduleOptions;
}

/** Errors: invalid-option, incompatible-members. */
export function createFusion(context: MethodContext, options: FusionOptions): FusionRun {
  const { voices, greedy, traceTop } = context;
  const { rule, weights = { name: "given" }, schedule } = options;
  if (hasRoles(rule) && weights.name !== "given") {
    throw new LlamafuseError(
      "invalid-option",
      `In the rule "${rule.name}" members have roles and no weights, so the weights "${weights.name}" mean nothing there. Leave them out, or use the rule "mean", "product" or "core".`,
      { option: "weights", found: weights.name, allowed: ["given"] },
    );
  }
  const alignment = createAlignment(context, options.alignment, {
    method: rule.name,
    onlyLikeliest: rule.name === "mean" && greedy && traceTop === 0,
  });
  return new FusionRun(context, {
    alignment,
    rule: createRule(context, rule, options.alignment),
    weighting: createWeighting(voices, weights, alignment),
    gate: schedule && gateOf(schedule, voices),
  });
}
