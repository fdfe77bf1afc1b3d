/** References within a schema, as its reader finds them: by the names between slashes, without escapes. */
import { refuse } from "./schema-refusal.js";

const LISTS = ["anyOf", "prefixItems"] as const;
const MAPS = ["properties", "$defs", "definitions"] as const;
const SCHEMAS = ["items", "additionalProperties"] as const;

/** Every `$ref` of an enforceable schema leads to a schema in it. Errors: invalid-option. */
export function checkReferences(root: unknown): void {
  visit(root, root, "#");
}

function visit(schema: unknown, root: unknown, place: string): void {
  if (typeof schema !== "object" || schema === null) return;
  const given = schema as Record<string, unknown>;
  if (given.$ref !== undefined) checkOne(String(given.$ref), root, place);
  for (const name of SCHEMAS) visit(given[name], root, `${place}/${name}`);
  for (const name of [...LISTS, ...MAPS])
    for (const [key, inner] of Object.entries(given[name] ?? {})) visit(inner, root, `${place}/${name}/${key}`);
}

/** A chain of references alone, back to its begin, says nothing of a value. */
function checkOne(reference: string, root: unknown, place: string): void {
  const seen = new Set<string>();
  for (let next: unknown = reference; typeof next === "string"; ) {
    if (seen.has(next)) refuse(place, "$ref", `${JSON.stringify(reference)} leads back to itself`);
    seen.add(next);
    const found = targetOf(next, root, place);
    next = typeof found === "object" ? (found as { $ref?: unknown } | null)?.$ref : undefined;
  }
}

function targetOf(reference: string, root: unknown, place: string): unknown {
  if (/[~%]/.test(reference)) {
    const cure = `${JSON.stringify(reference)} has ~ or %, which are not read there; give the schema a name without /, ~ and %`;
    refuse(place, "$ref", cure);
  }
  let found: unknown = root;
  for (const name of reference.split("/").slice(1)) {
    const isInside = typeof found === "object" && found !== null && Object.hasOwn(found, name);
    if (!isInside) refuse(place, "$ref", `there is no schema at ${JSON.stringify(reference)}`);
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}
