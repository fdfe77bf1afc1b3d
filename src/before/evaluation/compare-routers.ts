/** Routers side by side on one table: curves, areas, gains and how sure they are. */
import { RandomGenerator } from "../../random.js";
import { type Interval, quantile } from "../../statistics.js";
import type { OutcomeTable } from "../table/outcome-table.js";
import { type Baselines, baselinesOf } from "./baselines.js";
import {
  averageGapRecovered,
  averageImprovement,
  type CurvePoint,
  callPerformance,
  hullAt,
  largestCost,
  type SharePoint,
  smallestCost,
  upperHull,
} from "./curve.js";
import type { RouterRun } from "./evaluate-router.js";
import { type OperatingPoint, operatingPoints, type SettingResults } from "./setting-results.js";

export interface BaselineReport extends CurvePoint {
  aiq: number;
}

export interface RouterReport {
  name: string;
  /** By setting of the knob; the first is quality alone. */
  points: OperatingPoint[];
  aiq: number;
  /** NaN where the strong model is hardly better than the weak one (see `LEAST_GAP`). */
  apgr: number;
  /** With no knob set. */
  quality: number;
  cost: number;
  decideMs: number;
  fitMs: number;
  /** Share of strong calls (of cost, for more than two models) at which half and 80 % of the gap are recovered. */
  cpt50: number;
  cpt80: number;
  /** The best quality of the curve over the best single model's. */
  gain: number;
  /** The oracle's quality over the best of the curve. */
  gapToOracle: number;
  /** The largest height of the curve above the hull of the single models, and the cost where that is. */
  lift: { quality: number; cost: number };
  /** 95 % bootstrap over queries; absent without resamples. */
  intervals?: RouterIntervals;
}

export interface RouterIntervals {
  aiq: Interval;
  apgr: Interval;
  lift: Interval;
  /** Of what routers are compared by (see `RouterComparison.comparedBy`): this router's less the zero router's, paired by query. */
  overZero: Interval;
  /** This router's less the best router's, paired by query; 0 for the best one. */
  overBest: Interval;
}

export interface BaselineReports {
  random: BaselineReport;
  bestSingle: BaselineReport & { model: string };
  zeroRouter: BaselineReport & { points: { model: string; quality: number; cost: number }[] };
  oracle: BaselineReport & { points: OperatingPoint[] };
  singles: Baselines["singles"];
}

export interface RouterComparison {
  /** The cost up to which every AIQ is taken (see `largestCost`). */
  maxCost: number;
  /** The cost of the cheapest point of any curve. */
  minCost: number;
  /**
   * `aiq`; where all models cost the same, or nearly (see `NARROW`), `quality` with no knob set: there a curve is one cost,
   * its AIQ the best of its settings in hindsight, and the zero router is the best single model.
   */
  comparedBy: "aiq" | "quality";
  /** The router that is best by that; the first of equals. Undefined without routers. */
  best?: string;
  baselines: BaselineReports;
  routers: RouterReport[];
}

export interface ComparisonOptions {
  /** Bootstrap resamples; 0 for no intervals. Default 200. */
  resamples?: number;
  seed?: number;
}

/** Where the cheapest point costs more than this share of the dearest, most of an AIQ is the stretch that counts as 0. */
const NARROW = 0.5;

/** What a reader should know of how the routers are compared. */
export function comparisonNotes({ comparedBy, minCost, maxCost }: RouterComparison): string[] {
  const [least, most] = [minCost, maxCost].map((cost) => Number(cost.toPrecision(3)));
  if (comparedBy === "aiq" || least === most) return [];
  return [
    `Costs lie close together (${least} to ${most}), so an AIQ means nothing; routers are compared by quality with no knob.`,
  ];
}

/** `tested`: the queries of the runs, in their order, with a cost wherever there is a quality. */
export function compareRouters(
  tested: OutcomeTable,
  runs: ReadonlyMap<string, RouterRun>,
  options: ComparisonOptions = {},
): RouterComparison {
  const baselines = baselinesOf(tested);
  const curves = Array.from(runs, ([name, run]) => ({ name, run, points: operatingPoints(run.results) }));
  const compared = [...curves.map(({ points }) => points), baselines.zeroRouter, baselines.oracle];
  const [minCost, maxCost] = [smallestCost(compared), largestCost(compared)];
  // When everything costs the same the area is empty, and an AIQ is the quality.
  const isFlat = compared.flat().every(({ cost }) => Math.abs(cost - maxCost) <= 1e-9 * maxCost);
  const fromCost = isFlat ? maxCost : 0;
  const comparedBy = isFlat || minCost > NARROW * maxCost ? "quality" : "aiq";
  const pair = pairOf(tested, baselines);
  const described = <Point extends CurvePoint>(point: Point, curve: readonly CurvePoint[] = [point]) => ({
    aiq: averageImprovement(curve, maxCost, fromCost),
    ...point,
  });
  const top = baselines.zeroRouter.at(-1)!;
  const figures = (rows?: Uint32Array) => figuresOf(curves, tested, { maxCost, fromCost, pair, rows });
  const whole = figures();
  const merits = whole.routers.map((each) => each[comparedBy]);
  const best = merits.indexOf(Math.max(...merits));
  const intervals = intervalsOf(whole, figures, { count: tested.rows, comparedBy, best }, options);
  return {
    maxCost,
    minCost,
    comparedBy,
    best: curves[best]?.name,
    baselines: {
      random: described(baselines.random),
      bestSingle: described(baselines.bestSingle),
      zeroRouter: {
        ...described({ quality: top.quality, cost: top.cost }, baselines.zeroRouter),
        points: baselines.zeroRouter,
      },
      oracle: {
        ...described({ quality: baselines.oracle[0].quality, cost: baselines.oracle[0].cost }, baselines.oracle),
        points: baselines.oracle,
      },
      singles: baselines.singles,
    },
    routers: curves.map(({ name, run, points }, index) => {
      const shares = sharesOf(run.results, points, pair);
      const { aiq, apgr, lift } = whole.routers[index];
      const highest = Math.max(...points.map(({ quality }) => quality));
      return {
        name,
        points,
        aiq,
        apgr,
        quality: points[0].quality,
        cost: points[0].cost,
        decideMs: run.decideMs,
        fitMs: run.fitMs,
        cpt50: callPerformance(shares, pair.weak.quality, pair.strong.quality, 0.5),
        cpt80: callPerformance(shares, pair.weak.quality, pair.strong.quality, 0.8),
        gain: highest - baselines.bestSingle.quality,
        gapToOracle: baselines.oracle[0].quality - highest,
        lift,
        ...(intervals !== undefined && { intervals: intervals[index] }),
      };
    }),
  };
}

interface Frame {
  maxCost: number;
  /** What an AIQ counts from: 0, or the one cost there is. */
  fromCost: number;
  pair: Pair;
  /** Queries of a resample; default all. */
  rows?: Uint32Array;
}

type Figures = ReturnType<typeof figuresOf>;

function figuresOf(
  curves: readonly { run: RouterRun }[],
  tested: OutcomeTable,
  { maxCost, fromCost, pair, rows }: Frame,
) {
  const singles = singlesOf(tested, rows);
  const zero = upperHull(singles);
  const [weak, strong] = [pair.weak, pair.strong].map(({ column }) => singles[column].quality);
  return {
    zero: { aiq: averageImprovement(zero, maxCost, fromCost), quality: zero.at(-1)!.quality },
    routers: curves.map(({ run: { results } }) => {
      const points = operatingPoints(results, rows);
      return {
        aiq: averageImprovement(points, maxCost, fromCost),
        quality: points[0].quality,
        apgr: averageGapRecovered(sharesOf(results, points, pair, rows), weak, strong),
        lift: liftOf(points, zero),
      };
    }),
  };
}

/** Every resample is drawn once and serves all routers, so that their figures can be compared in it. */
function intervalsOf(
  whole: Figures,
  figures: (rows: Uint32Array) => Figures,
  { count, comparedBy, best }: { count: number; comparedBy: RouterComparison["comparedBy"]; best: number },
  { resamples = 200, seed = 1 }: ComparisonOptions,
): RouterIntervals[] | undefined {
  if (resamples === 0) return undefined;
  const random = new RandomGenerator(seed);
  const rows = new Uint32Array(count);
  const samples = Array.from({ length: resamples }, () => {
    for (let row = 0; row < count; row++) rows[row] = Math.floor(random.next() * count);
    return figures(rows);
  });
  const interval = (of: (figures: Figures) => number): Interval => {
    const value = of(whole);
    if (Number.isNaN(value)) return { value, low: value, high: value };
    const sorted = Float64Array.from(samples.map(of).filter((each) => !Number.isNaN(each))).sort();
    return { value, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  };
  return whole.routers.map((_, index) => ({
    aiq: interval(({ routers }) => routers[index].aiq),
    apgr: interval(({ routers }) => routers[index].apgr),
    lift: interval(({ routers }) => routers[index].lift.quality),
    overZero: interval(({ routers, zero }) => routers[index][comparedBy] - zero[comparedBy]),
    overBest: interval(({ routers }) => routers[index][comparedBy] - routers[best][comparedBy]),
  }));
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

interface Pair {
  weak: { column: number; quality: number; cost: number };
  strong: { column: number; quality: number; cost: number };
  /** Whether shares are counted in calls. */
  byCalls: boolean;
}

/** Strong is the best single model, weak the other of two, or the cheapest (the worst of equally cheap ones). */
function pairOf(tested: OutcomeTable, { singles, bestSingle }: Baselines): Pair {
  const columns = singles.map((single, column) => ({ ...single, column }));
  const strong = columns[tested.column(bestSingle.model)];
  const others = columns.filter(({ column }) => column !== strong.column || columns.length === 1);
  const [weak] = others.sort((a, b) => a.cost - b.cost || a.quality - b.quality);
  return { weak, strong, byCalls: columns.length === 2 };
}

function sharesOf(
  results: SettingResults,
  points: readonly OperatingPoint[],
  { weak, strong, byCalls }: Pair,
  rows?: Uint32Array,
): SharePoint[] {
  const queries = results.quality.shape[1];
  return points.map(({ quality, cost }, setting) => {
    // Where strong costs as much as weak, there is one share only.
    if (!byCalls) return { share: (cost - weak.cost) / (strong.cost - weak.cost || 1), quality };
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

function singlesOf(tested: OutcomeTable, rows?: Uint32Array): CurvePoint[] {
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
