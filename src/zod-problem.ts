/** What is wrong with what a user or a file gave: the first of zod's issues, in words. Used wherever such data is parsed. */
import type { z } from "zod";
import { LlamafuseError, nearestName, unknownName } from "./errors.js";
import { shown } from "./read-options.js";

type Issue = z.core.$ZodIssue;

export interface Problem {
  /** Where, key by key; empty for the whole. */
  path: readonly PropertyKey[];
  /** The same as `alignment.k` or `rows.3.quality`. */
  at: string;
  /** What it must be, or that it is unknown: `must be above 0`. */
  words: string;
  /** What stands there; undefined for nothing, and where nobody says what was parsed. */
  found: unknown;
  /** Whether what is wrong is that nothing stands there. */
  isMissing: boolean;
  /** The key that nobody knows, where that is what is wrong. */
  unknownKey?: string;
  /** The keys that are known there, where the schema says so. */
  known?: readonly string[];
  /** `params` of an issue that a check of ours added. */
  params?: Record<string, unknown>;
}

export interface ProblemOptions {
  /** What the value was parsed by: its keys are those that an unknown one is compared with. */
  schema?: z.ZodType;
  /** What the types of values are called, where not as in JSON. */
  types?: Partial<Record<string, string>>;
}

/** The first issue. `given`: what was parsed; without it, the problem does not say what was found. */
export function problemOf(error: z.ZodError, given?: unknown, { schema, types }: ProblemOptions = {}): Problem {
  const [issue] = error.issues;
  // A part without a known name is wrong as a whole.
  const path = issue.path.slice(0, issue.code === "invalid_union" && issue.path.at(-1) === "name" ? -1 : undefined);
  const found = path.reduce((value: unknown, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], given);
  const at = path.join(".");
  if (issue.code === "unrecognized_keys") {
    const [unknownKey] = issue.keys;
    const known = schema && keysAt(schema, path);
    return { path, at, words: unknownWords(unknownKey, known), found, isMissing: false, unknownKey, known };
  }
  const isMissing = given !== undefined && found === undefined && issue.code !== "custom";
  const params = issue.code === "custom" ? issue.params : undefined;
  return { path, at, words: wordsOf(issue, { ...TYPES, ...types }), found, isMissing, params };
}

/** `threads: must be at least 1; found 0`. Of the whole: `must be an object; found 3`. */
export function sentenceOf({
  at,
  words,
  found,
  isMissing,
  unknownKey,
}: Pick<Problem, "at" | "words"> & Partial<Problem>): string {
  const subject = at === "" ? "" : `${at}: `;
  if (isMissing) return `${subject}${words}; it is missing`;
  return `${subject}${words}${found === undefined || unknownKey !== undefined ? "" : `; found ${shown(found)}`}`;
}

function unknownWords(key: string, known: readonly string[] = []): string {
  const near = nearestName(key, known);
  const hint = near === undefined ? "" : `, did you mean "${near}"?`;
  const list = known.length === 0 ? "" : ` (known: ${known.join(", ")})`;
  return `has the unknown key ${shown(key)}${hint}${list}`;
}

/** The keys of the object at a place of a schema; undefined where that depends on the value. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] | undefined {
  const at = path.reduce<z.core.$ZodType | undefined>((outer, key) => {
    const { shape, element, valueType } = partsOf(outer);
    return shape?.[key as string] ?? element ?? valueType;
  }, schema);
  const { shape } = partsOf(at);
  return shape && Object.keys(shape);
}

interface Parts {
  shape?: Record<string, z.core.$ZodType>;
  element?: z.core.$ZodType;
  valueType?: z.core.$ZodType;
  innerType?: z.core.$ZodType;
}

/** Of an object, a list or a record, under whatever makes it optional. */
function partsOf(schema: z.core.$ZodType | undefined): Parts {
  const parts = (schema?._zod.def ?? {}) as Parts;
  return parts.innerType === undefined ? parts : partsOf(parts.innerType);
}

/** What a value must be: `must be above 0`. */
function wordsOf(issue: Issue, types: Types): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${types[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.join(", ")}`;
    case "too_small":
      return `must ${amount(issue.origin, issue.inclusive === false ? "above" : "at least", issue.minimum)}`;
    case "too_big":
      return `must ${amount(issue.origin, issue.inclusive === false ? "below" : "at most", issue.maximum)}`;
    case "invalid_union":
      return wordsOfUnion(issue, types);
    default:
      return issue.message;
  }
}

type Types = Partial<Record<string, string>>;

const TYPES: Types = {
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
  string: "a text",
  array: "a list",
  record: "an object",
  object: "an object",
};

function amount(origin: string, bound: string, limit: number | bigint): string {
  if (origin === "array") return `have ${bound} ${limit} values`;
  if (origin === "string") return `have ${bound} ${limit} characters`;
  return `be ${bound} ${limit}`;
}

/** Of the kinds that a value may be of, the one whose type it has; else all of them. */
function wordsOfUnion({ errors, message }: Extract<Issue, { code: "invalid_union" }>, types: Types): string {
  const first = errors.map(([issue]) => issue);
  if (first.length === 0) return message;
  const near = first.filter(({ code }) => code !== "invalid_type" && code !== "invalid_value");
  const words = new Set((near.length > 0 ? near : first).map((issue) => wordsOf(issue, types)));
  return [...words].join(" or ").replaceAll(" or must be ", " or ");
}

/** What a registry knows of one of its entries. */
interface NamedEntry {
  info: { name: string; options: Record<string, string> };
  /** Checks the options, and fills in the defaults. */
  options: z.ZodType;
}

/**
 * The entry of a name and its options, which come from a program, a file or a command line. `kind`: as errors call an entry;
 * `hint`: where the names are listed. LlamafuseError "invalid-option" for an unknown name or option, or a value out of range.
 */
export function entryNamed<Entry extends NamedEntry>(
  kind: string,
  registry: Record<string, Entry>,
  name: string,
  { name: _, ...given }: Record<string, unknown>,
  hint: string,
): { entry: Entry; options: unknown } {
  if (!Object.hasOwn(registry, name)) throw unknownName(kind, name, Object.keys(registry), hint);
  const entry = registry[name];
  const { info } = entry;
  const result = entry.options.safeParse(given);
  if (result.success) return { entry, options: result.data };
  const { at: option, words, found, isMissing, unknownKey } = problemOf(result.error, given);
  if (unknownKey !== undefined) throw unknownName(`option of ${info.name}`, unknownKey, Object.keys(info.options));
  const said = isMissing ? "it is missing" : `found ${shown(found)}`;
  throw new LlamafuseError("invalid-option", `The option "${option}" of ${info.name} ${words}; ${said}.`, {
    [kind]: info.name,
    option,
    found,
    allowed: info.options[option] ?? words,
  });
}
