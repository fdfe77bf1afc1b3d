/** What is read off each router's curve on some queries: AIQ, gap recovered, lift. In hindsight; see held-out.ts for judgements. */
import type { OutcomeTable } from "../table/outcome-table.js";
import type { Baselines } from "./baselines.js";
import { averageGapRecovered, averageQuality, type CurvePoint, hullAt, type SharePoint, upperHull } from "./curve.js";
import type { RouterRun } from "./evaluate-router.js";
import { operatingPoints, type SettingResults } from "./setting-results.js";

export interface Frame {
  minCost: number;
  maxCost: number;
  /** The column of the cheapest model. */
  cheapest: number;
  pair: Pair | undefined;
  /** Queries of a resample; default all. */
  rows?: Uint32Array;
}

export type Figures = ReturnType<typeof figuresOf>;

export function figuresOf(
  curves: readonly { run: RouterRun }[],
  tested: OutcomeTable,
  { minCost, maxCost, cheapest, pair, rows }: Frame,
) {
  const singles = singlesOf(tested, rows);
  const zero = upperHull(singles);
  return {
    routers: curves.map(({ run: { results } }) => {
      const points = operatingPoints(results, rows);
      return {
        aiq: averageQuality([singles[cheapest], ...points], minCost, maxCost),
        apgr:
          pair === undefined
            ? Number.NaN
            : averageGapRecovered(
                sharesOf(results, pair, rows),
                singles[pair.weak.column].quality,
                singles[pair.strong.column].quality,
              ),
        lift: liftOf(points, zero),
      };
    }),
  };
}

/** How far the curve rises above the zero router's, wherever that is furthest. */
function liftOf(points: readonly CurvePoint[], zero: readonly CurvePoint[]): { quality: number; cost: number } {
  let lift = { quality: Number.NEGATIVE_INFINITY, cost: Number.NaN };
  for (const { quality, cost } of points) {
    // What costs less than any model can only be a mean over other queries: compare with the cheapest.
    const base = hullAt(zero, Math.max(cost, zero[0].cost));
    if (quality - base > lift.quality) lift = { quality: quality - base, cost };
  }
  return lift;
}

export interface Pair {
  weak: { column: number; quality: number };
  strong: { column: number; quality: number };
}

/** Of two models the better one and the other; undefined for more models, which have several gaps. */
export function pairOf(tested: OutcomeTable, { singles, bestSingle }: Baselines): Pair | undefined {
  if (singles.length !== 2) return undefined;
  const strong = tested.column(bestSingle.model);
  return { strong: { ...singles[strong], column: strong }, weak: { ...singles[1 - strong], column: 1 - strong } };
}

export function sharesOf(results: SettingResults, { strong }: Pair, rows?: Uint32Array): SharePoint[] {
  const queries = results.quality.shape[1];
  return operatingPoints(results, rows).map(({ quality }, setting) => {
    let strongCalls = 0;
    const count = rows?.length ?? queries;
    for (let index = 0; index < count; index++) {
      const answering = results.answering[setting * queries + (rows === undefined ? index : rows[index])];
      // Who votes asks both.
      if (answering === strong.column || answering < 0) strongCalls++;
    }
    return { share: strongCalls / count, quality };
  });
}

export function singlesOf(tested: OutcomeTable, rows?: Uint32Array): CurvePoint[] {
  return tested.models.map((_, column) => ({
    quality: columnMean(tested, column, rows),
    cost: columnMean(tested, column, rows, "cost"),
  }));
}

function columnMean(tested: OutcomeTable, column: number, rows?: Uint32Array, key: "quality" | "cost" = "quality") {
  const width = tested.models.length;
  const { data } = tested[key];
  const count = rows?.length ?? tested.rows;
  let sum = 0;
  let seen = 0;
  for (let index = 0; index < count; index++) {
    const value = data[(rows === undefined ? index : rows[index]) * width + column];
    if (Number.isNaN(value)) continue;
    sum += value;
    seen++;
  }
  return sum / seen;
}
