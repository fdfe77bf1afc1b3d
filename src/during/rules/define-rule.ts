/** How a fusion rule is defined: in its own file, by one call; rules.ts lists all of them. */
import type { z } from "zod";
import type { Part } from "../../part-schema.js";
import type { AlignmentDefinition } from "../alignments/define-alignment.js";
import type { MethodContext } from "../method.js";
import type { MethodNeeds } from "../needs.js";
import type { FusionRule } from "./rule.js";

export interface RuleDefinition<Name extends string = string, Schema extends z.ZodObject = z.ZodObject>
  extends Part<Name, Schema> {
  /** One line. */
  readonly summary: string;
  /** Beside what the alignment needs. Default: nothing. */
  needs?(options: z.output<Schema>): MethodNeeds;
  /** Whether weights make no difference. Default false. */
  readonly ignoresWeights?: boolean;
  /** The roles that members have in it instead of weights, in the order of the defaults. */
  readonly roles?: readonly string[];
  /** The rule for one request. Errors: invalid-option (a member that is none), incompatible-members. */
  create(context: MethodContext, options: z.output<Schema>, alignment: AlignmentDefinition): FusionRule;
  /** What cannot hold of its laws (src/laws/rule-laws.ts), each with the reason, and other options to check them under. */
  readonly laws: RuleLaws<z.input<Schema>>;
}

/**
 * - `alone`: one distribution is left as it is;
 * - `agreement`: distributions that are alike are left as they are;
 * - `order`: the members' order makes no difference.
 */
export type RuleLaw = "alone" | "agreement" | "order";

export interface RuleLaws<Given> {
  /** Options beside the defaults. */
  options?: readonly Given[];
  exempt?: Readonly<Partial<Record<RuleLaw, string>>>;
}

/** Types: the name and the options' schema. */
export function defineRule<const Name extends string, Schema extends z.ZodObject>(
  definition: RuleDefinition<Name, Schema>,
): RuleDefinition<Name, Schema> {
  return definition;
}
