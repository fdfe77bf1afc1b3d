/** What is wrong with what a user or a file gave: the first of zod's issues, in words. Used wherever such data is parsed. */
import type { z } from "zod";

type Issue = z.core.$ZodIssue;

export interface Problem {
  /** Where, as `alignment.k` or `rows.3.quality`; empty for the whole. */
  at: string;
  /** What it must be, or that it is unknown: `must be above 0`. */
  words: string;
  /** What stands there; undefined for nothing. */
  found: unknown;
  /** Whether what is wrong is that nothing stands there. */
  isMissing: boolean;
  /** The key that nobody knows, where that is what is wrong. */
  unknownKey?: string;
  /** `params` of an issue that a check of ours added. */
  params?: Record<string, unknown>;
}

/** The first issue. `given`: what was parsed. */
export function problemOf(error: z.ZodError, given: unknown): Problem {
  const [issue] = error.issues;
  // A part without a known name is wrong as a whole.
  const path = issue.path.slice(0, issue.code === "invalid_union" && issue.path.at(-1) === "name" ? -1 : undefined);
  const found = path.reduce((value: unknown, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], given);
  const at = path.join(".");
  if (issue.code === "unrecognized_keys") {
    const [unknownKey] = issue.keys;
    return { at, words: `has the unknown key "${unknownKey}"`, found, isMissing: false, unknownKey };
  }
  const isMissing = found === undefined && issue.code !== "custom";
  return { at, words: wordsOf(issue), found, isMissing, params: issue.code === "custom" ? issue.params : undefined };
}

/** `"threads" must be at least 1; found 0`. Of the whole: `it must be an object; found 3`. */
export function sentenceOf({ at, words, found, unknownKey }: Problem): string {
  const subject = at === "" ? "it" : `"${at}"`;
  return `${subject} ${words}${found === undefined || unknownKey !== undefined ? "" : `; found ${shown(found)}`}`;
}

const LONGEST = 80;

/** A value in one short line. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** What a value must be: `must be above 0`. */
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
  object: "an object",
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
