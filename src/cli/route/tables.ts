/** The tables that `llamafuse route` learns from and evaluates on. */
import path from "node:path";
import type { Command } from "commander";
import type { Embedder } from "../../before/embedders/embedder.js";
import type { OutcomeTable } from "../../before/table/outcome-table.js";
import { collect, number } from "../options.js";
import type { Colors } from "../terminal.js";
import { readPrices } from "./arguments.js";

export interface TableFlags {
  train: string;
  leaveOut?: string[];
  price?: string[];
  embedder?: string;
  seed?: number;
  json?: boolean;
}

export const TABLE_FORMATS = `
A table of outcomes records what each model did on each query. Its format is
detected: JSONL or CSV with a query, a model and a quality (0 to 1) a row, and
cost, promptTokens, completionTokens, latencyMs, answer, subject where known;
or the tables of RouterBench, RouterDC, RouteLLM and LLMRouter. Missing cells
are left out. A folder is one table of all its files.`;

const WORDS = "a GGUF model, for embedding or not (default: words of the training queries)";

export function addTableOptions(command: Command, group = "Tables and routers:", embedder = WORDS): Command {
  return command
    .optionsGroup(group)
    .requiredOption("--train <file>", "the table to learn from")
    .option("--leave-out <model>", "exclude this model of the tables; repeatable", collect)
    .option("--price <model=cost>", "cost of a call, for models without costs in the tables; repeatable", collect)
    .option("--embedder <file>", embedder)
    .option("-s, --seed <number>", "repeat a fit exactly (default: 1)", number("--seed"));
}

/** The table of a file or folder; a note names the files of a folder. */
export async function tableFor(
  source: string,
  { leaveOut = [], price = [] }: TableFlags,
  notes: string[],
): Promise<OutcomeTable> {
  const { filesOf, readOutcomeTable } = await import("../../before/table/read.js");
  const table = await readOutcomeTable(source);
  const files = filesOf(source);
  if (files.length > 1)
    notes.push(
      `${source} is one table of ${files.length} files: ${files.map((file) => path.basename(file)).join(", ")}.`,
    );
  const { leftOutColumns = [] } = table;
  if (leftOutColumns.length > 0)
    notes.push(`${source}: taken for no model's column and left out: ${leftOutColumns.join(", ")}.`);
  for (const model of leaveOut) table.column(model);
  const kept =
    leaveOut.length === 0 ? table : table.selectModels(table.models.filter((each) => !leaveOut.includes(each)));
  return price.length === 0 ? kept : kept.withPrices(readPrices(price));
}

export async function openEmbedder(file: string | undefined): Promise<Embedder | undefined> {
  if (file === undefined) return undefined;
  const [{ GgufEmbedder }, { CachedEmbedder }] = await Promise.all([
    import("../../before/embedders/gguf.js"),
    import("../../before/embedders/cached.js"),
  ]);
  return new CachedEmbedder(await GgufEmbedder.open(file));
}

/** Fewer queries than this: a share measured on them is within ±14 points at best, 19 times of 20. */
const FEW_QUERIES = 50;

/** A note where a fit learns from so few queries that it says little about others. */
export function tooFewNotes({ name, rows }: OutcomeTable): string[] {
  if (rows >= FEW_QUERIES) return [];
  const queries = rows === 1 ? "1 query" : `${rows} queries`;
  return [`${name} has ${queries}: what is fitted on fewer than ${FEW_QUERIES} says little about others. Add more.`];
}

export function renderNotes(notes: readonly string[], { yellow }: Colors): string {
  return notes.map((note) => `${yellow("note")} ${note}\n`).join("");
}
