/** Tables of the members' past answers, for rules that learn from them: as `llamafuse eval --outcomes` writes them. */
import { z } from "zod";
import { OutcomeTable } from "../../before/table/outcome-table.js";
import { readOutcomeTable } from "../../before/table/read.js";
import { LlamafuseError } from "../../errors.js";

export type TableSource = string | OutcomeTable;

const isTable = (given: unknown): given is TableSource =>
  (typeof given === "string" && given !== "") || given instanceof OutcomeTable;

export const neededTable = z.custom<TableSource>(
  isTable,
  "must be a table's file, as llamafuse eval --outcomes writes it, or an OutcomeTable",
);
export const tableOption = neededTable.optional();

/** What members made of a past question, in their order. */
export interface PastQuestion {
  query: string;
  /** Each member's first answer. */
  answers: string[];
  /** All that each member said. */
  samples: string[][];
  /** From 0 to 1; NaN where it was not graded. */
  quality: number[];
}

/** Errors: those of `readOutcomeTable`. */
export async function loadTable(source: TableSource): Promise<OutcomeTable> {
  return typeof source === "string" ? await readOutcomeTable(source) : source;
}

/** The questions that all these members answered. Errors: incompatible-members, invalid-data where there are none. */
export function answersIn(table: OutcomeTable, members: readonly string[]): PastQuestion[] {
  const missing = members.find((name) => !table.models.includes(name));
  if (missing !== undefined) {
    throw new LlamafuseError(
      "incompatible-members",
      `${table.name} has no answers of member ${missing}. It has: ${table.models.join(", ")}. Make a table of these members with llamafuse eval --outcomes.`,
      { found: missing, allowed: table.models },
    );
  }
  const columns = members.map((name) => table.column(name));
  const width = table.models.length;
  const past: PastQuestion[] = [];
  for (const [row, query] of table.queries.entries()) {
    const samples = columns.map((column) => [...(table.answers?.[row * width + column] ?? [])]);
    if (samples.some((each) => each.length === 0)) continue;
    const quality = columns.map((column) => table.quality.get(row, column));
    past.push({ query, answers: samples.map(([first]) => first), samples, quality });
  }
  if (past.length > 0) return past;
  throw new LlamafuseError(
    "invalid-data",
    `${table.name} has no question that all of ${members.join(", ")} answered with a text. Make one with llamafuse eval --outcomes.`,
    { file: table.name, found: 0, allowed: ">= 1" },
  );
}

/** What is learned once from a table, for the members that are first asked for. */
export class Learned<Fitted> {
  #fitted: { key: string; value: Promise<Fitted> } | undefined;

  constructor(
    private readonly source: TableSource,
    private readonly fit: (past: PastQuestion[], signal: AbortSignal) => Fitted | Promise<Fitted>,
  ) {}

  /** Errors: those of the file, and of the fit. */
  async for(members: readonly string[], signal: AbortSignal): Promise<Fitted> {
    const key = JSON.stringify(members);
    if (this.#fitted?.key !== key) {
      const value = loadTable(this.source).then((table) => this.fit(answersIn(table, members), signal));
      // What failed is tried again.
      value.catch(() => {
        if (this.#fitted?.value === value) this.#fitted = undefined;
      });
      this.#fitted = { key, value };
    }
    return await this.#fitted.value;
  }
}
