/**
 * Tables in CSV, three kinds distinguished by the header:
 *
 *     query, model, quality[, cost, …]         one outcome a row, columns named as in the JSON form
 *     prompt, MODEL…, MODEL|total_cost…        RouterBench (arXiv 2403.12031), one query a row
 *     prompt, MODEL…[, MODEL_response…]        RouteLLM (arXiv 2406.18665), one query a row, True and False, no costs
 *
 * RouterBench's prompts and responses are printed Python lists; their strings are read back. Columns of the wide kinds that are
 * no model's (true_label, texts) are left out, and the table names them.
 */
import { pipeline, Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import type { Outcome, TableBuilder } from "../builder.js";
import { pythonStrings } from "./python-strings.js";
import { amountAt, badRow, isText, noTable, type Place, qualityAt } from "./records.js";

interface RowReader {
  read(cells: readonly string[], place: Place): void;
  /** Behind the last row. */
  end?(): void;
}

export async function readCsvTable(
  file: string,
  chunks: AsyncIterable<string>,
  table: TableBuilder,
  subject?: string,
): Promise<void> {
  const parser = parse({ bom: true, info: true, skip_empty_lines: true });
  // What goes wrong in the source ends the parser, and so the loop below.
  pipeline(Readable.from(chunks), parser, () => {});
  let rows: RowReader | undefined;
  let line = 1;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      const place = { file, line };
      if (rows === undefined) rows = rowReader(record, place, table, subject);
      else rows.read(record, place);
      line = info.lines + 1;
    }
    rows?.end?.();
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { code, message } = error;
    if (rows === undefined) throw noTable(file, `it is not JSON, and no CSV either (${message})`);
    throw badRow({ file, line }, `${message}.`, { found: code });
  }
}

function rowReader(cells: readonly string[], place: Place, table: TableBuilder, subject?: string): RowReader {
  const header = cells.map((name) => name.trim());
  const repeated = header.find((name, index) => name !== "" && header.indexOf(name) < index);
  if (repeated !== undefined) throw badRow(place, `two columns are named "${repeated}".`, { found: repeated });
  if (header.includes("model") && header.includes("quality")) return longReader(header, place, table);
  const query = ["prompt", "query", "question"].find((name) => header.includes(name));
  if (query !== undefined) return wideReader(header, query, place, table, subject);
  throw noTable(place.file, `the header is ${JSON.stringify(header.slice(0, 6).join(", ").slice(0, 60))}`);
}

function longReader(header: readonly string[], place: Place, table: TableBuilder): RowReader {
  const column = new Map(header.map((name, index) => [name, index]));
  const query = column.get("query") ?? column.get("prompt");
  if (query === undefined) throw badRow(place, "the header has no column named query.", { found: header });
  const read = (cells: readonly string[], where: Place) => {
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
    table.add(table.row(facts, { place: where }), model, outcome);
  };
  return { read };
}

const COST = "|total_cost";
const ANSWERS = ["|model_response", "_response"];
/** Columns of the wide formats that say something about the query, or that nothing here needs. */
const OF_THE_QUERY = new Set([
  "",
  "sample_id",
  "eval_name",
  "dataset",
  "subject",
  "oracle_model_to_route_to",
  "Unnamed: 0",
]);
/** Names that people give to columns of right answers, numbers and kinds, in small letters with "_" between words. */
const NO_MODELS = new Set(
  `id idx index number query_id question_id prompt_id task_id label labels true_label gold gold_label ground_truth truth answer
  correct_answer reference target choices task task_name category topic domain split cluster cluster_id difficulty level
  length tokens embedding_id`.split(/\s+/),
);

/** Rows are kept until the last: whether a column is a model's is seen by its name, and by all of its cells. */
function wideReader(
  header: readonly string[],
  query: string,
  place: Place,
  table: TableBuilder,
  subject?: string,
): RowReader {
  const rows: { cells: readonly string[]; where: Place }[] = [];
  const at = (name: string) => header.indexOf(name);
  const isPrinted = header.some((name) => name.endsWith(COST));
  const text = (cell: string | undefined) => (isPrinted && cell ? pythonStrings(cell).join("\n") : cell);
  const named = header.filter(
    (name) =>
      name !== query && !OF_THE_QUERY.has(name) && !name.includes("|") && !ANSWERS.some((end) => name.endsWith(end)),
  );
  return { read: (cells, where) => void rows.push({ cells, where }), end };

  function end(): void {
    const models = named.filter(isModel);
    if (models.length === 0) throw badRow(place, "the header names no model.", { found: header });
    for (const name of named) if (!models.includes(name)) table.leaveOut(name);
    const columns = models.map((model) => ({
      model,
      quality: at(model),
      cost: at(model + COST),
      answer: Math.max(...ANSWERS.map((end) => at(model + end))),
    }));
    for (const { cells, where } of rows) {
      const dataset = cells[at("eval_name")] || cells[at("dataset")] || undefined;
      const facts = {
        query: text(cells[at(query)]) ?? "",
        ...given("id", cells[at("sample_id")] || undefined),
        ...given("dataset", dataset),
        ...given("subject", cells[at("subject")] || subject || dataset),
      };
      const row = table.row(facts, { fresh: true });
      for (const { model, quality, cost, answer } of columns) {
        table.add(row, model, {
          quality: qualityAt(cells[quality], model, where),
          cost: amountAt(cells[cost], `${model}${COST}`, where),
          ...given("answer", text(cells[answer] || undefined)),
        });
      }
    }
  }

  /** One with costs or answers beside it, or else one with a plain name and not with texts alone. */
  function isModel(name: string): boolean {
    if ([COST, ...ANSWERS].some((end) => header.includes(name + end))) return true;
    if (NO_MODELS.has(name.toLowerCase().replaceAll(/[\s.-]+/g, "_"))) return false;
    const cells = rows.map((row) => row.cells[at(name)]).filter((cell) => cell.trim() !== "");
    return cells.length === 0 || !cells.every(isText);
  }
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}
