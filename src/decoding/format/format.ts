/**
 * The form that an answer has to have: a JSON schema, a regular expression or a grammar. What does not fit it cannot be
 * chosen:
 *
 *     p(u | form) = p(u) · [text u is the beginning of a text of the form] / Σ_v …
 *
 * over the fused distribution, u byte strings (the end where the text has its form), before any penalty or cut. So a form holds
 * for every vocabulary at once, and where everything fits, nothing changes. The form is read by XGrammar (arXiv 2411.15100).
 */
import { LlamafuseError } from "../../errors.js";
import { refuse } from "../../read-options.js";
import { innerAnchor } from "./anchors.js";
import { enforceable } from "./schema.js";
import { checkReferences } from "./schema-references.js";

export type Format =
  /**
   * JSON of this schema, which is given as an object or as JSON. It stands in one line, `{"a": 1, "b": [2, 3]}`: small models fill
   * pages with white space where they may. Properties that a schema with `properties` does not name are left out.
   */
  | { schema: object | boolean | string }
  /** A text that matches as a whole; without look-around, backreferences and `\p{…}`. */
  | { regex: string }
  /** A text of the rule `root` of this grammar in XGrammar's EBNF, which is much like llama.cpp's GBNF. */
  | { grammar: string };

/** A format that has been checked, as text; checking it again changes nothing. */
export type CheckedFormat = { schema: string } | { regex: string } | { grammar: string };

/** What a form is read from; `calls`: see tools/call-form.ts. */
export type FormSource = CheckedFormat | { calls: string };

const KINDS = ["schema", "regex", "grammar"] as const;
/** Characters; what is longer takes its reader more memory than an answer is worth. */
const LONGEST = 1_000_000;
const DEEPEST = 200;
const ALLOWED = "{ schema }, { regex } or { grammar }";

/** Errors: invalid-option. */
export function checkFormat(given: unknown): CheckedFormat | undefined {
  if (given === undefined) return undefined;
  const kinds = typeof given === "object" && given !== null ? Object.keys(given) : [];
  const kind = KINDS.find((each) => each === kinds[0]);
  if (kind === undefined || kinds.length !== 1) return refuse("format", given, ALLOWED);
  const value = (given as Record<string, unknown>)[kind];
  const text = kind === "schema" ? schemaText(value) : value;
  if (typeof text !== "string" || text === "") return refuse(`format.${kind}`, value, "a text");
  if (text.length > LONGEST) {
    const message = `The ${kind} of the format has ${text.length} characters; at most ${LONGEST} are taken.`;
    throw new LlamafuseError("invalid-option", message, { option: "format", found: text.length, allowed: LONGEST });
  }
  if (kind === "regex") refuseInnerAnchor(text);
  return { [kind]: text } as CheckedFormat;
}

/** What kind of form it is, and its text. */
export function formatParts(format: FormSource): [kind: (typeof KINDS)[number] | "calls", text: string] {
  return Object.entries(format)[0] as [(typeof KINDS)[number] | "calls", string];
}

function schemaText(given: unknown): string {
  let schema = given;
  try {
    if (typeof given === "string" && given.length <= LONGEST) schema = JSON.parse(given);
  } catch (cause) {
    const message = `The schema of the format is no JSON: ${(cause as Error).message}`;
    throw new LlamafuseError("invalid-option", message, { option: "format", allowed: "JSON" }, cause);
  }
  const isSchema =
    typeof schema === "boolean" || (typeof schema === "object" && schema !== null && !Array.isArray(schema));
  if (!isSchema) return refuse("format.schema", given, "a JSON schema: an object, true, or the JSON of one");
  if (depthOf(schema, DEEPEST) > DEEPEST) {
    const message = `The schema of the format is nested more than ${DEEPEST} deep, or in itself.`;
    throw new LlamafuseError("invalid-option", message, { option: "format", allowed: `a depth of ${DEEPEST}` });
  }
  const made = enforceable(schema);
  checkReferences(made);
  return JSON.stringify(made);
}

function refuseInnerAnchor(pattern: string): void {
  const anchor = innerAnchor(pattern);
  if (anchor === undefined) return;
  const message = `The regex of the format has "${anchor}" inside. It matches the text as a whole; ^ may only begin it or a branch outside brackets, $ may only end one. For the character itself, write \\${anchor}.`;
  throw new LlamafuseError("invalid-option", message, { option: "format", found: anchor, allowed: "^ first, $ last" });
}

/** How deep it is nested; more than `most` where it is deeper. */
function depthOf(value: unknown, most: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (most < 0) return 1;
  let deepest = 0;
  for (const inner of Object.values(value)) deepest = Math.max(deepest, 1 + depthOf(inner, most - 1));
  return deepest;
}
