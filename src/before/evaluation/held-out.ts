/** Routers against the zero router on queries that did not choose the settings. */
import { RandomGenerator } from "../../random.js";
import { type CurvePoint, upperHull } from "./curve.js";
import { operatingPoints, type SettingResults } from "./setting-results.js";
import { gainOf, halvesOf, type Plan, planFor } from "./verdict.js";

/** What is judged. */
export interface Judged {
  /** Of each router. */
  results: readonly SettingResults[];
  /** Each model's mean quality and cost on these queries. */
  singlesOf(rows: Uint32Array): CurvePoint[];
  queries: number;
}

export interface HeldOutOptions {
  minCost: number;
  maxCost: number;
  /** The column of the cheapest model. */
  cheapest: number;
  comparedBy: "aiq" | "quality";
  resamples: number;
  seed: number;
}

/** By router: on the queries themselves, and in each bootstrap resample. */
export interface HeldOutDifferences {
  differences: number[];
  resampled: number[][];
}

/**
 * The queries in two halves; on each half every router's settings are chosen, and scored on the other one (`gainOf`); the
 * mean of both. The zero router keeps its hindsight: what is better than the best mixtures there could have been is better.
 * Where routers are compared by quality: the setting without a knob, less the best single model in the same hindsight.
 *
 * Resamples draw queries within each half and keep what was chosen, so they show how unsure the scores are.
 */
export function heldOutDifferences(
  { results, singlesOf, queries }: Judged,
  { minCost, maxCost, cheapest, comparedBy, resamples, seed }: HeldOutOptions,
): HeldOutDifferences {
  const halves = halvesOf(queries, seed);
  if (halves[1].length === 0) return { differences: results.map(() => Number.NaN), resampled: [] };
  /** What each half chooses. */
  const plans = halves.map((half) => {
    const singles = singlesOf(half);
    return results.map((each) => planFor(operatingPoints(each, half), singles[cheapest], minCost, maxCost));
  });
  const scoresOn = (rows: Uint32Array, chosen: readonly Plan[]) => {
    const singles = singlesOf(rows);
    const zero = upperHull(singles);
    const best = zero.at(-1)!.quality;
    return results.map((each, router) => {
      const points = operatingPoints(each, rows);
      if (comparedBy === "quality") return points[0].quality - best;
      return gainOf(chosen[router], points, singles[cheapest], zero);
    });
  };
  const meanOver = (rows: readonly Uint32Array[]) => {
    const [second, first] = [scoresOn(rows[1], plans[0]), scoresOn(rows[0], plans[1])];
    return first.map((value, router) => (value + second[router]) / 2);
  };
  const random = new RandomGenerator(seed);
  const drawn = halves.map((half) => new Uint32Array(half.length));
  const resampled = Array.from({ length: resamples }, () => {
    for (const [index, half] of halves.entries()) {
      for (let at = 0; at < half.length; at++) drawn[index][at] = half[Math.floor(random.next() * half.length)];
    }
    return meanOver(drawn);
  });
  return { differences: meanOver(halves), resampled };
}
