/** The tables of `llamafuse cascade`. */
import type { OutcomeTable } from "../../before/table/outcome-table.js";
import { columnOf } from "../../learning/matrix.js";
import { TABLE_FORMATS } from "../route/tables.js";

export const CASCADE_EMBEDDER =
  "a GGUF model whose embeddings of the queries the learned cascades read too (default: answers alone)";

export const CASCADE_TABLES = `${TABLE_FORMATS}

What cascades read beside a quality: logProbs (of the answer's tokens),
classProbabilities (of the choices), verifier (0 to 1), and several rows with
the same query and model for samples. "llamafuse eval --outcomes FILE --details"
writes the first two. Models are asked by rising mean cost, not by name.`;

/** What makes every cascade on a table pointless. */
export function nothingToGain(table: OutcomeTable): string[] {
  const notes: string[] = [];
  const { models, answers } = table;
  if (models.length === 1) notes.push(`${table.name} has one model, ${models[0]}; a cascade of it is that model.`);
  const cells = answers?.flatMap((cell) => cell ?? []) ?? [];
  if (cells.length > 0 && cells.every((text) => text.trim() === "")) {
    notes.push(`Every answer in ${table.name} is empty, so nothing can be read from answers.`);
  } else if (cells.length > 1 && cells.every((text) => text === cells[0])) {
    notes.push(`All answers in ${table.name} are equal, so they do not show when to defer.`);
  }
  const [costs, qualities] = [table.meansOf(table.cost), table.meansOf(table.quality)];
  for (const [column, model] of models.entries()) {
    const better = models.findIndex(
      (_, other) => costs[other] < costs[column] && qualities[other] >= qualities[column],
    );
    if (better < 0 || columnOf(table.quality, column).every(Number.isNaN)) continue;
    notes.push(`${model} costs more than ${models[better]} and is not better on average.`);
  }
  return notes;
}
