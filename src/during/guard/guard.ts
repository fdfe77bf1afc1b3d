/**
 * Never far below the best member: any method, with a running account of how well each member foresees the answer
 * (evidence.ts). The weights follow it, in methods that weight their members at each step, and from a weight of 1 − ε on the
 * best member goes on alone, to the end of the answer.
 *
 * What the guard promises is about likelihood: with η ≤ 1 a mixture by its weights loses at most ln(1 / w_i) / η nats over the
 * whole answer against any member i, ln K / η with equal weights. It says nothing of how good an answer is that its members find
 * likely. The account begins anew with each request, so that nothing is learned from the questions that judge it.
 *
 * It costs each member a reading of what was said, which it would decode anyway. Ours; the weights are Vovk's and Herbster and
 * Warmuth's.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { defineMethod, type Method, type MethodLevel } from "../define-method.js";
import { schemaOptions } from "../method-options.js";
import { allNeeds } from "../needs.js";
import { Evidence } from "./evidence.js";
import { GuardRun } from "./run.js";

/** A method and its options, checked. */
interface Guarded {
  method: Method;
  options: unknown;
  level: MethodLevel;
}

/** Finds a method by its name; set by the registry, which knows the guard as well. */
let find: ((name: string) => Method) | undefined;
export function guardsFrom(registered: (name: string) => Method): void {
  find = registered;
}

const options = z.strictObject({
  method: z
    .union([z.string().min(1), z.looseObject({ name: z.string().min(1) })])
    .default("unite")
    .describe("The method that is guarded: a name, or a name with options."),
  rate: z.number().gt(0).max(1).default(0.1).describe("How fast evidence counts: the exponent's factor, at most 1."),
  share: z.number().min(0).lt(1).default(0).describe("Weight that all members get back at each step, in equal parts."),
  epsilon: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.01)
    .describe("The best member goes on alone from a weight of 1 − epsilon on."),
  maxLoss: z
    .number()
    .gt(0)
    .optional()
    .meta({ description: "Nats that one piece can count at most.", usual: "no limit" }),
});

type Options = z.output<typeof options>;

const known = new WeakMap<Options, Guarded>();

function guardedBy(given: Options): Guarded {
  let guarded = known.get(given);
  if (guarded === undefined) {
    const { name, ...own } = typeof given.method === "string" ? { name: given.method } : given.method;
    const method = find!(name);
    if (name === "guard") throw guardsItself();
    guarded = { method, options: method.check(own), level: method.level?.(method.check(own)) ?? "token" };
    known.set(given, guarded);
  }
  return guarded;
}

const GUARDED = {
  end: "the weights change as the answer is said",
  weights: "the weights change as the answer is said",
  order: "which of two equally good members goes on alone depends on their order",
  agreement: "weights that differ by rounding may leave one member alone",
} as const;

export const guard = defineMethod({
  name: "guard",
  summary: "Any method, guarded: weights follow how well members foresee the answer, down to the best one alone.",
  source: "-",
  requires: "What the guarded method requires; members that read texts that may come.",
  options: schemaOptions(options),
  level: (given) => guardedBy(given).level,
  needs: (given, place) => {
    const { method, options: own } = guardedBy(given);
    return allNeeds(method.needs(own, place), { logits: true, verify: true, goingBack: true });
  },
  roles: (given) => {
    const { method, options: own } = guardedBy(given);
    return method.roles?.(own);
  },
  build: async (voices, given, run) => {
    const { method, options: own } = guardedBy(given);
    await method.build?.(voices, own, run);
  },
  create: (context, given) => {
    const { method, options: own } = guardedBy(given);
    const prior = context.voices.map(({ weight }) => weight);
    const sum = prior.reduce((total, weight) => total + weight, 0);
    const evidence = new Evidence(
      prior.map((weight) => weight / sum),
      given,
    );
    return new GuardRun(context, evidence, (inner) => method.create(inner, own));
  },
  laws: [
    { options: { method: "gac" }, covers: "all", exempt: GUARDED },
    {
      options: { method: { name: "sweetspan", words: 1 } },
      covers: "some",
      exempt: { ...GUARDED, "one-text": "a member that goes on alone says its likeliest token and no other" },
    },
  ],
});

function guardsItself(): LlamafuseError {
  const message = 'The method "guard" cannot guard itself. Name another method, such as unite.';
  return new LlamafuseError("invalid-option", message, { method: "guard", option: "method", found: "guard" });
}
