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
import { alignmentOptions, buildAlignment } from "../../alignments/alignments.js";
import { defineMethod } from "../../define-method.js";
import { schemaOptions } from "../../method-options.js";
import { ruleOf, ruleOptions } from "../../rules/rules.js";
import { scheduleOptions } from "../../schedules/schedules.js";
import { weightingOptions } from "../../weightings/weightings.js";
import { createComposed, needsOf } from "./compose.js";

export const fusion = defineMethod({
  name: "fusion",
  summary: "Your own combination: an alignment, a fusion rule, weights and a schedule.",
  source: "-",
  requires: "Any vocabularies; more as the alignment and the rule need.",
  options: schemaOptions(
    z.strictObject({
      alignment: alignmentOptions,
      rule: ruleOptions,
      weights: weightingOptions,
      schedule: scheduleOptions,
    }),
  ),
  needs: needsOf,
  roles: ({ rule }) => {
    const names = ruleOf(rule).rule.roles;
    return names && { of: `The rule "${rule.name}"`, names, instead: 'the rule "mean"' };
  },
  ignoresWeights: ({ rule }) => (ruleOf(rule).rule.ignoresWeights ? `The rule "${rule.name}"` : undefined),
  create: createComposed,
  build: (voices, { alignment }, run) => buildAlignment(voices, alignment, run),
  laws: [
    { options: { rule: "minimum" }, covers: "some" },
    {
      options: { alignment: "union", weights: "perplexity" },
      covers: "all",
      exempt: { end: "the weights come from the prompt" },
    },
    {
      options: { schedule: { name: "gate", threshold: 0.3 } },
      covers: "some",
      exempt: { order: "the first member decides alone where it is sure" },
    },
  ],
});
