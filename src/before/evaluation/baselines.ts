/**
 * What a router is measured against, on the table it is evaluated on:
 *
 *     random      a model drawn uniformly for every query
 *     bestSingle  the model with the highest mean quality, known in hindsight (ties: the cheaper one)
 *     zeroRouter  the hull of the single models: mixing two of them at random, without looking at the query
 *     oracle      for every query argmax_m q − λc of the true outcomes; at λ = 0 the cheapest of the best ones
 */

import { chooseByKnob } from "../allocation/choose.js";
import type { Knob } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";
import { type CurvePoint, upperHull } from "./curve.js";
import { makeResults, type OperatingPoint, operatingPoints, record } from "./setting-results.js";
import { settings } from "./sweep.js";

export interface SingleModel extends CurvePoint {
  model: string;
}

export interface Baselines {
  /** Every model alone: the means of its observed cells. */
  singles: SingleModel[];
  random: CurvePoint;
  bestSingle: SingleModel;
  zeroRouter: SingleModel[];
  oracle: OperatingPoint[];
}

/** `table` has a cost in every cell that has a quality. */
export function baselinesOf(table: OutcomeTable): Baselines {
  const [quality, cost] = [table.meansOf(table.quality), table.meansOf(table.cost)];
  const singles = table.models.map((model, index) => ({ model, quality: quality[index], cost: cost[index] }));
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const better = (a: SingleModel, b: SingleModel) => b.quality - a.quality || a.cost - b.cost;
  return {
    singles,
    random: { quality: mean(quality), cost: mean(cost) },
    bestSingle: [...singles].sort(better)[0],
    zeroRouter: upperHull(singles),
    oracle: oracleCurve(table),
  };
}

function oracleCurve(table: OutcomeTable): OperatingPoint[] {
  const width = table.models.length;
  const rows = Array.from({ length: table.rows }, (_, row) => row);
  // A missing cell is never chosen, unless a query has no outcome at all and counts nowhere.
  const truths = rows.map((row) => {
    const quality = table.quality.data.slice(row * width, (row + 1) * width);
    const cost = table.cost.data.slice(row * width, (row + 1) * width);
    return {
      quality: quality.map((value) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value)),
      cost: cost.map((value, model) => (Number.isNaN(quality[model]) ? Number.POSITIVE_INFINITY : value)),
    };
  });
  const finite = truths.filter(({ cost }) => cost.every(Number.isFinite));
  const knobs: Knob[] = [{}, ...settings("lambda", finite)];
  const results = makeResults(knobs, table.rows);
  for (const row of rows) {
    for (const [setting, knob] of knobs.entries())
      record(results, setting, row, table, row, chooseByKnob(truths[row], knob));
  }
  return operatingPoints(results);
}
