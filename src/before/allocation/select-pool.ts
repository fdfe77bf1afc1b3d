/**
 * Which k of many models complement each other best: Routoo's universe constructor (Mohammadshahi, Shaikh and Yazdani,
 * arXiv 2401.13979; from memory, unverified).
 *
 *     maximise Σ_q max_{m ∈ P} s(q, m),   |P| ≤ k,      greedily: the model that adds most, then the next
 *
 * The sum is submodular and monotone, so that the greedy pool reaches at least 1 − 1/e of the best one. Gains only shrink
 * as the pool grows, which is why a model whose old gain is too small need not be looked at again (Minoux's lazy greedy).
 */
import { LlamafuseError } from "../../errors.js";
import type { Matrix } from "../../learning/matrix.js";
import { shown } from "../../read-options.js";
import { checkTable, type OutcomeTable } from "../table/outcome-table.js";

/**
 * The names of k models, the most useful first. scores: rows × models, NaN counts as 0; default the table's qualities.
 * Ties go to the first model. Errors: invalid-option unless 1 ≤ k ≤ models.
 */
export function selectPool(table: OutcomeTable, k: number, scores: Matrix = table.quality): string[] {
  checkTable(table);
  const models = table.models.length;
  if (!(Number.isInteger(k) && k >= 1 && k <= models)) {
    throw new LlamafuseError(
      "invalid-option",
      `A pool of ${shown(k)} of ${models} models; 1 to ${models} are possible.`,
      {
        found: k,
        allowed: `1 to ${models}`,
        option: "pool",
      },
    );
  }
  const reached = new Float64Array(table.rows);
  const gainOf = (model: number) => {
    let gain = 0;
    for (let row = 0; row < table.rows; row++) {
      const score = scores.data[row * models + model];
      if (score > reached[row]) gain += score - reached[row];
    }
    return gain;
  };
  let open = Array.from(table.models.keys(), (model) => ({ model, gain: Number.POSITIVE_INFINITY }));
  const pool: number[] = [];
  while (pool.length < k) {
    let next = { model: -1, gain: Number.NEGATIVE_INFINITY };
    for (const entry of open) {
      if (entry.gain < next.gain) continue;
      entry.gain = gainOf(entry.model);
      if (entry.gain > next.gain || (entry.gain === next.gain && entry.model < next.model)) next = entry;
    }
    pool.push(next.model);
    for (let row = 0; row < table.rows; row++) {
      const score = scores.data[row * models + next.model];
      if (score > reached[row]) reached[row] = score;
    }
    open = open.filter(({ model }) => model !== next.model).sort((a, b) => b.gain - a.gain);
  }
  return pool.map((model) => table.models[model]);
}
