/** Reading the records of a data file, each with its place, so that every complaint can name file and line. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { LlamafuseError } from "./errors.js";

export interface DataRecord {
  /** "FILE:LINE", or "FILE: Data[3]" in a JSON document. */
  readonly place: string;
  /** The line (from 1) or, in a JSON document, the number of the record (from 1). */
  readonly number: number;
  readonly value: unknown;
}

/**
 * The records of a file, by its extension: `.csv` rows (arrays of texts, no header), `.json` the elements of an array or
 * of the field `Data`, anything else one JSON value a line; empty lines are skipped. With `onBadLine` a line that is not
 * JSON is handed to it and skipped. Errors: file-unreadable; invalid-data (not UTF-8, not JSON or CSV; the message names the line).
 */
export async function readRecords(file: string, onBadLine?: (error: LlamafuseError) => void): Promise<DataRecord[]> {
  const text = await readText(file);
  switch (path.extname(file).toLowerCase()) {
    case ".csv":
      return csvRows(file, text);
    case ".json":
      return jsonElements(file, text);
    default:
      return jsonLines(file, text, onBadLine);
  }
}

/** The text of a UTF-8 file, without a byte order mark. Errors: file-unreadable, invalid-data. */
export async function readText(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(file, error);
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalidData(file, "is not UTF-8 text; save it as UTF-8.", {}, error);
  }
}

/** The file-unreadable error for what reading a file or folder ended with. */
export function unreadable(file: string, cause: NodeJS.ErrnoException): LlamafuseError {
  const problem =
    cause.code === "ENOENT" ? "does not exist" : cause.code === "EISDIR" ? "is a folder, not a file" : cause.message;
  return new LlamafuseError("file-unreadable", `${file}: ${problem}.`, { file, found: cause.code }, cause);
}

/** An invalid-data error that begins with the place. */
export function invalidData(
  place: string,
  problem: string,
  details: Record<string, unknown> = {},
  cause?: unknown,
): LlamafuseError {
  return new LlamafuseError("invalid-data", `${place}: ${problem}`, { place, ...details }, cause);
}

function jsonLines(file: string, text: string, onBadLine?: (error: LlamafuseError) => void): DataRecord[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const place = `${file}:${index + 1}`;
    try {
      return [{ place, number: index + 1, value: parseJson(place, line) }];
    } catch (error) {
      if (onBadLine === undefined || !(error instanceof LlamafuseError)) throw error;
      onBadLine(error);
      return [];
    }
  });
}

function jsonElements(file: string, text: string): DataRecord[] {
  const whole = parseJson(file, text);
  const isList = Array.isArray(whole);
  const list = isList ? whole : (whole as { Data?: unknown } | null)?.Data;
  if (!Array.isArray(list)) {
    throw invalidData(file, "holds no list of records; expected a JSON array, or an object with an array Data.");
  }
  return list.map((value, index) => ({
    place: `${file}: ${isList ? "" : "Data"}[${index}]`,
    number: index + 1,
    value,
  }));
}

function parseJson(place: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidData(place, `is not JSON: ${(error as Error).message}.`, {}, error);
  }
}

function csvRows(file: string, text: string): DataRecord[] {
  try {
    const options = { info: true, relax_column_count: true, skip_empty_lines: true } as const;
    const rows = parse(text, options) as unknown as { record: string[]; info: { lines: number } }[];
    return rows.map(({ record, info }) => ({ place: `${file}:${info.lines}`, number: info.lines, value: record }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw invalidData(file, `is not CSV: ${error.message}.`, {}, error);
  }
}
