/** The form of an answer that calls functions, as the reader of forms takes it (format/calls-grammar.ts). */
import { LlamafuseError } from "../../errors.js";
import { enforceable } from "../format/schema.js";
import type { Tool } from "./tools.js";

type Schema = Record<string, unknown>;

/** What the reader is told, as JSON. */
export interface CallForm {
  /** Of one call. */
  schema: unknown;
  /** Other text may stand around calls; there may be none. */
  isFree: boolean;
  isOne: boolean;
}

/** Keywords of one schema that are given up at most. */
const MOST_RELAXED = 200;
const DEFINITIONS = ["$defs", "definitions"] as const;

/** Errors: invalid-option. */
export function callForm(tools: readonly Tool[], { isFree, isOne }: Omit<CallForm, "schema">): string {
  const definitions: Schema = {};
  const calls = tools.map(({ name, parameters = { type: "object", additionalProperties: false } }, index) => ({
    type: "object",
    properties: { name: { const: name }, arguments: asArguments(parameters as Schema, index, definitions) },
    required: ["name", "arguments"],
    additionalProperties: false,
  }));
  const schema = relaxed({ anyOf: calls, ...(Object.keys(definitions).length > 0 && { $defs: definitions }) });
  return JSON.stringify({ schema, isFree, isOne } satisfies CallForm);
}

/** An object's schema; what it defines goes into one place for all tools, under a name of its own. */
function asArguments(parameters: Schema, tool: number, definitions: Schema): Schema {
  const own: Schema = { ...parameters };
  const { $schema: _, $defs: __, definitions: ___, ...rest } = own;
  for (const place of DEFINITIONS)
    for (const [name, value] of Object.entries((own[place] ?? {}) as Schema))
      definitions[nameOf(tool, name)] = referring(value, tool);
  if (rest.type === undefined && rest.properties === undefined && rest.$ref === undefined && rest.anyOf === undefined)
    return { type: "object", ...(Object.keys(rest).length > 0 && (referring(rest, tool) as Schema)) };
  return referring(rest, tool) as Schema;
}

/** XGrammar's names of rules have no digits. */
function nameOf(tool: number, name: string): string {
  const letters = String(tool).replace(/\d/g, (digit) => "abcdefghij"[Number(digit)]);
  return `tool_${letters}_${name}`;
}

/** A copy whose references lead to where the definitions are. */
function referring(value: unknown, tool: number): unknown {
  if (Array.isArray(value)) return value.map((each) => referring(each, tool));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const named =
        key === "$ref" && typeof each === "string" ? /^#\/(?:\$defs|definitions)\/([^/~]+)$/.exec(each) : null;
      return [key, named === null ? referring(each, tool) : `#/$defs/${nameOf(tool, named[1])}`];
    }),
  );
}

/**
 * The schema without what cannot be enforced: a function says what it takes for its own use, often in more detail. The members
 * read it as given.
 */
function relaxed(schema: Schema): unknown {
  const copy = structuredClone(schema);
  for (let count = 0; count < MOST_RELAXED; count++) {
    try {
      return enforceable(copy);
    } catch (error) {
      if (!(error instanceof LlamafuseError) || !giveUp(copy, error.details)) throw error;
    }
  }
  return enforceable(copy);
}

/** Leave the keyword out that an error names; whether there was one. */
function giveUp(schema: unknown, { found, place }: { found?: unknown; place?: unknown }): boolean {
  if (typeof found !== "string" || typeof place !== "string") return false;
  let at: unknown = schema;
  for (const step of place.split("/").slice(1)) at = (at as Schema | undefined)?.[step];
  const keyword = found.split(" ")[0];
  if (typeof at !== "object" || at === null || !(keyword in at)) return false;
  delete (at as Schema)[keyword];
  return true;
}
