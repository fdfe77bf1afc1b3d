/** Routers side by side on one table: curves, areas, gains and how sure they are. */
import { RandomGenerator } from "../../random.js";
import { type Interval, quantile } from "../../statistics.js";
import type { OutcomeTable } from "../table/outcome-table.js";
import { type Baselines, baselinesOf } from "./baselines.js";
import { averageQuality, type CurvePoint, callPerformance, isFlatRange } from "./curve.js";
import type { RouterRun } from "./evaluate-router.js";
import { type HeldOutDifferences, heldOutDifferences } from "./held-out.js";
import { type Figures, figuresOf, pairOf, sharesOf, singlesOf } from "./router-figures.js";
import { type OperatingPoint, operatingPoints } from "./setting-results.js";
import { judgeTogether } from "./verdict.js";

export interface BaselineReport extends CurvePoint {
  aiq: number;
}

export interface RouterReport {
  name: string;
  /** By setting of the knob; the first is quality alone. */
  points: OperatingPoint[];
  /** Of the settings that are best in hindsight, with the cheapest model as one of them (see `averageQuality`). */
  aiq: number;
  /**
   * The judgement: how much better than the zero router on queries that did not choose the settings (see `heldOutDifferences`).
   * Mean gain in quality at equal cost; where routers are compared by quality, over the best single model. NaN for one query.
   */
  overZero: number;
  /** Between two models; NaN for more, and where the strong one is hardly better than the weak one (see `LEAST_GAP`). */
  apgr: number;
  /** With no knob set. */
  quality: number;
  cost: number;
  decideMs: number;
  fitMs: number;
  /** Share of strong calls at which half and 80 % of the gap between two models are recovered; NaN for more models. */
  cpt50: number;
  cpt80: number;
  /** The best quality of the curve over the best single model's. */
  gain: number;
  /** The oracle's quality over the best of the curve. */
  gapToOracle: number;
  /** The largest height of the curve above the hull of the single models, and the cost where that is. */
  lift: { quality: number; cost: number };
  /** 95 %, from bootstrap resamples of the queries; absent without resamples. */
  intervals?: RouterIntervals;
  /**
   * Whether `intervals.overZero` lies above 0: better than the zero router, at 5 % for all routers together. The two-sided
   * interval is taken since the one-sided bound claimed this on 8 to 20 of 100 simulated tables without anything to learn.
   * Absent without resamples.
   */
  better?: boolean;
}

export interface RouterIntervals {
  /** Of this router's own figures, in hindsight: no claim that compares routers can be made of these three. */
  aiq: Interval;
  apgr: Interval;
  lift: Interval;
  /** These hold for all routers together: the best of many is judged as that. */
  overZero: Interval;
  /** This router's `overZero` less the best router's, whichever that turned out to be; 0 for the best one. */
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
  /** The mean costs of the dearest and of the cheapest model: every AIQ is taken between them. */
  maxCost: number;
  minCost: number;
  /**
   * `aiq`; where all models cost the same, or nearly (see `NARROW`), `quality` with no knob set: there the zero router is the
   * best single model.
   */
  comparedBy: "aiq" | "quality";
  /** The router with the largest `overZero`; the first of equals. Undefined without routers. */
  best?: string;
  baselines: BaselineReports;
  routers: RouterReport[];
}

export interface ComparisonOptions {
  /** Bootstrap resamples; 0 for no intervals. Default 200. */
  resamples?: number;
  seed?: number;
}

/** Where the cheapest model costs more than this share of the dearest, hardly anything can be saved, and quality alone counts. */
const NARROW = 0.5;
/** The share of tables on which any claim may be false. */
const ALPHA = 0.05;

/** What a reader should know of how the routers are compared. */
export function comparisonNotes({ comparedBy, minCost, maxCost }: RouterComparison): string[] {
  const [least, most] = [minCost, maxCost].map((cost) => Number(cost.toPrecision(3)));
  if (comparedBy === "aiq" || least === most) return [];
  return [
    `Costs lie close together (${least} to ${most}), so routers are compared by quality with no knob, over the best single model.`,
  ];
}

/** `tested`: the queries of the runs, in their order, with a cost wherever there is a quality. */
export function compareRouters(
  tested: OutcomeTable,
  runs: ReadonlyMap<string, RouterRun>,
  options: ComparisonOptions = {},
): RouterComparison {
  const { resamples = 200, seed = 1 } = options;
  const baselines = baselinesOf(tested);
  const costs = baselines.singles.map(({ cost }) => cost);
  const [minCost, maxCost] = [Math.min(...costs), Math.max(...costs)];
  const isFlat = isFlatRange(minCost, maxCost);
  const comparedBy = isFlat || minCost > NARROW * maxCost ? "quality" : "aiq";
  const cheapest = costs.indexOf(minCost);
  const curves = Array.from(runs, ([name, run]) => ({ name, run, points: operatingPoints(run.results) }));
  const pair = pairOf(tested, baselines);
  const frame = { minCost, maxCost, cheapest };
  const describedBy = <Point extends CurvePoint>(point: Point, curve: readonly CurvePoint[] = [point]) => ({
    ...point,
    aiq: averageQuality([baselines.singles[cheapest], ...curve], minCost, maxCost),
  });
  const top = baselines.zeroRouter.at(-1)!;
  const figures = (rows?: Uint32Array) => figuresOf(curves, tested, { ...frame, pair, rows });
  const whole = figures();
  const judged = heldOutDifferences(
    {
      results: curves.map(({ run }) => run.results),
      singlesOf: (rows) => singlesOf(tested, rows),
      queries: tested.rows,
    },
    { ...frame, comparedBy, resamples, seed },
  );
  const { differences } = judged;
  const best = differences.reduce(
    (at, value, router) => (at < 0 || Number.isNaN(differences[at]) || value > differences[at] ? router : at),
    -1,
  );
  const intervals =
    resamples === 0 ? undefined : intervalsOf(whole, figures, judged, best, { count: tested.rows, resamples, seed });
  return {
    maxCost,
    minCost,
    comparedBy,
    best: curves[best]?.name,
    baselines: {
      random: describedBy(baselines.random),
      bestSingle: describedBy(baselines.bestSingle),
      zeroRouter: {
        ...describedBy({ quality: top.quality, cost: top.cost }, baselines.zeroRouter),
        points: baselines.zeroRouter,
      },
      oracle: {
        ...describedBy({ quality: baselines.oracle[0].quality, cost: baselines.oracle[0].cost }, baselines.oracle),
        points: baselines.oracle,
      },
      singles: baselines.singles,
    },
    routers: curves.map(({ name, run, points }, index) => {
      const shares = pair && sharesOf(run.results, pair);
      const { aiq, apgr, lift } = whole.routers[index];
      const highest = Math.max(...points.map(({ quality }) => quality));
      const callsFor = (share: number) =>
        shares === undefined ? Number.NaN : callPerformance(shares, pair!.weak.quality, pair!.strong.quality, share);
      return {
        name,
        points,
        aiq,
        overZero: differences[index],
        apgr,
        quality: points[0].quality,
        cost: points[0].cost,
        decideMs: run.decideMs,
        fitMs: run.fitMs,
        cpt50: callsFor(0.5),
        cpt80: callsFor(0.8),
        gain: highest - baselines.bestSingle.quality,
        gapToOracle: baselines.oracle[0].quality - highest,
        lift,
        ...intervals?.[index],
      };
    }),
  };
}

/** Every resample is drawn once and serves all routers. */
function intervalsOf(
  whole: Figures,
  figures: (rows: Uint32Array) => Figures,
  { differences, resampled }: HeldOutDifferences,
  best: number,
  { count, resamples, seed }: { count: number; resamples: number; seed: number },
): { intervals: RouterIntervals; better: boolean }[] {
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
    return { value, low: quantile(sorted, ALPHA / 2), high: quantile(sorted, 1 - ALPHA / 2) };
  };
  const { intervals: overZero, pairQuantile } = judgeTogether(differences, resampled, ALPHA);
  const around = (value: number, [low, high]: readonly [number, number]): Interval => ({ value, low, high });
  const belowBest = (value: number) => around(value, [value - pairQuantile, value + pairQuantile]);
  return whole.routers.map((_, index) => ({
    intervals: {
      aiq: interval(({ routers }) => routers[index].aiq),
      apgr: interval(({ routers }) => routers[index].apgr),
      lift: interval(({ routers }) => routers[index].lift.quality),
      overZero: around(differences[index], overZero[index]),
      overBest: index === best ? { value: 0, low: 0, high: 0 } : belowBest(differences[index] - differences[best]),
    },
    better: overZero[index][0] > 0,
  }));
}
