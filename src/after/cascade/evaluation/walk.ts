/** A cascade on a query of which every model's outcome is known. */
import type { OutcomeTable } from "../../../before/table/outcome-table.js";
import { LlamafuseError } from "../../../errors.js";
import type { Cascade, CascadeAnswer, CascadeQuery, Knob } from "../cascade.js";
import { answersOf, sampleQuality } from "../fitting/table-answers.js";

export interface WalkResult {
  /** Of the kept answer; NaN where it is not in the table. */
  quality: number;
  /** Of every call: its samples and verifications times the cell's cost, 1 a call where the table has no costs. */
  cost: number;
  /** The column whose answer is kept. */
  kept: number;
  /** Columns in the order of the calls, and why each step was taken. */
  called: number[];
  reasons: string[];
}

export function runOnRow(
  cascade: Pick<Cascade, "next" | "callsPerAnswer" | "info">,
  table: OutcomeTable,
  row: number,
  query: CascadeQuery,
  knob: Knob,
): WalkResult {
  const known = answersOf(table)[row];
  const answers: CascadeAnswer[] = [];
  const reasons: string[] = [];
  let cost = 0;
  while (true) {
    const step = cascade.next({ query, answers }, knob);
    reasons.push(step.reason);
    if (step.stop) {
      const kept = answers[step.answer].model;
      const called = answers.map(({ model }) => model);
      return { quality: sampleQuality(table, row, kept, step.sample), cost, kept, called, reasons };
    }
    if (answers.some(({ model }) => model === step.model))
      throw askedTwice(cascade.info.name, table.models[step.model]);
    const answer = known[step.model];
    answers.push(answer);
    const { samples, verifications } = cascade.callsPerAnswer(step.model);
    // A table with fewer samples shows what these cost.
    const calls = Math.min(samples, Math.max(1, answer.samples?.length ?? 1)) + verifications;
    const one = table.hasCosts ? table.cost.data[row * table.models.length + step.model] : 1;
    cost += one * calls;
  }
}

function askedTwice(cascade: string, model: string): LlamafuseError {
  const message = `The cascade ${cascade} asks ${model} a second time; a cascade asks a model once.`;
  return new LlamafuseError("broken-law", message, { found: model });
}
