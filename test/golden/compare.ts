/** Comparison of a golden output with what the project computes. */
import type { Json } from "./adapter.js";

export interface Mismatch {
  field: string;
  expected: unknown;
  found: unknown;
}

/** Below this, an error counts as absolute: goldens have 12 significant digits, and sums of probabilities cancel. */
const SMALLEST_SCALE = 1e-3;

/** Every field of `expected` whose counterpart differs; objects that are maps must have the same keys. */
export function compare(expected: Json, found: unknown, tolerance: number, field = ""): Mismatch[] {
  const mismatch = [{ field, expected, found }];
  const wanted = numberOf(expected);
  if (wanted !== undefined) return typeof found === "number" && agree(wanted, found, tolerance) ? [] : mismatch;
  if (Array.isArray(expected)) {
    if (!isList(found) || found.length !== expected.length) return mismatch;
    return expected.flatMap((item, index) => compare(item, found[index], tolerance, `${field}[${index}]`));
  }
  if (typeof expected === "object" && expected !== null) {
    if (typeof found !== "object" || found === null) return mismatch;
    const record = found as Record<string, unknown>;
    const extra = field === "" ? [] : Object.keys(record).filter((key) => !Object.hasOwn(expected, key));
    return [
      ...Object.entries(expected).flatMap(([key, item]) =>
        compare(item, record[key], tolerance, field === "" ? key : `${field}[${JSON.stringify(key)}]`),
      ),
      ...extra.map((key) => ({ field: `${field}[${JSON.stringify(key)}]`, expected: undefined, found: record[key] })),
    ];
  }
  return found === expected ? [] : mismatch;
}

/** A golden number, or one of the strings that stand for non-finite ones. */
function numberOf(value: Json): number | undefined {
  if (typeof value === "number") return value;
  return value === "NaN" || value === "Infinity" || value === "-Infinity" ? Number(value) : undefined;
}

function agree(expected: number, found: number, tolerance: number): boolean {
  if (Object.is(expected, found) || expected === found) return true;
  // Ids, counts and choices are whole numbers on both sides, and exact.
  if (Number.isInteger(expected) && Number.isInteger(found)) return false;
  return Math.abs(found - expected) <= tolerance * Math.max(SMALLEST_SCALE, Math.abs(expected));
}

function isList(value: unknown): value is ArrayLike<unknown> & { length: number } {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}
