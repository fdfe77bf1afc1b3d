/** The fusion rules that methods are put together from, by name. */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { partSchema } from "../../part-schema.js";
import { firstDifference } from "../../vocabulary/same-tokens.js";
import type { AlignmentOptions } from "../alignments/kinds.js";
import { indexOfMember } from "../gate.js";
import type { MethodContext, Voice } from "../method.js";
import { CONSISTENCY_SCORES, ConsistencyRule } from "./core.js";
import { LogLinearRule } from "./log-linear.js";
import { MeanRule } from "./mean.js";
import { MinimumRule } from "./minimum.js";
import type { FusionRule } from "./rule.js";

const member = z.union([z.string(), z.int().min(0)]);
const share = z.number().min(0).max(1);

export const productShape = { floor: share.default(0) };
export const contrastShape = {
  expert: member.default(0),
  amateur: member.default(1),
  form: z.enum(["scaled", "difference"]).default("scaled"),
  beta: z.number().min(0).optional(),
  amateurTemperature: z.number().positive().default(1),
  alpha: share.default(0.1),
};
/** "difference" has no β. */
export const usesBeta = ({ form, beta }: { form: string; beta?: number }) => form === "scaled" || beta === undefined;
export const BETA_UNUSED = { path: ["beta"], error: 'is used only with form "scaled"' };
const DEFAULT_BETA = 0.5;

export const proxyShape = {
  base: member.default(0),
  expert: member.default(1),
  antiExpert: member.default(2),
  strength: z.number().default(1),
  alpha: share.default(0),
};
export const consistencyShape = {
  score: z.enum(CONSISTENCY_SCORES).default("rbf"),
  task: z.enum(["generation", "classification"]).default("generation"),
  main: z.union([z.literal("none"), member]).default(0),
};

/** `mean`, `product`, `minimum`, `core`, `contrast` or `proxy`, with their options. */
export const ruleOptions = partSchema(
  [
    z.strictObject({ name: z.literal("mean") }),
    z.strictObject({ name: z.literal("product"), ...productShape }),
    z.strictObject({ name: z.literal("minimum") }),
    z.strictObject({ name: z.literal("core"), ...consistencyShape }),
    z.strictObject({ name: z.literal("contrast"), ...contrastShape }).refine(usesBeta, BETA_UNUSED),
    z.strictObject({ name: z.literal("proxy"), ...proxyShape }),
  ],
  "mean",
);

export type RuleOptions = z.output<typeof ruleOptions>;

export const CONTRAST_ROLES = ["expert", "amateur"] as const;
export const PROXY_ROLES = ["base", "expert", "antiExpert"] as const;

/** The roles that members have in it instead of weights, in the order of the defaults. */
export function roleNamesOf({ name }: RuleOptions): readonly string[] | undefined {
  if (name === "contrast") return CONTRAST_ROLES;
  return name === "proxy" ? PROXY_ROLES : undefined;
}

/** A rule for this request. Errors: invalid-option (a member that is none), incompatible-members. */
export function createRule(context: MethodContext, options: RuleOptions, alignment: AlignmentOptions): FusionRule {
  const { voices, combiner } = context;
  switch (options.name) {
    case "mean":
      return new MeanRule(combiner);
    case "product":
      return new LogLinearRule({ floor: options.floor });
    case "minimum":
      return new MinimumRule();
    case "core": {
      const { score, task, main } = options;
      return new ConsistencyRule({ score, task, main: main === "none" ? -1 : indexOfMember(voices, main, "main") });
    }
    case "contrast": {
      const { expert, amateur, form, beta = DEFAULT_BETA, amateurTemperature, alpha } = options;
      const roles = rolesOf(voices, { expert, amateur });
      requireOpinions(voices, options.name, alignment);
      const coefficients = new Array<number>(voices.length).fill(0);
      coefficients[roles.expert] = form === "scaled" ? 1 + beta : 1;
      coefficients[roles.amateur] = -(form === "scaled" ? beta : 1) / amateurTemperature;
      return new LogLinearRule({ coefficients, head: { voice: roles.expert, alpha } });
    }
    case "proxy": {
      const { base, expert, antiExpert, strength, alpha } = options;
      const roles = rolesOf(voices, { base, expert, antiExpert });
      requireOpinions(voices, options.name, alignment);
      const coefficients = new Array<number>(voices.length).fill(0);
      coefficients[roles.base] = 1;
      coefficients[roles.expert] = strength;
      coefficients[roles.antiExpert] = -strength;
      return new LogLinearRule({ coefficients, head: { voice: roles.base, alpha } });
    }
  }
}

/** Each role's index. Every voice has exactly one role; see checkRoles. */
function rolesOf<Role extends string>(
  voices: readonly Voice[],
  wanted: Record<Role, string | number>,
): Record<Role, number> {
  const roles = Object.entries<string | number>(wanted);
  const found = roles.map(([role, name]) => [role, indexOfMember(voices, name, role)] as const);
  for (const [place, [role, index]] of found.entries()) {
    const [other] = found.slice(0, place).find(([, taken]) => taken === index) ?? [];
    if (other === undefined) continue;
    const { name } = voices[index].member;
    throw new LlamafuseError(
      "invalid-option",
      `Member "${name}" cannot be both ${other} and ${role}. Name another member for one of them.`,
      { option: role, found: name, allowed: voices.map((voice) => voice.member.name) },
    );
  }
  return Object.fromEntries(found) as Record<Role, number>;
}

/** A quotient needs a probability above 0 of every string: not what a vocabulary has no token for. */
function requireOpinions(voices: readonly Voice[], rule: string, alignment: AlignmentOptions): void {
  if (alignment.name !== "union" && alignment.name !== "similarity") return;
  const [first, ...others] = voices.map(({ member: { vocabulary } }) => vocabulary);
  const isOne = others.every((vocabulary) => firstDifference(first, vocabulary) < 0);
  if (alignment.name === "union" && isOne) return;
  throw new LlamafuseError(
    "incompatible-members",
    `The rule "${rule}" divides by a member's probabilities, and in the alignment "${alignment.name}" a member gives 0 to every string that no token of its own stands for. Use the alignment "top-union", or members with one vocabulary.`,
    { rule, found: alignment.name, allowed: ["top-union", "one-vocabulary"] },
  );
}
