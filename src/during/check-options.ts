/** The options of a method, checked; what is wrong with them in words. */
import type { z } from "zod";
import { LlamafuseError, unknownName } from "../errors.js";
import type { UnknownPartOption } from "../part-schema.js";
import type { MethodInfo } from "./method.js";

/** The options with their defaults. LlamafuseError "invalid-option" for the first that is unknown or out of range. */
export function checkOptions(info: MethodInfo, schema: z.ZodType, given: Record<string, unknown>): unknown {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  // A part without a known name is wrong as a whole.
  const path = issue.path.slice(0, issue.code === "invalid_union" && issue.path.at(-1) === "name" ? -1 : undefined);
  if (issue.code === "unrecognized_keys") {
    throw unknownName(`option of ${info.name}`, issue.keys[0], Object.keys(info.options));
  }
  const option = path.join(".");
  if (issue.code === "custom" && issue.params !== undefined) {
    throw unknownPartOption(info.name, option, issue.params as UnknownPartOption);
  }
  const found = path.reduce((value: unknown, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], given);
  const said = found === undefined ? "" : `; found ${JSON.stringify(found)}`;
  const words = wordsOf(issue);
  throw new LlamafuseError("invalid-option", `The option "${option}" of ${info.name} ${words}${said}.`, {
    method: info.name,
    option,
    found,
    allowed: info.options[option] ?? words,
  });
}

function unknownPartOption(
  method: string,
  outer: string,
  { unknown, part, known, parts }: UnknownPartOption,
): LlamafuseError {
  const takes = known.length === 0 ? "no options" : known.map((option) => `${outer}.${option}`).join(", ");
  const elsewhere = parts.map((name) => `"${name}"`).join(", ");
  const hint = parts.length === 0 ? "" : ` ${unknown} belongs to ${elsewhere}, which ${outer}.name chooses.`;
  return new LlamafuseError(
    "invalid-option",
    `Unknown option of ${method} "${outer}.${unknown}": the ${outer} "${part}" takes ${takes}.${hint}`,
    { method, option: `${outer}.${unknown}`, found: unknown, allowed: known },
  );
}

type Issue = z.core.$ZodIssue;

/** What an option must be: `must be above 0`. */
function wordsOf(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.join(", ")}`;
    case "too_small":
      return `must ${amount(issue.origin, issue.inclusive === false ? "above" : "at least", issue.minimum)}`;
    case "too_big":
      return `must ${amount(issue.origin, issue.inclusive === false ? "below" : "at most", issue.maximum)}`;
    case "invalid_union":
      return wordsOfUnion(issue);
    default:
      return issue.message;
  }
}

const TYPES: Partial<Record<string, string>> = {
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
  string: "a text",
  array: "a list, as 1,2",
  record: "a number for each member, as scores.MEMBER=0.3",
};

function amount(origin: string, bound: string, limit: number | bigint): string {
  if (origin === "array") return `have ${bound} ${limit} values`;
  if (origin === "string") return `have ${bound} ${limit} characters`;
  return `be ${bound} ${limit}`;
}

/** Of the kinds that a value may be of, the one whose type it has; else all of them. */
function wordsOfUnion({ errors, message }: Extract<Issue, { code: "invalid_union" }>): string {
  const first = errors.map(([issue]) => issue);
  if (first.length === 0) return message;
  const near = first.filter(({ code }) => code !== "invalid_type");
  const words = new Set((near.length > 0 ? near : first).map(wordsOf));
  return [...words].join(" or ").replaceAll(" or must be ", " or ");
}
