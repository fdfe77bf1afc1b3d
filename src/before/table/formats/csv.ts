/**
 * Tables in CSV, three kinds distinguished by the header:
 *
 *     query, model, quality[, cost, …]         one outcome a row, columns named as in the JSON form
 *     prompt, MODEL…, MODEL|total_cost…        RouterBench (arXiv 2403.12031), one query a row
 *     prompt, MODEL…[, MODEL_response…]        RouteLLM (arXiv 2406.18665), one query a row, True and False, no costs
 *
 * RouterBench's prompts and responses are printed Python lists; their strings are read back.
 */
import { pipeline, Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import type { Outcome, TableBuilder } from "../builder.js";
import { pythonStrings } from "./python-strings.js";
import { amountAt, badRow, noTable, type Place, qualityAt } from "./records.js";

type RowReader = (cells: readonly string[], place: Place) => void;

export async function readCsvTable(
  file: string,
  chunks: AsyncIterable<string>,
  table: TableBuilder,
  subject?: string,
): Promise<void> {
  const parser = parse({ bom: true, info: true, skip_empty_lines: true });
  // What goes wrong in the source ends the parser, and so the loop below.
  pipeline(Readable.from(chunks), parser, () => {});
  let readRow: RowReader | undefined;
  let line = 1;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      const place = { file, line };
      if (readRow === undefined) readRow = rowReader(record, place, table, subject);
      else readRow(record, place);
      line = info.lines + 1;
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { code, message } = error;
    if (readRow === undefined) throw noTable(file, `it is not JSON, and no CSV either (${message})`);
    throw badRow({ file, line }, `${message}.`, { found: code });
  }
}

function rowReader(header: readonly string[], place: Place, table: TableBuilder, subject?: string): RowReader {
  if (header.includes("model") && header.includes("quality")) return longReader(header, place, table);
  const query = ["prompt", "query", "question"].find((name) => header.includes(name));
  if (query !== undefined) return wideReader(header, query, place, table, subject);
  throw noTable(place.file, `the header is ${JSON.stringify(header.slice(0, 6).join(", ").slice(0, 60))}`);
}

function longReader(header: readonly string[], place: Place, table: TableBuilder): RowReader {
  const column = new Map(header.map((name, index) => [name, index]));
  const query = column.get("query") ?? column.get("prompt");
  if (query === undefined) throw badRow(place, "the header has no column named query.", { found: header });
  return (cells, where) => {
    const text = (name: string) => cells[column.get(name) ?? -1] || undefined;
    const model = text("model");
    if (model === undefined) throw badRow(where, "the column model is empty.", { column: "model" });
    const facts = {
      query: cells[query],
      ...given("id", text("queryId")),
      ...given("reference", text("reference")),
      ...given("dataset", text("dataset")),
      ...given("subject", text("subject")),
      ...given("tags", text("tags")?.split(";")),
    };
    const outcome: Outcome = {
      quality: qualityAt(text("quality"), "quality", where),
      ...given("answer", text("answer")),
    };
    for (const name of ["cost", "promptTokens", "completionTokens", "latencyMs"] as const) {
      outcome[name] = amountAt(text(name), name, where);
    }
    table.add(table.row(facts), model, outcome);
  };
}

const COST = "|total_cost";
/** Columns of the wide formats that are no model. */
const NOT_MODELS = new Set(["", "sample_id", "eval_name", "oracle_model_to_route_to", "Unnamed: 0"]);

function wideReader(
  header: readonly string[],
  query: string,
  place: Place,
  table: TableBuilder,
  subject?: string,
): RowReader {
  const at = (name: string) => header.indexOf(name);
  const isPrinted = header.some((name) => name.endsWith(COST));
  const models = header.filter(
    (name) => name !== query && !NOT_MODELS.has(name) && !name.includes("|") && !name.endsWith("_response"),
  );
  if (models.length === 0) throw badRow(place, "the header names no model.", { found: header });
  const columns = models.map((model) => ({
    model,
    quality: at(model),
    cost: at(`${model}${COST}`),
    answer: Math.max(at(`${model}|model_response`), at(`${model}_response`)),
  }));
  const text = (cell: string | undefined) => (isPrinted && cell ? pythonStrings(cell).join("\n") : cell);
  return (cells, where) => {
    const dataset = cells[at("eval_name")] || undefined;
    const facts = {
      query: text(cells[at(query)]) ?? "",
      ...given("id", cells[at("sample_id")] || undefined),
      ...given("dataset", dataset),
      ...given("subject", subject ?? dataset),
    };
    const row = table.row(facts, { fresh: true });
    for (const { model, quality, cost, answer } of columns) {
      table.add(row, model, {
        quality: qualityAt(cells[quality], model, where),
        cost: amountAt(cells[cost], `${model}${COST}`, where),
        ...given("answer", text(cells[answer] || undefined)),
      });
    }
  };
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}
