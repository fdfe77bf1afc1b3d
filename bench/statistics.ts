/** Medians and spreads: what a bench says of a number that it measured several times. */
import { quantile } from "../src/statistics.js";

export interface Spread {
  median: number;
  /** First and third quartile, or the smallest and the largest value; the bench says which. */
  low: number;
  high: number;
  /** How many values. */
  count: number;
}

/** The middle value, or the mean of the two middle ones; NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    count: sorted.length,
  };
}

/** The median with the smallest and the largest value. */
export function rangeOf(values: readonly number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values), count: values.length };
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
