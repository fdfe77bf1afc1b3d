/** Costs for tables that come without. */
import type { OutcomeTable } from "./outcome-table.js";

/**
 * What a call costs where a table says nothing: of two models the weaker 0 and the stronger 1, so that cost is RouteLLM's
 * share of strong calls; of more, nothing, so that quality alone decides and an AIQ is a quality.
 */
export function assumedPrices(table: OutcomeTable): Map<string, number> {
  const quality = table.meansOf(table.quality);
  const weaker = quality[0] <= quality[1] ? 0 : 1;
  return new Map(table.models.map((model, column) => [model, table.models.length === 2 && column !== weaker ? 1 : 0]));
}

/** What a reader should know of assumed prices. */
export function assumedNote(prices: ReadonlyMap<string, number>): string {
  const told = Array.from(prices, ([model, price]) => `${model} ${price}`).join(", ");
  return prices.size === 2
    ? `The table has no costs; assumed cost per call: ${told}.`
    : "The table has no costs; calls are assumed to cost 0 where no price is given.";
}

/** The mean cost of each model that has any, for cells that have none. */
export function meanPrices(table: OutcomeTable): Map<string, number> {
  const means = table.meansOf(table.cost);
  return new Map(
    table.models.map((model, column) => [model, means[column]] as const).filter(([, mean]) => !Number.isNaN(mean)),
  );
}
