/**
 * What asking a model will cost, estimated before it answers: a line in the length of the query for each model,
 *
 *     ĉ_m(x) = max(least_m, a_m + b_m · characters(x)),   b_m ≥ 0
 *
 * fitted by least squares on the observed costs; least_m is the smallest of them. Ours: a local form of "price per prompt
 * token times tokens plus a mean completion" that needs neither prices nor a tokenizer.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { columnOf } from "../../learning/matrix.js";
import type { OutcomeTable } from "./outcome-table.js";

const line = z.strictObject({ intercept: z.number(), slope: z.number().min(0), least: z.number().min(0) });

export const savedCosts = z.array(line);

export type SavedCosts = z.infer<typeof savedCosts>;

export class Costs {
  constructor(readonly lines: SavedCosts) {}

  /** Errors: invalid-data where one model has no cost and others have. Without any cost in the table a call costs 1. */
  static fit(table: OutcomeTable): Costs {
    if (!table.hasCosts) return new Costs(table.models.map(() => ({ intercept: 1, slope: 0, least: 1 })));
    const lengths = Float64Array.from(table.queries, ({ length }) => length);
    return new Costs(
      table.models.map((model, column) => {
        const fitted = fitLine(lengths, columnOf(table.cost, column));
        if (fitted !== undefined) return fitted;
        throw new LlamafuseError(
          "invalid-data",
          `${table.name}: the model ${model} has no cost in any row, but other models do. Give it one (prices: { "${model}": COST }), or leave the model out.`,
          { table: table.name, model },
        );
      }),
    );
  }

  estimate(text: string): Float64Array {
    return Float64Array.from(this.lines, ({ intercept, slope, least }) =>
      Math.max(least, intercept + slope * text.length),
    );
  }

  toJSON(): SavedCosts {
    return this.lines;
  }
}

function fitLine(lengths: Float64Array, costs: Float64Array): SavedCosts[number] | undefined {
  const rows = Array.from(costs.keys()).filter((row) => !Number.isNaN(costs[row]));
  if (rows.length === 0) return undefined;
  const mean = (values: Float64Array) => rows.reduce((sum, row) => sum + values[row], 0) / rows.length;
  const [x, y] = [mean(lengths), mean(costs)];
  let xx = 0;
  let xy = 0;
  for (const row of rows) {
    xx += (lengths[row] - x) ** 2;
    xy += (lengths[row] - x) * (costs[row] - y);
  }
  const slope = xx > 0 ? Math.max(0, xy / xx) : 0;
  return { intercept: y - slope * x, slope, least: rows.reduce((least, row) => Math.min(least, costs[row]), y) };
}
