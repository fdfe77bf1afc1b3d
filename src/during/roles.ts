/** Methods in which each member has a role of its own and none has a share of the vote. */
import { LlamafuseError } from "../errors.js";
import type { Voice } from "./method.js";

export interface Roles {
  /** Who gives them, for errors: `contrast`, or `The rule "contrast"` of a fusion. */
  of: string;
  /** In the order of the members, unless options say otherwise. */
  names: readonly string[];
  /** What takes any number of members. */
  instead: string;
}

/** LlamafuseError "invalid-option" for weights above 0 that differ. `ignorer`: who takes no notice of them. */
export function requireEqualWeights(ignorer: string, voices: readonly Voice[]): void {
  const found = voices.map(({ weight }) => weight).filter((weight) => weight > 0);
  if (found.every((weight) => Math.abs(weight - found[0]) <= 1e-12)) return;
  throw new LlamafuseError(
    "invalid-option",
    `${ignorer} takes no notice of weights; found ${found.map((weight) => Number(weight.toFixed(3))).join(", ")}. Leave them out, or use a method that weighs, such as unite or product.`,
    { option: "weight", found, allowed: "equal weights" },
  );
}

/**
 * LlamafuseError "invalid-option" for weights that differ, "incompatible-members" for more or fewer members than roles. A
 * member alone needs no role.
 */
export function checkRoles({ of, names, instead }: Roles, voices: readonly Voice[]): void {
  const everyone = voices[0].everyone ?? voices.map(({ member }) => member.name);
  const weights = everyone.map((name) => voices.find(({ member }) => member.name === name)?.weight ?? 0);
  if (weights.some((weight) => Math.abs(weight - weights[0]) > 1e-12)) {
    const found = everyone.map((name, index) => `${name} ${Number(weights[index].toFixed(3))}`).join(", ");
    throw new LlamafuseError(
      "invalid-option",
      `${of} uses roles (${names.join(", ")}), so weights do not apply; found ${found}. Leave the weights out, or use ${instead}.`,
      { option: "weight", found: weights, allowed: "equal weights" },
    );
  }
  if (voices.length === 1 || voices.length === names.length) return;
  const order = names.map((role, index) => `${ORDINALS[index]} is ${role}`).join(", ");
  throw new LlamafuseError(
    "incompatible-members",
    `${of} takes ${names.length} members (${order}) and was given ${voices.length}: ${everyone.join(", ")}. Give it these, in this order, or use ${instead}, which takes any number.`,
    { found: voices.length, allowed: names.length },
  );
}

const ORDINALS = ["the first", "the second", "the third"];
