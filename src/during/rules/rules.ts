/** The fusion rules that methods are put together from. A new one is a file here and a line in this list. */
import type { z } from "zod";
import { partSchema } from "../../part-schema.js";
import { adaptive } from "./adaptive.js";
import { contrast } from "./contrast.js";
import { core } from "./core.js";
import type { RuleDefinition } from "./define-rule.js";
import { mean } from "./mean.js";
import { minimum } from "./minimum.js";
import { product } from "./product.js";
import { proxy } from "./proxy.js";

export const rules = [mean, product, minimum, core, adaptive, contrast, proxy] as const;

export const ruleOptions = partSchema(rules, "mean");

export type RuleOptions = z.output<typeof ruleOptions>;

/** The rule that these options name, and its own options. */
export function ruleOf({ name, ...options }: RuleOptions): { rule: RuleDefinition; options: Record<string, unknown> } {
  const rule = rules.find((each) => each.name === name) as unknown as RuleDefinition;
  return { rule, options };
}
