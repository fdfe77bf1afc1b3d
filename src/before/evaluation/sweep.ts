/** A router over the whole range of its knob, on a table it has not seen. */

import type { Matrix } from "../../learning/matrix.js";
import { rowOf } from "../../learning/matrix.js";
import { quantile } from "../../statistics.js";
import type { Estimate, Knob, KnobName, Query, Router } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";
import { makeResults, record, type SettingResults } from "./setting-results.js";

/** Settings between the two ends of a knob. */
const STEPS = 40;

/** Every query of a table, as a router sees it. */
export function queriesOf(table: OutcomeTable, embeddings: Matrix): Query[] {
  return table.queries.map((text, row) => ({ text, embedding: rowOf(embeddings, row) }));
}

/** A router fitted on one part of the queries, and what it is evaluated on. */
export interface FittedPart {
  router: Router;
  table: OutcomeTable;
  queries: readonly Query[];
}

/**
 * What routers of one kind, each on its own queries, would have brought at every setting of their first knob; the queries
 * of all parts in order. The first setting is quality alone. The others are quantiles of where the routers' own estimates
 * change the choice, so that a curve has points where something happens; the outcomes play no part in them.
 */
export function sweep(parts: readonly FittedPart[]): SettingResults {
  const estimates = parts.map(({ router, queries }) => queries.map((query) => router.score(query)));
  const all = estimates.flat();
  const knobs: Knob[] = [{}, ...settings(parts[0].router.info.knobs[0], all)];
  const results = makeResults(knobs, all.length);
  let first = 0;
  for (const [part, { router, table }] of parts.entries()) {
    for (const [row, estimate] of estimates[part].entries()) {
      for (const [setting, knob] of knobs.entries()) {
        record(results, setting, first + row, table, row, router.choose(estimate, knob));
      }
    }
    first += estimates[part].length;
  }
  return results;
}

export function settings(name: KnobName, estimates: readonly Estimate[]): Knob[] {
  switch (name) {
    case "lambda":
      return withEnd(quantiles(exchangeRates(estimates)), (highest) => 2 * highest).map((lambda) => ({ lambda }));
    case "preference":
      return [1, ...quantiles(exchangeRates(estimates, true)).map((rate) => 1 / (1 + rate)), 0].map((preference) => ({
        preference,
      }));
    case "threshold": {
      // Once each: of a pair router all models that take no part have the same estimate.
      const scores = new Set(estimates.flatMap(({ quality }) => Array.from(quality)));
      return withEnd(quantiles(Array.from(scores)), (highest) => highest + 1).map((threshold) => ({ threshold }));
    }
    case "budget": {
      const least = estimates.reduce((most, { cost }) => Math.max(most, Math.min(...cost)), 0);
      const costs = estimates.flatMap(({ cost }) => Array.from(cost)).filter((cost) => cost >= least);
      return [least, ...quantiles(costs)].map((budget) => ({ budget }));
    }
  }
}

/** The λ at which a dearer and better model gives way to a cheaper one; costs as shares of the dearest if `relative`. */
function exchangeRates(estimates: readonly Estimate[], relative = false): number[] {
  const rates: number[] = [];
  for (const { quality, cost } of estimates) {
    const unit = relative ? Math.max(...cost) || 1 : 1;
    for (let a = 0; a < quality.length; a++) {
      for (let b = 0; b < quality.length; b++) {
        if (cost[a] > cost[b] && quality[a] > quality[b]) {
          rates.push(((quality[a] - quality[b]) / (cost[a] - cost[b])) * unit);
        }
      }
    }
  }
  return rates;
}

function quantiles(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  const sorted = Float64Array.from(values).sort();
  const steps = Array.from({ length: STEPS + 1 }, (_, step) => quantile(sorted, step / STEPS));
  return Array.from(new Set(steps));
}

/** With a setting beyond the last, where nothing is left to change. */
function withEnd(values: readonly number[], beyond: (highest: number) => number): number[] {
  return values.length === 0 ? [] : [...values, beyond(values.at(-1)!)];
}
