/** Reading the records of a data file, each with its place, so that every complaint can name file and line. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { LlamafuseError } from "./errors.js";
import { checkText } from "./read-options.js";

export interface DataRecord {
  /** "FILE:LINE", or "FILE: Data[3]" in a JSON document. */
  readonly place: string;
  /** The line (from 1) or, in a JSON document, the number of the record (from 1). */
  readonly number: number;
  readonly value: unknown;
}

/** Fields of a JSON document that hold its records, where it is no list itself. */
const LIST_FIELDS = ["Data", "data", "questions", "examples", "rows"] as const;

/**
 * The records of a file: `.csv` rows (arrays of texts, a header too), else JSON by its content, whatever the file is called:
 * the elements of a list or of the field `Data`, or one JSON value a line; empty lines are skipped. With `onBadLine` a line
 * that is neither JSON nor CSV is handed to it and skipped. Errors: file-unreadable; invalid-data (not UTF-8, not JSON or
 * CSV; the message names the line).
 */
export async function readRecords(file: string, onBadLine?: (error: LlamafuseError) => void): Promise<DataRecord[]> {
  const text = await readText(file);
  if (path.extname(file).toLowerCase() === ".csv" && !isJson(firstLine(text))) return csvRows(file, text, onBadLine);
  return listOf(file, text) ?? jsonLines(file, text, onBadLine);
}

/** The first line with something on it. */
function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "";
}

function isJson(line: string): boolean {
  if (!/^\s*[[{]/.test(line)) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** The text of a UTF-8 file, without a byte order mark. Errors: file-unreadable, invalid-data. */
export async function readText(file: string): Promise<string> {
  checkText("The file", file, "a path");
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
    cause.code === "ENOENT"
      ? "does not exist. Check the path"
      : cause.code === "EISDIR"
        ? "is a folder, not a file"
        : cause.message;
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

/** Elements of a document that is one list, or has one in a field; undefined where each line is a record of its own. */
function listOf(file: string, text: string): DataRecord[] | undefined {
  const first = firstLine(text);
  const isOneLine = first.trim() === text.trim();
  if (!/^\s*[[{]/.test(first)) return path.extname(file).toLowerCase() === ".json" ? noList(file, text) : undefined;
  if (!isOneLine && isJson(first)) return undefined;
  let whole: unknown;
  try {
    whole = parseJson(file, text);
  } catch (error) {
    // One bad line among good ones is that line's fault.
    if (text.split("\n").some(isJson)) return undefined;
    throw error;
  }
  const field = Array.isArray(whole)
    ? undefined
    : LIST_FIELDS.find((name) => Array.isArray((whole as Record<string, unknown>)[name]));
  const list = field === undefined ? whole : (whole as Record<string, unknown>)[field];
  // A record may be a list of texts itself: a row of a table.
  const isRecord =
    !Array.isArray(list) || (field === undefined && list.length > 0 && list.every((cell) => typeof cell !== "object"));
  if (isRecord) return isOneLine ? undefined : [{ place: file, number: 1, value: whole }];
  return (list as unknown[]).map((value, index) => ({
    place: `${file}: ${field ?? ""}[${index}]`,
    number: index + 1,
    value,
  }));
}

function noList(file: string, text: string): never {
  if (text.trim() !== "") parseJson(file, text);
  throw invalidData(
    file,
    `holds no list of records; expected a JSON array, an object with an array ${LIST_FIELDS[0]}, or one record a line.`,
  );
}

function parseJson(place: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidData(place, `is not JSON: ${(error as Error).message}.`, {}, error);
  }
}

function csvRows(file: string, text: string, onBadLine?: (error: LlamafuseError) => void): DataRecord[] {
  try {
    return csvRecords(file, text, 1);
  } catch (error) {
    if (onBadLine === undefined || !(error instanceof LlamafuseError)) throw error;
  }
  // A quote that is not closed swallows the lines after it: each line for itself loses only that one.
  return text.split("\n").flatMap((line, index) => {
    try {
      return csvRecords(file, line, index + 1);
    } catch (error) {
      if (!(error instanceof LlamafuseError)) throw error;
      onBadLine(error);
      return [];
    }
  });
}

function csvRecords(file: string, text: string, firstLine: number): DataRecord[] {
  const lineOf = (lines: number) => firstLine - 1 + lines;
  try {
    const options = { info: true, relax_column_count: true, skip_empty_lines: true } as const;
    const rows = parse(text, options) as unknown as { record: string[]; info: { lines: number } }[];
    return rows.map(({ record, info }) => {
      const number = lineOf(info.lines);
      return { place: `${file}:${number}`, number, value: record };
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as { lines?: number };
    throw invalidData(`${file}:${lineOf(lines ?? 1)}`, `is not CSV: ${error.message}.`, {}, error);
  }
}
