/** What rules share in which each member has a role and one divides by another's probabilities. */
import { LlamafuseError } from "../../errors.js";
import type { AlignmentDefinition } from "../alignments/define-alignment.js";
import { indexOfMember } from "../member-option.js";
import type { Voice } from "../method.js";
import { haveOneVocabulary } from "../needs.js";

/** Each role's index. Every voice has exactly one role; see checkRoles. Error: invalid-option. */
export function rolesOf<Role extends string>(
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

/** A quotient needs a probability above 0 of every string. Error: incompatible-members. */
export function requirePositive(
  voices: readonly Voice[],
  rule: string,
  { name, isPositive }: Pick<AlignmentDefinition, "name" | "isPositive">,
): void {
  if (isPositive === "always" || (isPositive === "one-vocabulary" && haveOneVocabulary(voices))) return;
  throw new LlamafuseError(
    "incompatible-members",
    `The rule "${rule}" divides by a member's probabilities. In the alignment "${name}" a member gives probability 0 to strings that none of its tokens map to. Use the alignment "top-union", or members with one vocabulary.`,
    { rule, found: name, allowed: ["top-union", "one-vocabulary"] },
  );
}
