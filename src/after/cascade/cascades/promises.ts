/** Where there are too few rows for a promise, whatever they show. */
import { LlamafuseError } from "../../../errors.js";

export function tooFewToPromise(table: string, found: number, needed: number, promise: string): LlamafuseError {
  const message = `${table} leaves ${found} rows for the calibration, and ${promise} needs ${needed} or more. Add rows, or ask for less.`;
  return new LlamafuseError("invalid-data", message, { table, found, allowed: `>= ${needed}` });
}
