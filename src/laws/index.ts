/**
 * The laws that all methods keep, for methods of your own. No test runner is needed: what breaks a law throws.
 *
 * ```ts
 * import { checkMethod } from "llamafuse/laws";
 *
 * await checkMethod(loudest);
 * // Or a test for each law, in any test runner:
 * for (const { name, check } of await lawsOf(loudest)) it(name, check);
 * ```
 */
import type { Method } from "../during/define-method.js";
import { LlamafuseError } from "../errors.js";
import type { LawCheck, LawMembers } from "./law.js";
import { type LawRun, methodLaws } from "./method-laws.js";
import { fitting, scriptedEnsembles } from "./scripted-ensembles.js";

export type { LawCheck, LawMembers } from "./law.js";
export { type LawRun, methodLaws } from "./method-laws.js";
export { scriptedEnsembles } from "./scripted-ensembles.js";
export { bytePairVocabulary, byteVocabulary, randomMember, sentencePieceVocabulary } from "./scripted-members.js";

export interface CheckOptions extends LawRun {
  /** The sets of members to check on; those that the method does not take are left out. Default: `scriptedEnsembles`. */
  members?: readonly LawMembers[];
}

/**
 * All checks of a method: each of the settings in its `laws`, on each set of members that it takes. Errors: invalid-option
 * for options that it refuses itself, incompatible-members where it takes none of the sets.
 */
export async function lawsOf<Given>(
  given: Method<string, unknown, Given>,
  { members = scriptedEnsembles, ...run }: CheckOptions = {},
): Promise<LawCheck[]> {
  const method = given as unknown as Method;
  const { name } = method.info;
  if (!(method.laws?.length > 0)) {
    throw new LlamafuseError(
      "invalid-option",
      `The method "${name}" has no laws. Say in its definition how it keeps them: laws: [{ covers: "all" }], or "some" where a distribution leaves strings out.`,
      { method: name, found: method.laws },
    );
  }
  const checks: LawCheck[] = [];
  for (const laws of method.laws) {
    const choice = method(laws.options);
    const sets = await fitting(choice, laws, members);
    if (sets.length === 0) {
      const names = members.map((set) => set.name);
      throw new LlamafuseError(
        "incompatible-members",
        `The method "${name}" takes none of these sets of members: ${names.join("; ")}. Give \`members\` a set that it takes.`,
        { method: name, found: names },
      );
    }
    const options = laws.options === undefined ? "" : ` with ${JSON.stringify(laws.options)}`;
    for (const set of sets) {
      for (const { name: law, check } of methodLaws(choice, laws, set, run))
        checks.push({ name: `${name}${options} on ${set.name}: ${law}`, check });
    }
  }
  return checks;
}

/**
 * Check a method under all laws; gives what was checked. Error: broken-law at the first that does not hold, with the law
 * and the step; else as `lawsOf`.
 */
export async function checkMethod<Given>(
  method: Method<string, unknown, Given>,
  options?: CheckOptions,
): Promise<string[]> {
  const checks = await lawsOf(method, options);
  for (const { check } of checks) await check();
  return checks.map(({ name }) => name);
}
