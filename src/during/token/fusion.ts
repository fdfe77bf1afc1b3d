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
 * which "union" has not for different vocabularies and "similarity" never has, and its members have roles and no weights. In
 * "relative" space the rule fuses the anchors' distributions, DeePEn's search leads back, and the main member speaks at
 * every step.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import type { BuildOptions } from "../alignments/build/pool.js";
import {
  ALIGNMENTS_TEXT,
  type AlignmentOptions,
  alignmentOptions,
  createAlignment,
  type RelativeOptions,
} from "../alignments/kinds.js";
import { FusionRun } from "../fusion-run.js";
import type { MethodContext, MethodInfo, MethodRun, Voice } from "../method.js";
import type { Roles } from "../roles.js";
import { createRule, type RuleOptions, roleNamesOf, ruleOptions } from "../rules/kinds.js";
import { gateOf, type ScheduleOptions, scheduleOptions } from "../schedules.js";
import { createWeighting, type WeightOptions, weightOptions } from "../weightings/kinds.js";
import { buildDeepen, DeepenRun, deepenOptions } from "./deepen.js";
import { buildEva, evaOptions } from "./eva.js";
import { buildPackllm, packllmOptions } from "./packllm.js";

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
  alignment: alignmentOptions,
  rule: ruleOptions,
  weights: weightOptions,
  schedule: scheduleOptions,
});

export function fusionRoles({ rule }: FusionOptions): Roles | undefined {
  const names = roleNamesOf(rule);
  return names && { of: `The rule "${rule.name}"`, names, instead: 'the rule "mean"' };
}

export interface FusionOptions {
  alignment: AlignmentOptions;
  rule: RuleOptions;
  weights?: WeightOptions;
  schedule?: ScheduleOptions;
}

/** Errors: invalid-option, incompatible-members. */
export function createFusion(context: MethodContext, options: FusionOptions): MethodRun {
  const { voices, greedy, traceTop } = context;
  const { rule, weights = { name: "given" }, schedule } = options;
  if (roleNamesOf(rule) !== undefined && weights.name !== "given") {
    throw new LlamafuseError(
      "invalid-option",
      `In the rule "${rule.name}" members have roles and no weights, so the weights "${weights.name}" mean nothing there. Leave them out, or use the rule "mean", "product" or "core".`,
      { option: "weights", found: weights.name, allowed: ["given"] },
    );
  }
  if (options.alignment.name === "relative") return fuseRelative(context, { ...options, weights }, options.alignment);
  const alignment = createAlignment(context, options.alignment, {
    onlyLikeliest: rule.name === "mean" && greedy && traceTop === 0,
  });
  return new FusionRun(context, {
    alignment,
    rule: createRule(context, rule, options.alignment),
    weighting: createWeighting(voices, weights, alignment),
    gate: schedule && gateOf(schedule, voices),
  });
}

function fuseRelative(
  context: MethodContext,
  { rule, weights, schedule, alignment }: FusionOptions & { weights: WeightOptions },
  relative: RelativeOptions,
): MethodRun {
  const refuse = (option: string, found: string, why: string, allowed: string) =>
    new LlamafuseError(
      "invalid-option",
      `The alignment "relative" does not go with the ${option} "${found}": ${why}. Use "${allowed}", or another alignment.`,
      { option, found, allowed: [allowed] },
    );
  if (schedule !== undefined && schedule.name !== "every-step")
    throw refuse("schedule", schedule.name, "what is searched for needs all members", "every-step");
  if (weights.name === "perplexity-search")
    throw refuse("weights", weights.name, "it has no tokens to compare mixtures by", "perplexity");
  const { name, ...options } = relative;
  return new DeepenRun(context, deepenOptions.parse(options), {
    rule: createRule(context, rule, alignment),
    weighting: createWeighting(context.voices, weights),
  });
}

/** Build what the alignment needs, as the methods that it comes from do. */
export async function buildFusion(
  voices: readonly Voice[],
  { alignment: { name, ...options } }: Pick<FusionOptions, "alignment">,
  run: BuildOptions,
): Promise<void> {
  if (name === "relative") await buildDeepen(voices, deepenOptions.parse(options), run);
  if (name === "similarity") await buildEva(voices, evaOptions.parse(options), run);
  if (name === "mined") await buildPackllm(voices, packllmOptions.parse(options), run);
}
