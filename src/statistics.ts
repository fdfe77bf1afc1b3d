/** How sure a mean, a difference or any other figure of a set of questions is: percentile bootstrap, seeded. */

import { LlamafuseError } from "./errors.js";
import { RandomGenerator } from "./random.js";

export interface BootstrapOptions {
  /** The share of resamples inside the interval. Default: 0.95. */
  level?: number;
  /** How many resamples. Default: 2000. */
  resamples?: number;
  /** Default: 0. One seed, one interval. */
  seed?: number;
}

export interface Interval {
  /** The figure of the data itself. */
  value: number;
  low: number;
  high: number;
}

export interface PairedDifference extends Interval {
  /** On how many questions the first is better, the second is better, both are equal. */
  better: number;
  worse: number;
  equal: number;
}

/**
 * The mean of grades with its percentile bootstrap interval (Efron, 1979): the mean of n draws with replacement, many
 * times; low and high are the (1 − level)/2 and (1 + level)/2 quantiles of these means. Without grades everything is NaN.
 *
 * ```ts
 * meanInterval([1, 0, 1, 1]); // { value: 0.75, low: 0.25, high: 1 }
 * ```
 *
 * LlamafuseError "invalid-option" for a level outside 0…1, fewer than 1 resample, or a grade that is not finite.
 */
export function meanInterval(grades: readonly number[], options: BootstrapOptions = {}): Interval {
  const values = Float64Array.from(grades);
  checkFinite(values);
  return bootstrapInterval(values.length, (rows) => meanOf(values, rows), options);
}

/**
 * The mean of a_i − b_i with its percentile bootstrap interval. Pairs are drawn as pairs, so that how hard a question is
 * for both does not widen the interval. The first is better beyond chance, at the level, where low is above 0.
 *
 * LlamafuseError "invalid-option" as `meanInterval`, and where the lists have different lengths.
 */
export function pairedDifference(
  first: readonly number[],
  second: readonly number[],
  options: BootstrapOptions = {},
): PairedDifference {
  if (first.length !== second.length) {
    throw new LlamafuseError(
      "invalid-option",
      `A paired comparison needs equal counts; found ${first.length} and ${second.length} grades. Grade the same questions with both.`,
      { found: [first.length, second.length], allowed: "lists of one length" },
    );
  }
  const differences = first.map((grade, index) => grade - second[index]);
  return {
    ...meanInterval(differences, options),
    better: differences.filter((difference) => difference > 0).length,
    worse: differences.filter((difference) => difference < 0).length,
    equal: differences.filter((difference) => difference === 0).length,
  };
}

/**
 * The percentile bootstrap interval of any figure of `count` rows: `figure` is given the rows to take it of, all of them
 * in order for `value`, and `count` draws with replacement for every resample. It must not keep the array.
 *
 * LlamafuseError "invalid-option" for a level outside 0…1 or fewer than 1 resample.
 */
export function bootstrapInterval(
  count: number,
  figure: (rows: Uint32Array) => number,
  { level = 0.95, resamples = 2000, seed = 0 }: BootstrapOptions = {},
): Interval {
  checkOption("level", level, level > 0 && level < 1, "a number between 0 and 1");
  checkOption("resamples", resamples, Number.isInteger(resamples) && resamples > 0, "an integer >= 1");
  if (count === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  const value = figure(rows);
  const random = new RandomGenerator(seed);
  const figures = Float64Array.from({ length: resamples }, () => {
    for (let row = 0; row < count; row++) rows[row] = Math.floor(random.next() * count);
    return figure(rows);
  }).sort();
  return { value, low: quantile(figures, (1 - level) / 2), high: quantile(figures, (1 + level) / 2) };
}

/** The value below which this share of sorted values lies: linear between the two nearest ranks; NaN of nothing. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.ceil(place);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

function meanOf(values: Float64Array, rows: Uint32Array): number {
  let sum = 0;
  for (let index = 0; index < rows.length; index++) sum += values[rows[index]];
  return sum / rows.length;
}

function checkFinite(values: Float64Array): void {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new LlamafuseError("invalid-option", `Grade ${index} is ${values[index]}; grades must be finite numbers.`, {
    index,
    found: String(values[index]),
    allowed: "a finite number",
  });
}

function checkOption(option: string, found: number, holds: boolean, allowed: string): void {
  if (holds) return;
  throw new LlamafuseError("invalid-option", `The bootstrap's ${option} is ${found}; it must be ${allowed}.`, {
    option,
    found,
    allowed,
  });
}

/** ln Σ e^x, without overflow; -Infinity for none. */
export function logSumExp(values: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, values[index]);
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += Math.exp(values[index] - largest);
  return largest + Math.log(sum);
}
