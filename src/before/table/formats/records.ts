/** What the readers of tables share: text of a file piece by piece, checked numbers, and errors that name the line. */
import { createReadStream, statSync } from "node:fs";
import { TextDecoder } from "node:util";
import { LlamafuseError } from "../../../errors.js";
import { unreadable } from "../../../records.js";

/** A place in a file: its name and the line where a record starts. */
export interface Place {
  file: string;
  line: number;
}

/** A file's text in chunks. Errors: file-unreadable, invalid-text. */
export async function* textOf(file: string): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    if (statSync(file).isDirectory()) throw Object.assign(new Error("it is a directory"), { code: "EISDIR" });
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") {
      const message = `The text of ${file} is not UTF-8. Convert it first, for example with iconv.`;
      throw new LlamafuseError("invalid-text", message, { file, allowed: "UTF-8" }, error);
    }
    throw typeof code === "string" ? unreadable(file, error as NodeJS.ErrnoException) : error;
  }
}

export function badRow({ file, line }: Place, message: string, details: Record<string, unknown> = {}): LlamafuseError {
  return new LlamafuseError("invalid-data", `${file}:${line}: ${message}`, { file, line, ...details });
}

/** A file in none of the formats. */
export function noTable(file: string, found: string): LlamafuseError {
  return new LlamafuseError(
    "invalid-data",
    `${file} is not a table of outcomes: ${found}. A table is JSONL or CSV with query, model and quality in each row, or one of RouterBench, RouterDC, RouteLLM or LLMRouter.`,
    { file, found },
  );
}

const EMPTY_IT = "Leave a missing cell empty.";
const MISSING = new Set(["", "nan", "null", "none", "na"]);
const TRUTH: Record<string, number> = { true: 1, false: 0 };

/** A cell as a number: missing is NaN, true and false are 1 and 0. Errors: invalid-data for anything else. */
function numberAt(value: unknown, column: string, place: Place, cure = EMPTY_IT): number {
  if (value === undefined || value === null) return Number.NaN;
  const text = String(value).trim();
  if (MISSING.has(text.toLowerCase())) return Number.NaN;
  const number = TRUTH[text.toLowerCase()] ?? Number(text);
  if (Number.isFinite(number)) return number;
  const message = `${column} is ${JSON.stringify(text.slice(0, 60))}, which is not a number. ${cure}`;
  throw badRow(place, message, { column, found: text.slice(0, 60) });
}

/** Whether a cell holds a text: neither a number nor what stands for a missing one. */
export function isText(cell: string): boolean {
  const text = cell.trim().toLowerCase();
  return !MISSING.has(text) && TRUTH[text] === undefined && !Number.isFinite(Number(text));
}

/** A number in [0, 1], or NaN. `column` is "quality", or the model's. */
export function qualityAt(value: unknown, column: string, place: Place): number {
  const isModels = column !== "quality";
  const notAModel = isModels ? " If the column does not belong to a model, remove it." : "";
  const quality = numberAt(value, column, place, EMPTY_IT + notAModel);
  if (!(quality < 0 || quality > 1)) return quality;
  const cure = `Rescale it: (quality − lowest) / (highest − lowest).${notAModel}`;
  const what = isModels ? `the quality of ${column}` : "the quality";
  throw badRow(place, `${what} is ${quality}; 0 to 1 is allowed. ${cure}`, { column, found: quality });
}

/** A number ≥ 0, or NaN. */
export function amountAt(value: unknown, column: string, place: Place): number {
  const amount = numberAt(value, column, place);
  if (!(amount < 0)) return amount;
  throw badRow(place, `${column} is ${amount}; 0 or more is allowed.`, { column, found: amount });
}
