/**
 * JSON schemas as XGrammar 0.1.27 enforces them in full. It passes over what it does not know and gets some of the rest wrong
 * (one bound of integers, bounds of other numbers, lengths, what stands beside anyOf or enum, patterns of several branches or that
 * match a quotation mark), so a schema is put into a form that it keeps, where all its texts are still texts of the schema given; and what
 * cannot be enforced is refused by name.
 */
import { innerAnchor } from "./anchors.js";
import { isOfStrings } from "./schema-pattern.js";
import { refuse } from "./schema-refusal.js";

type Schema = Record<string, unknown>;
type Range = readonly [low: number, high: number];

/** Integers of a range that are written out. */
const MOST_LISTED = 1000;

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
  format: "string",
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
const PASSED_ON = ["$defs", "definitions", "enum", "const", ...Object.keys(TYPE_OF)];
/** Those of strings that XGrammar knows and keeps. */
const FORMATS = ["date", "time", "date-time", "duration", "uuid", "uri", "email", "hostname", "ipv4", "ipv6"];
const TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];
const ANY_CHARACTER = "[ !#-\\[\\]-\u{10ffff}]";

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
  keepsTypes(given, place);
  const made: Schema = { type: given.type ?? typeOf(given) };
  for (const name of PASSED_ON) if (has(name)) made[name] = given[name];
  for (const name of ["properties", "prefixItems"]) if (has(name)) made[name] = inner(given, name, place);
  for (const name of ["items", "additionalProperties"])
    if (has(name)) made[name] = enforceable(given[name], `${place}/${name}`);
  Object.assign(made, defined);
  keepsObjects(made, place);
  keepsArrays(made, place);
  const range = keepsNumbers(made, place);
  keepsStrings(made, place);
  keepsValues(made, place);
  if (range !== undefined) return { ...defined, ...rangesOf(made, range) };
  return whole(made);
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
  if (choice === "$ref") {
    if (!/^#(\/|$)/.test(String(given.$ref))) refuse(place, "$ref", "it is none within the schema, as #/$defs/NAME");
    return { $ref: given.$ref };
  }
  const all = inner(given, choice, place);
  if (!Array.isArray(all)) return refuse(place, choice, "it is no list of schemas");
  if (all.length === 0) refuse(place, choice, "it is an empty list");
  if (choice === "allOf" && all.length !== 1) refuse(place, "allOf", "it has more than one schema");
  // With oneOf, that a value has one of the schemas alone is not enforced: as a rule no value has two.
  return { anyOf: all };
}

/** The type that the keywords are about. */
function typeOf(given: Schema): string | undefined {
  if (given.enum !== undefined || given.const !== undefined) return undefined;
  return Object.entries(TYPE_OF).find(([name]) => given[name] !== undefined)?.[1];
}

/** No property beside those named, which could be one of them over again; all that are required are named. */
function keepsObjects(made: Schema, place: string): void {
  const required = Array.isArray(made.required) ? (made.required as string[]) : [];
  const { additionalProperties: other = true } = made;
  const properties = new Map(Object.entries((made.properties as Schema | undefined) ?? {}));
  for (const name of required) if (!properties.has(name)) properties.set(name, other);
  for (const [name, value] of properties) {
    if (JSON.stringify(name) !== `"${name}"`)
      refuse(place, "properties", "a name has a quotation mark, a backslash or a line break");
    if (value === false && !required.includes(name)) properties.delete(name);
  }
  if (properties.size === 0) return;
  made.properties = Object.fromEntries(properties);
  made.additionalProperties = false;
}

function keepsTypes({ type }: Schema, place: string): void {
  if (type === undefined) return;
  const types = [type].flat();
  if (types.length === 0) refuse(place, "type", "it is an empty list");
  if (!types.every((each) => TYPES.includes(each as string)))
    refuse(place, "type", `${JSON.stringify(type)} is unknown; types are ${TYPES.join(", ")}`);
}

/** Counts that some list has. */
function keepsArrays({ items, prefixItems, minItems = 0, maxItems = Number.POSITIVE_INFINITY }: Schema, place: string) {
  for (const [name, value] of Object.entries({ minItems, maxItems }))
    if (value !== Number.POSITIVE_INFINITY && !isCount(value)) refuse(place, name, "it is no count");
  if ((minItems as number) > (maxItems as number)) refuse(place, "minItems", "it is above maxItems");
  const first = Array.isArray(prefixItems) ? prefixItems.length : 0;
  if (items === false && (minItems as number) > first)
    refuse(place, "minItems", `"items" is false, and prefixItems gives ${first}`);
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0;
}

/** The range of integers, in whole numbers that are exact, where they have a bound. */
function keepsNumbers(made: Schema, place: string): Range | undefined {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum } = made;
  const bounds = Object.entries({ minimum, exclusiveMinimum, maximum, exclusiveMaximum });
  const given = bounds.filter(([, value]) => value !== undefined);
  if (given.length === 0) return undefined;
  for (const [name, value] of given) if (!Number.isFinite(value)) refuse(place, name, "it is no number");
  const types = [made.type].flat();
  if (types.includes("number")) {
    // XGrammar's other ones let smaller and larger numbers through, or texts that are no numbers.
    const isKept = given.length === 1 && given[0][1] === 0 && given[0][0] in { minimum, maximum };
    if (!isKept) refuse(place, given[0][0], "of numbers that are no integers, only minimum 0 or maximum 0 is enforced");
  } else if (types.includes("integer")) {
    const of = (value: unknown, otherwise: number) => (value === undefined ? otherwise : (value as number));
    const { MIN_SAFE_INTEGER: least, MAX_SAFE_INTEGER: most } = Number;
    const low = Math.max(least, Math.ceil(of(minimum, least)), Math.floor(of(exclusiveMinimum, least - 1)) + 1);
    const high = Math.min(most, Math.floor(of(maximum, most)), Math.ceil(of(exclusiveMaximum, most + 1)) - 1);
    if (low > high) refuse(place, given[0][0], "no integer has its bounds");
    if (high - low >= MOST_LISTED && !isKeptRange(low, high))
      refuse(
        place,
        given[0][0],
        `of ranges of more than ${MOST_LISTED} integers, those are enforced that have one bound, of one digit, or go from 0 or 1 to a power of ten`,
      );
    return [low, high];
  }
  return undefined;
}

/** Of wide ranges, those that XGrammar keeps; within others it also takes 121 for 18 to 120. */
function isKeptRange(low: number, high: number): boolean {
  const { MIN_SAFE_INTEGER: least, MAX_SAFE_INTEGER: most } = Number;
  if (low === least || high === most)
    return [low, high].every((bound) => Math.abs(bound) <= 9 || Math.abs(bound) === most);
  return (low === 0 || low === 1) && /^(10+|9+)$/.test(String(high));
}

/** Integers of a range, and what else the type allows. */
function rangesOf(made: Schema, [minimum, maximum]: Range): Schema {
  const { minimum: _, maximum: __, exclusiveMinimum: ___, exclusiveMaximum: ____, $defs, definitions, ...rest } = made;
  const isListed = maximum - minimum < MOST_LISTED;
  const integers = isListed
    ? { enum: Array.from({ length: maximum - minimum + 1 }, (___, index) => minimum + index) }
    : { type: "integer", minimum, maximum };
  const others = [made.type].flat().filter((type) => type !== "integer");
  if (others.length === 0) return integers;
  return { anyOf: [integers, ...others.map((type) => whole({ ...rest, type }))] };
}

function whole(made: Schema): Schema {
  return Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined));
}

/** Lengths are a pattern: XGrammar's own let control characters through. */
function keepsStrings(made: Schema, place: string): void {
  const { pattern, minLength, maxLength, format } = made;
  const told = Object.entries({ pattern, format, minLength, maxLength }).filter(([, value]) => value !== undefined);
  const beside = told.find(([name]) => name !== "pattern");
  if (pattern !== undefined && beside !== undefined) refuse(place, beside[0], "it stands beside a pattern");
  if (format !== undefined && told.length > 1) refuse(place, told[1][0], "it stands beside a format");
  if (format !== undefined && [made.type].flat().includes("string") && !FORMATS.includes(format as string))
    refuse(place, `format ${JSON.stringify(format)}`, `those enforced are ${FORMATS.join(", ")}`);
  if (pattern !== undefined && !isOfStrings(String(pattern))) {
    const cure =
      "it can match a quotation mark, a backslash or a line break, which JSON writes otherwise; say what may stand there, as [A-Za-z0-9 ,.]";
    refuse(place, "pattern", cure);
  }
  const anchor = pattern === undefined ? undefined : innerAnchor(String(pattern));
  if (anchor !== undefined)
    refuse(
      place,
      "pattern",
      `it has "${anchor}" inside; a pattern is about the whole string, so ^ may only begin it and $ only end it`,
    );
  // Without brackets, its branches would take a quotation mark each.
  if (pattern !== undefined && String(pattern).includes("|") && !isBracketed(String(pattern)))
    made.pattern = `(?:${pattern})`;
  if (minLength === undefined && maxLength === undefined) return;
  const [least, most] = [minLength ?? 0, maxLength ?? ""];
  for (const [name, value] of told) if (!isCount(value)) refuse(place, name, "it is no count");
  if (most !== "" && (least as number) > (most as number)) refuse(place, "minLength", "it is above maxLength");
  made.minLength = made.maxLength = undefined;
  made.pattern = most === 0 ? "" : `${ANY_CHARACTER}{${least},${most}}`;
}

function isBracketed(pattern: string): boolean {
  return pattern.startsWith("(?:") && pattern.endsWith(")") && !pattern.slice(3, -1).includes("(");
}

/** Of values that are listed, those that have all that is asked. */
function keepsValues(made: Schema, place: string): void {
  const listed = made.enum === undefined ? "const" : "enum";
  if (made[listed] === undefined) return;
  const beside = Object.keys(TYPE_OF).find((name) => made[name] !== undefined);
  if (beside !== undefined) refuse(place, beside, `it stands beside ${listed}`);
  if (made.enum !== undefined && !Array.isArray(made.enum)) refuse(place, "enum", "it is no list");
  const isConst = (value: unknown) => made.const === undefined || JSON.stringify(value) === JSON.stringify(made.const);
  const values = ((made.enum ?? [made.const]) as unknown[]).filter(
    (value) => isConst(value) && (made.type === undefined || isOf(value, made.type)),
  );
  if (values.length === 0) refuse(place, listed, "it leaves no value");
  if (made.enum !== undefined) made.enum = values;
}

function isOf(value: unknown, type: unknown): boolean {
  const types = [type].flat();
  const own = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return types.includes(own) || (types.includes("integer") && Number.isInteger(value));
}
