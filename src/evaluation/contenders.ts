/** Who answers in an evaluation: every member alone, every method, and the oracle that picks from the members' answers. */

import { type RegenerationOptions, regenerationInfos, regenerationNamed } from "../after/regenerate/registry.js";
import { type SelectionOptions, selectionInfos, selectionNamed } from "../after/select/registry.js";
import type { Respondent } from "../answers/answer-cache.js";
import { type MethodName, type MethodOptions, methodInfos } from "../during/methods.js";
import { LlamafuseError } from "../errors.js";
import type { SystemOptions } from "../systems.js";

export interface Contender {
  /** As tables call it: a member's name, a method with its options. */
  name: string;
  kind: "member" | "method";
  respondent: Respondent;
}

/** Every method with its defaults, `single` left out: the members alone are rows of their own. */
export function everyMethod(): MethodOptions[] {
  return methodInfos.filter(({ name }) => name !== "single").map(({ name }) => ({ name }) as MethodOptions);
}

/** What one set of answers for all selections and regenerations is made with: samples of each member, and their temperature. */
export interface SharedSampling {
  samples?: number;
  temperature?: number;
}

/**
 * Every selection and regeneration that needs no option, on one set of answers: the same samples at the same temperature.
 * Errors: invalid-option for samples or a temperature that none takes.
 */
export function everyAfter({
  samples = 5,
  temperature = 0.7,
  ...rest
}: SharedSampling = {}): (SelectionOptions | RegenerationOptions)[] {
  const shared = { samples, temperature, ...rest };
  const selections = selectionInfos.map(({ name }) => ({ name, ...shared }) as SelectionOptions);
  const regenerations = regenerationInfos.map(({ name }) => ({ name, ...shared }) as RegenerationOptions);
  selectionNamed(selections[0]);
  return [
    ...selections.filter((each) => isComplete(() => selectionNamed(each))),
    ...regenerations.filter((each) => isComplete(() => regenerationNamed(each))),
  ];
}

/** Whether nothing is missing from its options. */
function isComplete(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof LlamafuseError) return false;
    throw error;
  }
}

/** What says nothing with its defaults beside all the others: why. */
const SILENT: Partial<Record<MethodName, string>> = {
  me: "needs a temperature above 0, because it draws a member at every step",
  proxy: "needs a base, a tuned and an untuned member",
  fusion: "with its defaults it equals unite",
};

/** The methods of an evaluation that names none, and a note on what is left out. One member is all methods. */
export function defaultMethods(members: number, temperature = 0): { methods: MethodOptions[]; notes: string[] } {
  if (members === 1) {
    return { methods: [], notes: ["Only the member is asked: with one member, all methods give the same result."] };
  }
  const isLeftOut = ({ name }: MethodOptions) => name in SILENT && !(name === "me" && temperature > 0);
  const reasons = everyMethod()
    .filter(isLeftOut)
    .map(({ name }) => `${name} (${SILENT[name]})`);
  return {
    methods: everyMethod().filter((method) => !isLeftOut(method)),
    notes: [`Not asked unless named: ${reasons.join(", ")}.`],
  };
}

/** Members first, in their order. LlamafuseError "invalid-option" where one method is named twice with equal options. */
export function contendersOf(memberNames: readonly string[], methods: readonly SystemOptions[]): Contender[] {
  const members = memberNames.map((_, index) => index);
  const contenders: Contender[] = [
    ...memberNames.map((name, index) => ({
      name,
      kind: "member" as const,
      respondent: { method: { name: "single" as const }, members: [index] },
    })),
    ...methods.map((method) => ({ name: titleOf(method), kind: "method" as const, respondent: { method, members } })),
  ];
  const titles = contenders.filter(({ kind }) => kind === "method").map(({ name }) => name);
  const twice = titles.find((title, index) => titles.indexOf(title) !== index);
  if (twice === undefined) return contenders;
  throw new LlamafuseError(
    "invalid-option",
    `The method "${twice}" is named twice. Name it once, or with other options the second time.`,
    { option: "methods", found: twice },
  );
}

/** `gac gate=threshold threshold=0.6`, `fusion rule=product weights.name=perplexity weights.tau=0.5` */
export function titleOf({ name, ...options }: SystemOptions): string {
  return [name, ...wordsOf(options)].join(" ");
}

/** As the command line takes them: options of a part behind its name, a part that has only its name by that. */
function wordsOf(options: Record<string, unknown>, prefix = ""): string[] {
  return Object.entries(options).flatMap(([option, value]) => {
    if (!isPart(value)) return [`${prefix}${option}=${value}`];
    const isOnlyNamed = typeof value.name === "string" && Object.keys(value).length === 1;
    return isOnlyNamed ? [`${prefix}${option}=${value.name}`] : wordsOf(value, `${prefix}${option}.`);
  });
}

/** A plain object, not an object of a class of its own. */
function isPart(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
