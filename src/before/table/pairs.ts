/** Battles between models from a table of outcomes: for each query every pair of models that were both tried. */
import type { OutcomeTable } from "./outcome-table.js";

export interface OutcomePair {
  row: number;
  a: number;
  b: number;
  outcome: "a" | "b" | "tie";
}

/** In order of rows, then a < b. Qualities that differ by at most `margin` are a tie. Default 0. */
export function* outcomePairs({ quality, rows, models }: OutcomeTable, margin = 0): Generator<OutcomePair> {
  for (let row = 0; row < rows; row++) {
    for (let a = 0; a < models.length; a++) {
      for (let b = a + 1; b < models.length; b++) {
        const difference = quality.data[row * models.length + a] - quality.data[row * models.length + b];
        if (Number.isNaN(difference)) continue;
        yield { row, a, b, outcome: Math.abs(difference) <= margin ? "tie" : difference > 0 ? "a" : "b" };
      }
    }
  }
}
