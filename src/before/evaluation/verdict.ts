/**
 * Whether a router is better than no router at all, judged on queries that chose nothing.
 *
 * A curve that is drawn through a router's best settings, on the queries where they were the best, rises above the zero
 * router's by chance, and the best of many routers rises further. So settings are chosen on one half of the queries and
 * scored on the other, and the intervals are made for all routers at once.
 */
import { drawOrder } from "../../learning/draws.js";
import { RandomGenerator } from "../../random.js";
import { quantile } from "../../statistics.js";
import { type CurvePoint, isFlatRange, upperHull } from "./curve.js";

/** Budgets between the cheapest and the dearest model at which a plan is scored. */
const BUDGETS = 64;

/** The queries in two halves of equal size (or nearly), drawn by the seed: what one chooses is scored on the other. */
export function halvesOf(queries: number, seed: number): [Uint32Array, Uint32Array] {
  const order = Uint32Array.from(drawOrder(new RandomGenerator(seed), queries));
  const middle = Math.ceil(queries / 2);
  return [order.slice(0, middle).sort(), order.slice(middle).sort()];
}

/** What is done at every budget: a mixture of two points, by their numbers. */
export interface Plan {
  /** For each budget: the first point's number, the second's, and the share of queries that the second gets. */
  mixtures: readonly { a: number; b: number; share: number }[];
}

/**
 * The best mixtures of these points for budgets from `from` to `to`, spaced equally: along their upper hull, as
 * `mixForBudget`; below the hull's first point that point alone. Number -1 is `cheapest`, the point that every curve starts at.
 */
export function planFor(points: readonly CurvePoint[], cheapest: CurvePoint, from: number, to: number): Plan {
  const hull = upperHull([
    { ...cheapest, number: -1 },
    ...points.map(({ cost, quality }, number) => ({ cost, quality, number })),
  ]);
  const mixtures = Array.from({ length: BUDGETS + 1 }, (_, step) => {
    const budget = from + ((to - from) * step) / BUDGETS;
    const below = Math.max(
      0,
      hull.findLastIndex(({ cost }) => cost <= budget),
    );
    const [a, b] = [hull[below], hull[below + 1] ?? hull[below]];
    const share = a === b ? 0 : Math.max(0, (budget - a.cost) / (b.cost - a.cost));
    return { a: a.number, b: b.number, share };
  });
  return { mixtures };
}

/**
 * How much better a plan does than mixing single models without looking at the query, for what the plan really costs:
 *
 *     gain = mean over the budgets of  q(plan) − z(c(plan))
 *
 * `points` and `cheapest` as for the plan, but measured on other queries, and `zero` the hull of the single models on these
 * same queries; z is linear between its points and flat beyond. Where outcomes have nothing to do with the query its
 * expectation is at most 0.
 */
export function gainOf(
  { mixtures }: Plan,
  points: readonly CurvePoint[],
  cheapest: CurvePoint,
  zero: readonly CurvePoint[],
): number {
  let [sum, count] = [0, 0];
  for (const { a, b, share } of mixtures) {
    const [first, second] = [a, b].map((number) => (number < 0 ? cheapest : points[number]));
    const cost = first.cost + share * (second.cost - first.cost);
    const quality = first.quality + share * (second.quality - first.quality);
    const gain = quality - onLine(zero, cost);
    // A setting whose queries all miss their outcome says nothing.
    if (Number.isNaN(gain)) continue;
    sum += gain;
    count++;
  }
  return count === 0 ? Number.NaN : sum / count;
}

/** Linear between points by rising cost, flat beyond the first and the last. */
function onLine(line: readonly CurvePoint[], cost: number): number {
  const after = line.findIndex((point) => point.cost > cost);
  if (after === 0) return line[0].quality;
  if (after < 0) return line.at(-1)!.quality;
  const [a, b] = [line[after - 1], line[after]];
  if (isFlatRange(a.cost, b.cost)) return b.quality;
  return a.quality + ((cost - a.cost) / (b.cost - a.cost)) * (b.quality - a.quality);
}

/** What can be said of several routers at once. */
export interface Verdicts {
  /** The (1 − alpha) quantile over the resamples of max_r (d*_r − d_r), and with absolute values. */
  maxQuantile: number;
  maxAbsQuantile: number;
  /**
   * That of max_r (d*_r − d_r) − min_r (d*_r − d_r): with probability 1 − alpha d_r − d_s ∓ it holds the true difference of
   * every pair, so also of a router and whichever one turns out best.
   */
  pairQuantile: number;
  /** d_r − maxQuantile: with probability 1 − alpha none of them lies above its true difference. */
  lowerBounds: number[];
  /** Whether the lower bound is above 0. */
  better: boolean[];
  /** d_r ∓ maxAbsQuantile: with probability 1 − alpha all of them hold the true differences. */
  intervals: [low: number, high: number][];
}

/**
 * Bounds that hold for all routers together, by the bootstrap of the largest deviation (the single-step max-T method of
 * Westfall and Young, 1993, without dividing by standard errors): the best of many is judged as the best of many.
 *
 * @param differences d_r, a number for each router
 * @param resampled d*_r of each resample of the queries
 * @param alpha the share of tables in which any claim may be false
 */
export function judgeTogether(
  differences: readonly number[],
  resampled: readonly (readonly number[])[],
  alpha: number,
): Verdicts {
  const quantileOf = (largest: (deviations: readonly number[]) => number) => {
    const found = resampled.map((sample) => {
      const deviations = sample
        .map((value, router) => value - differences[router])
        .filter((each) => !Number.isNaN(each));
      return deviations.length === 0 ? Number.NaN : largest(deviations);
    });
    return quantile(Float64Array.from(found.filter((each) => !Number.isNaN(each))).sort(), 1 - alpha);
  };
  const maxQuantile = quantileOf((deviations) => Math.max(...deviations));
  const maxAbsQuantile = quantileOf((deviations) => Math.max(...deviations.map(Math.abs)));
  const lowerBounds = differences.map((difference) => difference - maxQuantile);
  return {
    maxQuantile,
    maxAbsQuantile,
    pairQuantile: quantileOf((deviations) => Math.max(...deviations) - Math.min(...deviations)),
    lowerBounds,
    better: lowerBounds.map((bound) => bound > 0),
    intervals: differences.map((difference) => [difference - maxAbsQuantile, difference + maxAbsQuantile]),
  };
}
