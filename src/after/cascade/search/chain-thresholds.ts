/**
 * Thresholds of a chain of models under a budget (FrugalGPT: Chen, Zaharia and Zou, arXiv 2305.05176;
 * stanford-futuredata/FrugalGPT, optimizer.py).
 *
 *     d_i = 1 − score of the i-th model's answer;   accepted at stage i where d_i < θ_i; the last model always answers
 *     maximise mean quality   subject to   mean cost of all calls ≤ B
 *
 * As released: θ_i is the 1 − q_i quantile of d_i over the queries still pending, on a grid of 40 deferral shares q a stage
 * from 1e-5 to 1 − 1e-5, refined afterwards. The released search also demands q_1 ≤ q_2 ≤ …, which throws good plans away,
 * and refines by a simplex; here any q is tried, and each θ is refined over the values at which a query changes sides.
 */
import { type Matrix, selectRows } from "../../../learning/matrix.js";
import { quantile } from "../../../statistics.js";

/** rows × stages each. */
export interface ChainOutcomes {
  quality: Matrix;
  /** Of one call. */
  cost: Matrix;
  /** d_i */
  distance: Matrix;
}

export interface ChainPoint {
  thresholds: number[];
  quality: number;
  /** Mean over the queries of all calls. */
  cost: number;
}

const GRID = 40;
const EDGE = 1e-5;
/** Grid points that are tried; a longer chain gets a coarser grid. */
const MOST_POINTS = 64_000;
/** Breakpoints that a refinement tries for each stage, and its rounds. */
const MOST_BREAKS = 200;
const ROUNDS = 3;

/** What these thresholds bring; the last one is not looked at. */
export function realise({ quality, cost, distance }: ChainOutcomes, thresholds: readonly number[]): ChainPoint {
  const [rows, stages] = quality.shape;
  let [gained, spent] = [0, 0];
  for (let row = 0; row < rows; row++) {
    for (let stage = 0, at = row * stages; stage < stages; stage++, at++) {
      spent += cost.data[at];
      if (stage < stages - 1 && !(distance.data[at] < thresholds[stage])) continue;
      gained += quality.data[at];
      break;
    }
  }
  return { thresholds: [...thresholds], quality: gained / rows, cost: spent / rows };
}

/** Every point of the grid; with `monotone`, only those with rising shares, as released. */
export function gridPoints(outcomes: ChainOutcomes, { monotone = false } = {}): ChainPoint[] {
  const [rows, stages] = outcomes.quality.shape;
  const size = Math.max(2, Math.min(GRID, Math.floor(MOST_POINTS ** (1 / Math.max(1, stages - 1)))));
  const points: ChainPoint[] = [];
  const extend = (thresholds: number[], pending: readonly number[], least: number): void => {
    const stage = thresholds.length;
    if (stage === stages - 1) {
      points.push(realise(outcomes, [...thresholds, Number.POSITIVE_INFINITY]));
      return;
    }
    const distances = Float64Array.from(pending, (row) => outcomes.distance.get(row, stage)).sort();
    for (let step = monotone ? least : 0; step < size; step++) {
      const share = EDGE + ((1 - 2 * EDGE) * step) / (size - 1);
      // Without pending queries no threshold matters.
      const threshold = distances.length === 0 ? 0 : quantile(distances, 1 - share);
      const left = pending.filter((row) => outcomes.distance.get(row, stage) >= threshold);
      extend([...thresholds, threshold], left, step);
      if (distances.length === 0) break;
    }
  };
  const all = Array.from({ length: rows }, (_, row) => row);
  extend([], all, 0);
  return points;
}

/** The best point within the budget; undefined where none is. */
export function searchThresholds(outcomes: ChainOutcomes, budget: number): ChainPoint | undefined {
  let best: ChainPoint | undefined;
  for (const point of gridPoints(outcomes)) if (isBetter(point, best, budget)) best = point;
  return best === undefined ? undefined : refine(outcomes, best, budget);
}

function isBetter(point: ChainPoint, best: ChainPoint | undefined, budget: number): boolean {
  if (point.cost > budget) return false;
  if (best === undefined || point.quality > best.quality) return true;
  return point.quality === best.quality && point.cost < best.cost;
}

function refine(outcomes: ChainOutcomes, start: ChainPoint, budget: number): ChainPoint {
  let best = start;
  const stages = outcomes.quality.shape[1];
  for (let round = 0; round < ROUNDS; round++) {
    const before = best;
    for (let stage = 0; stage < stages - 1; stage++) {
      for (const threshold of breaksOf(outcomes.distance, stage)) {
        const point = realise(
          outcomes,
          best.thresholds.map((each, at) => (at === stage ? threshold : each)),
        );
        if (isBetter(point, best, budget)) best = point;
      }
    }
    if (best === before) break;
  }
  return best;
}

/** Thresholds that differ in whom they accept: every distance, and one beyond the largest. */
function breaksOf(distance: Matrix, stage: number): number[] {
  const [rows, stages] = distance.shape;
  const sorted = Float64Array.from({ length: rows }, (_, row) => distance.data[row * stages + stage]).sort();
  const distinct = sorted.filter((each, at) => at === 0 || each !== sorted[at - 1]);
  const stride = Math.max(1, distinct.length / MOST_BREAKS);
  const breaks: number[] = [];
  for (let at = 0; at < distinct.length; at += stride) breaks.push(distinct[Math.floor(at)]);
  return [...breaks, Number.POSITIVE_INFINITY];
}

export function selectChainRows({ quality, cost, distance }: ChainOutcomes, rows: ArrayLike<number>): ChainOutcomes {
  return { quality: selectRows(quality, rows), cost: selectRows(cost, rows), distance: selectRows(distance, rows) };
}
