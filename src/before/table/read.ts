/** A table of outcomes from a file or a folder, whichever of the known formats it is in. */
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { LlamafuseError } from "../../errors.js";
import { checkTexts } from "../../read-options.js";
import { TableBuilder } from "./builder.js";
import { readCsvTable } from "./formats/csv.js";
import { readJsonTable } from "./formats/json.js";
import { textOf } from "./formats/records.js";
import type { OutcomeTable } from "./outcome-table.js";

const TABLE_FILE = /\.(csv|json|jsonl)$/i;

/**
 * Read a table; the format is detected from its content (see `table-formats/`). A folder is one table of all its `.csv`,
 * `.json` and `.jsonl` files, and so are several files. A file's name is then the subject (in JSON the dataset) of its rows
 * if they have none.
 *
 * Errors: file-unreadable, invalid-text, invalid-data (names the file and line).
 *
 * ```ts
 * const table = await readOutcomeTable("routerbench/winograde_train.csv");
 * console.log(table.rows, table.models, table.meansOf(table.quality));
 * ```
 */
export async function readOutcomeTable(source: string | readonly string[]): Promise<OutcomeTable> {
  const sources = typeof source === "string" ? [source] : source;
  checkTexts("The source of a table", sources);
  const table = new TableBuilder(sources.join(" + "));
  const files = sources.flatMap(filesOf);
  for (const file of files) {
    const part = files.length > 1 ? path.basename(file).replace(TABLE_FILE, "") : undefined;
    await readFile(file, table, part);
  }
  return table.build();
}

/** The files of which a source is made. Errors: invalid-data for a folder without any. */
export function filesOf(source: string): string[] {
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) return [source];
  const names = readdirSync(source).filter((name) => TABLE_FILE.test(name));
  if (names.length > 0) return names.sort().map((name) => path.join(source, name));
  throw new LlamafuseError("invalid-data", `${source} is a folder without .csv, .json or .jsonl files.`, {
    file: source,
  });
}

async function readFile(file: string, table: TableBuilder, part?: string): Promise<void> {
  const chunks = textOf(file);
  let head = "";
  for (;;) {
    const { value, done } = await chunks.next();
    if (done) break;
    head += value;
    if (head.trim() !== "") break;
  }
  const rest = (async function* () {
    yield head;
    yield* chunks;
  })();
  if (head.trim() === "") throw new LlamafuseError("invalid-data", `${file} is empty.`, { file });
  // A byte order mark counts as white space.
  if (/^\s*[[{]/.test(head)) await readJsonTable(file, rest, table, part);
  else await readCsvTable(file, rest, table, part);
}
