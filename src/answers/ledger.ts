/**
 * The ledger: every answer that was paid for, kept in a file as it comes, so that no run pays twice.
 *
 * A JSONL file that only ever grows. The first line says what it is; every other line is `{"key": …, "value": …}`. The
 * key is a hash of all that the value depends on, so one ledger holds any number of settings, and what belongs to
 * others is simply not found. A line is written at once when its answer is there. A run that is killed loses the answer
 * that it was working on; the piece of a line that a kill may leave behind is skipped, and the next line starts anew.
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { LlamafuseError } from "../errors.js";

const HEADER = JSON.stringify({ llamafuse: "ledger", version: 1 });
const LINE_BREAK = 0x0a;

export class Ledger<Value> {
  /** Lines that were no whole record; the next run replaces what they were to hold. */
  readonly skipped: number = 0;
  readonly #values = new Map<string, Value>();
  readonly #file: number | undefined;

  /** Without a path it lives as long as the program. Errors: file-unreadable; invalid-data for a file of another kind. */
  constructor(path?: string) {
    if (path === undefined) return;
    const text = existsSync(path) ? readLedger(path) : "";
    const [header, ...lines] = text.split("\n");
    // What a kill left of the header is still the beginning of a ledger.
    const isOurs = header === HEADER || (lines.length === 0 && HEADER.startsWith(header));
    if (!isOurs) {
      throw new LlamafuseError(
        "invalid-data",
        `${path} is not a ledger of "llamafuse eval", and is left as it is. Name another file, which may be new.`,
        { found: header.slice(0, 80), allowed: HEADER, file: path },
      );
    }
    for (const line of lines) {
      const record = line === "" ? undefined : parse<Value>(line);
      if (record !== undefined) this.#values.set(record.key, record.value);
      else if (line !== "") this.skipped++;
    }
    this.#file = openForAppending(path);
    if (header !== HEADER) this.#write(HEADER.slice(header.length));
    else endLine(this.#file);
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** Remember a value that JSON can hold. It is in the system's hands when this returns. Errors: file-unreadable. */
  set(key: string, value: Value): void {
    this.#values.set(key, value);
    this.#write(JSON.stringify({ key, value }));
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #write(line: string): void {
    if (this.#file === undefined) return;
    const bytes = Buffer.from(`${line}\n`);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }
}

function readLedger(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw unusable(path, "read", error);
  }
}

function openForAppending(path: string): number {
  try {
    return openSync(path, "a+");
  } catch (error) {
    throw unusable(path, "write", error);
  }
}

/** A killed run may have left a piece of a line: what comes next begins on a line of its own. */
function endLine(file: number): void {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  if (readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== LINE_BREAK) writeSync(file, "\n");
}

function parse<Value>(line: string): { key: string; value: Value } | undefined {
  try {
    const record = JSON.parse(line) as { key?: unknown; value?: Value };
    if (typeof record?.key === "string" && record.value !== undefined) return record as { key: string; value: Value };
  } catch {
    // A piece of a line.
  }
  return undefined;
}

function unusable(path: string, verb: string, cause: unknown): LlamafuseError {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
  const message = `Cannot ${verb} the ledger ${path}: ${code}. Name a file in a folder that exists and can be written.`;
  return new LlamafuseError("file-unreadable", message, { found: code, file: path }, cause);
}
