/** What the words of `llamafuse cascade` mean. */
import type { CascadeChoice } from "../../after/cascade/evaluation/evaluate-cascades.js";
import { OutcomeTable } from "../../before/table/outcome-table.js";
import { LlamafuseError } from "../../errors.js";
import { readNamed } from "../route/arguments.js";

/** `NAME`, or `NAME:OPTION=VALUE,…`. Errors: invalid-option for an unknown name or option, or a value out of range. */
export async function readCascadeWord(word: string): Promise<CascadeChoice> {
  const { cascadeNamed } = await import("../../after/cascade/registry.js");
  const choice = readNamed("--cascade", word, "mot:samples=5");
  // Mistakes are told before anything is read or fitted.
  cascadeNamed(choice.name, choice.options);
  return choice;
}

/** A parser for commander: the one cascade of a command. Errors: invalid-option for a second one. */
export function onlyCascade(word: string, previous?: string): string {
  if (previous === undefined) return word;
  const message = `--cascade is given twice (${previous} and ${word}), and one cascade is fitted at a time. Leave one out.`;
  throw new LlamafuseError("invalid-option", message, { found: [previous, word], allowed: 1, option: "--cascade" });
}

/** With milliseconds in the place of costs. Error: invalid-data for a table without them. */
export function byLatency(table: OutcomeTable): OutcomeTable {
  const { latencyMs } = table;
  if (latencyMs === undefined) {
    const message = `${table.name} has no latencyMs, which --by latency counts. Write the table with "llamafuse eval --outcomes".`;
    throw new LlamafuseError("invalid-data", message, { table: table.name, option: "--by" });
  }
  return new OutcomeTable({ ...table, cost: latencyMs });
}

export const COST_KINDS = ["cost", "latency"] as const;
