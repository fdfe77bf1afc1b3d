/**
 * Thresholds without labels under a bound on the cost (C3PO: Valkanas and others, "C3PO: Optimized Large Language Model
 * Cascades with Probabilistic Cost Constraints", arXiv 2511.07396; AntonValk/C3PO-LLM, ours.py).
 *
 *     cascade   models by rising cost; model m is called unless its threshold is above 1, and its answer is kept where its
 *               confidence ≥ τ_m; the last model always answers
 *     regret    share of the training queries whose kept answer differs from the last model's: no label is needed
 *     allowed   the ⌈(n + 1)(1 − α)⌉-th smallest cost of n calibration queries ≤ budget; then P(cost of a new query > budget)
 *               ≤ α, for exchangeable queries
 *
 * The first allowed point of the grid with the least regret is chosen.
 */
import { clopperPearsonUpper } from "../../../learning/risk-control.js";

export interface ConfidentAnswer {
  answer: string;
  /** In [0, 1]. */
  confidence: number;
  /** What this call costs, where that depends on the query. */
  cost?: number;
}

/** By query, then by model in the order of the cascade. */
export type ConfidentAnswers = readonly (readonly ConfidentAnswer[])[];

export interface CostBoundOptions {
  /** Of each model for one query. */
  costs: readonly number[];
  /** Grid values of each threshold, equally spaced over 0 to 1.1. */
  steps: number;
  /** The share of queries that may cost more than the budget. */
  alpha: number;
  budget: number;
}

export interface CostBoundPoint {
  thresholds: number[];
  /** The grid's step of every model but the last. */
  gridSteps: number[];
  regret: number;
  costQuantile: number;
  /** Calibration queries that cost more than the budget, and (that + 1) / (n + 1). */
  exceedances: number;
  exceedBound: number;
  meanCost: number;
}

const HIGHEST = 1.1;

/** The rank of the cost that must be within the budget; above n nothing is allowed. */
export function costRank(queries: number, alpha: number): number {
  return Math.ceil((queries + 1) * (1 - alpha) - 1e-12);
}

/** Every point of the grid in product order, the last coordinate fastest. */
export function* thresholdGrid(models: number, steps: number): Generator<number[]> {
  const places = models - 1;
  for (let point = 0; point < steps ** places; point++) {
    const at: number[] = [];
    for (let place = places - 1, rest = point; place >= 0; place--, rest = Math.floor(rest / steps))
      at[place] = rest % steps;
    yield at;
  }
}

export function gridValue(step: number, steps: number): number {
  return steps === 1 ? 0 : (HIGHEST * step) / (steps - 1);
}

/** Whose answer is kept, and what the calls cost. */
export function runCascade(
  answers: readonly ConfidentAnswer[],
  thresholds: readonly number[],
  costs: readonly number[],
): { kept: number; cost: number } {
  let cost = 0;
  for (const [model, { confidence, cost: own = costs[model] }] of answers.entries()) {
    if (thresholds[model] > 1) continue;
    cost += own;
    if (confidence >= thresholds[model] || model === answers.length - 1) return { kept: model, cost };
  }
  return { kept: answers.length - 1, cost };
}

/** The first allowed point with the least regret; undefined where the budget allows none. */
export function searchCostBound(
  training: ConfidentAnswers,
  calibration: ConfidentAnswers,
  options: CostBoundOptions,
): CostBoundPoint | undefined {
  const [first, ...others] = costBoundPoints(training, calibration, options);
  return others.reduce((best, point) => (point.regret < best.regret ? point : best), first);
}

/** Every allowed point, in product order. */
export function costBoundPoints(
  training: ConfidentAnswers,
  calibration: ConfidentAnswers,
  { costs, steps, alpha, budget }: CostBoundOptions,
): CostBoundPoint[] {
  const rank = costRank(calibration.length, alpha);
  if (rank > calibration.length) return [];
  const points: CostBoundPoint[] = [];
  for (const gridSteps of thresholdGrid(costs.length, steps)) {
    const thresholds = [...gridSteps.map((step) => gridValue(step, steps)), 0];
    const spent = Float64Array.from(calibration, (answers) => runCascade(answers, thresholds, costs).cost).sort();
    const costQuantile = spent[rank - 1];
    if (costQuantile > budget) continue;
    const changed = training.filter((answers) => {
      return answers[runCascade(answers, thresholds, costs).kept].answer !== answers.at(-1)!.answer;
    });
    const exceedances = spent.filter((cost) => cost > budget).length;
    points.push({
      thresholds,
      gridSteps,
      regret: changed.length / training.length,
      costQuantile,
      exceedances,
      exceedBound: (exceedances + 1) / (spent.length + 1),
      meanCost: spent.reduce((sum, cost) => sum + cost, 0) / spent.length,
    });
  }
  return points;
}

/** With probability 1 − delta the share of new queries above the budget is at most this. */
export function exceedanceBound({ exceedances }: CostBoundPoint, calibrationRows: number, delta: number): number {
  return clopperPearsonUpper(exceedances, calibrationRows, delta);
}
