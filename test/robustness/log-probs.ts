/** Distributions of the same tokens that were computed in other portions. */
import { expect } from "vitest";

/**
 * The cache holds float16, and sums are taken in another order for other batches. Measured on five models: up to 7e-4 at
 * probabilities above 5 %, 2.4e-3 down to e^-10, 1e-2 down to e^-20. Allowed: this times
 * (1 - log-probability); finch, surer of itself than those that were measured, differs by 6e-3.
 */
const TOLERANCE = 1e-2;
/** What is less probable is not looked at. */
const LOWEST = -20;

export function logProbs(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const max = values.reduce((best, value) => Math.max(best, value));
  const log = max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0));
  return values.map((value) => value - log);
}

export function expectClose(found: Float64Array, wanted: Float64Array): void {
  expect(found.length).toBe(wanted.length);
  let worst = 0;
  for (let id = 0; id < found.length; id++) {
    if (wanted[id] > LOWEST) worst = Math.max(worst, Math.abs(found[id] - wanted[id]) / (1 - wanted[id]));
  }
  expect(worst).toBeLessThan(TOLERANCE);
}
