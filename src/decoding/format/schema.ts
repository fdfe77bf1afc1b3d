/**
 * JSON schemas as XGrammar 0.1.27 enforces them in full. It passes over what it does not know and gets some of the rest wrong
 * (a lower bound of integers without an upper one, both bounds of numbers, what stands beside anyOf, patterns that match a
 * quotation mark), so a schema is put into a form that it keeps, where all its texts are still texts of the schema given; and what
 * cannot be enforced is refused by name.
 */
import { LlamafuseError } from "../../errors.js";

type Schema = Record<string, unknown>;

/** Keyword → the type that it is about. */
const TYPE_OF: Readonly<Record<string, string>> = {
  properties: "object",
  required: "object",
  additionalProperties: "object",
  items: "array",
  prefixItems: "array",
  minItems: "array",
  maxItems: "array",
  pattern: "string",
  minLength: "string",
  maxLength: "string",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
};
/** What says of a value which schemas it has; nothing else is read beside it. */
const CHOICES = ["$ref", "anyOf", "oneOf", "allOf"] as const;
const NOT_ENFORCED = [
  "not",
  "if",
  "then",
  "else",
  "patternProperties",
  "propertyNames",
  "minProperties",
  "maxProperties",
  "dependentRequired",
  "dependentSchemas",
  "dependencies",
  "contains",
  "multipleOf",
  "additionalItems",
  "$dynamicRef",
] as const;
/** These say nothing where they are true, or false. */
const SAYING: Readonly<Record<string, boolean>> = {
  uniqueItems: true,
  unevaluatedProperties: false,
  unevaluatedItems: false,
};
const PASSED_ON = ["$defs", "definitions", "enum", "const", "format", ...Object.keys(TYPE_OF)];

/** Errors: invalid-option for what cannot be enforced. */
export function enforceable(schema: unknown, place = "#"): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return refuse(place, "[…]", "a schema is an object, true or false");
  const given = schema as Schema;
  const has = (name: string) => given[name] !== undefined;
  for (const name of NOT_ENFORCED) if (has(name)) refuse(place, name);
  for (const [name, value] of Object.entries(SAYING)) if (given[name] === value) refuse(place, name);
  const defined = Object.fromEntries(
    ["$defs", "definitions"].filter(has).map((name) => [name, inner(given, name, place)]),
  );
  const choice = CHOICES.find(has);
  if (choice !== undefined) return { ...defined, ...chosen(choice, given, place) };
  const made: Schema = { type: given.type ?? typeOf(given) };
  for (const name of PASSED_ON) if (has(name)) made[name] = given[name];
  for (const name of ["properties", "prefixItems"]) if (has(name)) made[name] = inner(given, name, place);
  for (const name of ["items", "additionalProperties"])
    if (has(name)) made[name] = enforceable(given[name], `${place}/${name}`);
  Object.assign(made, defined);
  keepsObjects(made);
  keepsNumbers(made, place);
  keepsStrings(made, place);
  if (Array.isArray(made.enum) && made.type !== undefined)
    made.enum = made.enum.filter((value) => isOf(value, made.type));
  return Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined));
}

/** The schemas of a list, or of an object's values. */
function inner(given: Schema, name: string, place: string): unknown {
  const value = given[name];
  const at = (key: string | number) => `${place}/${name}/${key}`;
  if (Array.isArray(value)) return value.map((each, index) => enforceable(each, at(index)));
  if (typeof value !== "object" || value === null) return refuse(place, name, "it is no list and no object");
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, enforceable(each, at(key))]));
}

function chosen(choice: (typeof CHOICES)[number], given: Schema, place: string): Schema {
  const beside = ["type", "enum", "const", ...CHOICES, ...Object.keys(TYPE_OF)].find(
    (name) => name !== choice && given[name] !== undefined,
  );
  if (beside !== undefined) refuse(place, beside, `it stands beside ${choice}`);
  if (choice === "$ref") return { $ref: given.$ref };
  const all = inner(given, choice, place);
  if (choice === "allOf" && (!Array.isArray(all) || all.length !== 1))
    refuse(place, "allOf", "it has more than one schema");
  // With oneOf, that a value has one of the schemas alone is not enforced: as a rule no value has two.
  return { anyOf: all };
}

/** The type that the keywords are about. */
function typeOf(given: Schema): string | undefined {
  if (given.enum !== undefined || given.const !== undefined) return undefined;
  return Object.entries(TYPE_OF).find(([name]) => given[name] !== undefined)?.[1];
}

/** No property beside those named, which could be one of them over again; all that are required are named. */
function keepsObjects(made: Schema): void {
  const required = Array.isArray(made.required) ? (made.required as string[]) : [];
  const { additionalProperties: other = true } = made;
  const properties = { ...(made.properties as Schema | undefined) };
  for (const name of required) if (!Object.hasOwn(properties, name)) properties[name] = other;
  for (const [name, value] of Object.entries(properties))
    if (value === false && !required.includes(name)) delete properties[name];
  if (Object.keys(properties).length === 0) return;
  made.properties = properties;
  made.additionalProperties = false;
}

function keepsNumbers(made: Schema, place: string): void {
  const isWhole = made.type === "integer";
  const lower = made.minimum ?? made.exclusiveMinimum;
  const upper = made.maximum ?? made.exclusiveMaximum;
  if (isWhole && lower !== undefined && upper === undefined) made.maximum = Number.MAX_SAFE_INTEGER;
  if (isWhole) return;
  if (lower !== undefined && upper !== undefined)
    refuse(place, "maximum", "numbers have one bound; integers may have two");
  for (const name of ["exclusiveMinimum", "exclusiveMaximum"])
    if (made[name] !== undefined) refuse(place, name, "it is for integers");
}

function keepsStrings(made: Schema, place: string): void {
  const { pattern } = made;
  if (pattern === undefined) return;
  const beside = ["minLength", "maxLength", "format"].find((name) => made[name] !== undefined);
  if (beside !== undefined) refuse(place, beside, "it stands beside a pattern");
  const outside = String(pattern).replace(/\[(?:\\.|[^\]\\])*\]/g, "");
  if (/\[\^|\\[SDWnrtfv"\\]|["\n]/.test(String(pattern)) || /(?<!\\)\./.test(outside)) {
    const cure =
      "it can match a quotation mark or a line break, which JSON writes otherwise; say what may stand there, as [A-Za-z0-9 ,.]";
    refuse(place, "pattern", cure);
  }
}

function isOf(value: unknown, type: unknown): boolean {
  const types = [type].flat();
  const own = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return types.includes(own) || (types.includes("integer") && Number.isInteger(value));
}

function refuse(place: string, keyword: string, why = "it is not enforced"): never {
  throw new LlamafuseError(
    "invalid-option",
    `The schema of the format has "${keyword}" at ${place}, but ${why}. See docs/formats.md for what is enforced.`,
    { option: "format", found: keyword, place },
  );
}
