/**
 * Many queries at once: which model each is given to, when they share a budget (FORC: Šakota, Peyrard and West, "Fly-Swat
 * or Cannon? Cost-Effective Language Model Choice via Meta-Modeling", arXiv 2308.06077; epfl-dlab/forc).
 *
 *     v_ij, c_ij: estimated quality and cost of model j on query i;   y_i = 1 where query i is left unserved
 *
 *     single       one model for all
 *     performance  argmax_j v_ij
 *     threshold    of the models with v_ij > τ the cheapest (or dearest); where there is none, the fallback
 *     greedy       in the order of the queries the best model that the rest of the budget still pays
 *     ilp          Σ_j x_ij + y_i = 1, exactly:
 *                  maximise Σ v x − penalty Σ y             subject to Σ c x ≤ B
 *                  minimise Σ c x + penalty Σ y             subject to Σ v x ≥ Q (Q < 1: that share of the queries, rounded)
 *                  maximise Σ (α v − (1 − α) c) x − penalty Σ y   with neither, or within B
 *
 * The released greedy gives up on a query whose best model is too dear, although a cheaper one would fit; `compat` does
 * that. Its ilp with a single query ignores the objective and fails without a budget; here one query is like many. With
 * both B and Q the first objective is used, and Q must be reached. Its goal to spend as much as possible is left out.
 */
import { LlamafuseError } from "../../errors.js";
import { argmax, type Matrix, makeMatrix, rowOf } from "../../learning/matrix.js";
import { chooseWithin } from "./choice-knapsack.js";

/** queries × models each. */
export interface Estimates {
  quality: Matrix;
  cost: Matrix;
}

export interface Assignment {
  /** The column of each query's model; -1 where it is unserved. */
  models: Int32Array;
  /** Σ v and Σ c of the served queries. */
  quality: number;
  cost: number;
  /** ilp: whether no assignment is better. Only instances built to be hard leave it open. */
  isOptimal: boolean;
}

export interface ThresholdRule {
  /** τ. Default 0.5. */
  threshold?: number;
  /** Of the models above τ. Default "cheapest". */
  prefer?: "cheapest" | "biggest";
  /** Where no model is above τ: by the query's costs, or one column. Default "biggest". */
  fallback?: "cheapest" | "biggest" | number;
}

export interface IlpGoal {
  /** B */
  budget?: number;
  /** Q: a sum of qualities, or below 1 a share of the queries. */
  leastQuality?: number;
  /** α in [0, 1]; with it, quality and cost are weighed against each other. Default 0.5 where there is neither B nor Q. */
  alpha?: number;
  /** What an unserved query costs of the objective. Default 0; Infinity: every query is served. */
  penalty?: number;
  /** τ of the next two. Default 0.5. */
  threshold?: number;
  /** Count v as 1 above τ and as 0 otherwise. Default false. */
  binarize?: boolean;
  /** By model: what takes the place of a query's v where all of them are below τ. */
  priors?: readonly number[];
}

export function assignSingle(estimates: Estimates, model: number): Assignment {
  return total(estimates, new Int32Array(estimates.cost.shape[0]).fill(model));
}

export function assignBest(estimates: Estimates): Assignment {
  return total(
    estimates,
    mapRows(estimates, (quality) => argmax(quality)),
  );
}

export function assignByThreshold(estimates: Estimates, rule: ThresholdRule = {}): Assignment {
  return total(
    estimates,
    mapRows(estimates, (quality, cost) => byThreshold(quality, cost, rule)),
  );
}

/** One query's model by FORC's threshold. Ties go to the first. */
export function byThreshold(
  quality: Float64Array,
  cost: Float64Array,
  { threshold = 0.5, prefer = "cheapest", fallback = "biggest" }: ThresholdRule,
): number {
  const all = Array.from(quality.keys());
  const above = all.filter((model) => quality[model] > threshold);
  if (above.length > 0) return extreme(above, cost, prefer);
  return typeof fallback === "number" ? fallback : extreme(all, cost, fallback);
}

export function assignGreedily(
  estimates: Estimates,
  budget: number,
  { compat = false }: { compat?: boolean } = {},
): Assignment {
  checkAmount("budget", budget);
  let rest = budget;
  const models = mapRows(estimates, (quality, cost) => {
    const payable = compat ? quality : quality.map((value, model) => (cost[model] <= rest ? value : Number.NaN));
    const model = argmax(payable);
    if (model < 0 || cost[model] > rest) return -1;
    rest -= cost[model];
    return model;
  });
  return total(estimates, models);
}

/** Errors: invalid-option for a goal that is out of range, or out of reach. */
export function assignOptimally(estimates: Estimates, goal: IlpGoal): Assignment {
  const { budget, leastQuality, penalty = 0 } = goal;
  if (budget !== undefined) checkAmount("budget", budget);
  if (leastQuality !== undefined) checkAmount("leastQuality", leastQuality);
  checkAmount("penalty", penalty);
  const [queries, models] = estimates.cost.shape;
  const quality = qualityFor(estimates.quality, goal);
  const leastTotal =
    leastQuality === undefined ? undefined : leastQuality < 1 ? Math.round(leastQuality * queries) : leastQuality;
  const { cost } = estimates;
  // The last item of a class: to leave the query unserved.
  const columns = (of: (at: number) => number, unserved: number) => {
    const matrix = makeMatrix(queries, models + 1);
    for (let query = 0; query < queries; query++) {
      for (let model = 0; model < models; model++) matrix.set(query, model, of(query * models + model));
      matrix.set(query, models, unserved);
    }
    return matrix;
  };
  const minimises = leastTotal !== undefined && budget === undefined && goal.alpha === undefined;
  const alpha = goal.alpha ?? (budget === undefined ? 0.5 : undefined);
  const worth = (at: number) => {
    if (minimises) return -cost.data[at];
    return alpha === undefined ? quality.data[at] : alpha * quality.data[at] - (1 - alpha) * cost.data[at];
  };
  // "At least Q" is a budget of what may be missing from 1 a query.
  const weights = minimises ? columns((at) => 1 - quality.data[at], 1) : columns((at) => cost.data[at], 0);
  const capacity = minimises ? queries - leastTotal : (budget ?? Number.MAX_VALUE);
  const found = chooseWithin(columns(worth, -penalty), weights, capacity);
  if (found === undefined) throw outOfReach(estimates, quality, goal, leastTotal);
  const assigned = total(
    { quality, cost },
    found.items.map((item) => (item === models ? -1 : item)),
    found.isOptimal,
  );
  if (!minimises && leastTotal !== undefined && assigned.quality < leastTotal) {
    throw outOfReach(estimates, quality, goal, leastTotal);
  }
  return assigned;
}

function mapRows({ quality, cost }: Estimates, choose: (quality: Float64Array, cost: Float64Array) => number) {
  return Int32Array.from({ length: cost.shape[0] }, (_, row) => choose(rowOf(quality, row), rowOf(cost, row)));
}

function qualityFor(estimated: Matrix, { threshold = 0.5, binarize = false, priors }: IlpGoal): Matrix {
  const [queries, models] = estimated.shape;
  const data = estimated.data.map((v) => (binarize ? Number(v > threshold) : v));
  const quality = makeMatrix(queries, models, data);
  if (priors === undefined) return quality;
  if (priors.length !== models) {
    throw new LlamafuseError("invalid-option", `${priors.length} priors for ${models} models. Give one for each.`, {
      option: "priors",
      found: priors.length,
      allowed: models,
    });
  }
  for (let query = 0; query < queries; query++) {
    const row = rowOf(quality, query);
    if (row.every((v) => v < threshold)) row.set(priors);
  }
  return quality;
}

function extreme(models: readonly number[], cost: Float64Array, which: "cheapest" | "biggest"): number {
  const sign = which === "cheapest" ? 1 : -1;
  return models.reduce((best, model) => (sign * cost[model] < sign * cost[best] ? model : best));
}

function total({ quality, cost }: Estimates, models: Int32Array, isOptimal = true): Assignment {
  let [qualities, costs] = [0, 0];
  for (const [query, model] of models.entries()) {
    if (model < 0) continue;
    qualities += quality.get(query, model);
    costs += cost.get(query, model);
  }
  return { models, quality: qualities, cost: costs, isOptimal };
}

function checkAmount(option: string, value: number): void {
  if (value >= 0) return;
  throw new LlamafuseError("invalid-option", `${option} is ${value}; it must be a number >= 0.`, {
    option,
    found: value,
    allowed: ">= 0",
  });
}

function outOfReach({ cost }: Estimates, quality: Matrix, { budget }: IlpGoal, least?: number): LlamafuseError {
  const rows = Array.from({ length: cost.shape[0] }, (_, row) => row);
  if (least !== undefined) {
    const most = rows.reduce((sum, row) => sum + Math.max(...rowOf(quality, row)), 0);
    const within = budget === undefined ? "" : ` within the budget ${budget}`;
    return new LlamafuseError(
      "invalid-option",
      `A quality of ${least} cannot be reached${within}: the best models for all ${rows.length} queries reach ${Number(most.toPrecision(6))}. Ask for less.`,
      { option: "leastQuality", found: least, allowed: `<= ${most}` },
    );
  }
  const cheapest = rows.reduce((sum, row) => sum + Math.min(...rowOf(cost, row)), 0);
  return new LlamafuseError(
    "invalid-option",
    `The budget ${budget} is below what the cheapest models cost for all ${rows.length} queries, ${Number(cheapest.toPrecision(6))}. Raise it, or let queries go unserved (a finite penalty).`,
    { option: "budget", found: budget, allowed: `>= ${cheapest}` },
  );
}
