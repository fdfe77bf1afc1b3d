/**
 * The ledger: every answer that was paid for, kept in a file as it comes, so that no run pays twice.
 *
 * A JSONL file that only ever grows. The first line says what it is; the others are `{"key": …, "value": …}`, or claims
 * (`claims.ts`): whoever makes an answer says so first, and a second run on the same ledger waits for it. The key is a
 * hash of all that the value depends on, so one ledger holds any number of settings, and what belongs to others is
 * simply not found. A line is written at once when its answer is there. A run that is killed loses the answer that it was
 * working on; the piece of a line that a kill may leave behind is skipped, and the next line starts anew.
 */
import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readFileSync, readSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { LlamafuseError } from "../errors.js";
import { appendAll } from "../files.js";
import { Claims, isClaimLine } from "./claims.js";

const HEADER = JSON.stringify({ llamafuse: "ledger", version: 1 });
const LINE_BREAK = 0x0a;
/** How often a run looks whether the answer that another one is making has come. */
const LOOK_MS = 100;

export class Ledger<Value> {
  /** Lines that were no whole record, as `FILE:LINE`; the next run replaces what they were to hold. */
  readonly broken: string[] = [];
  readonly #values = new Map<string, Value>();
  readonly #claims = new Claims();
  readonly #file: number | undefined;
  /** How far the file is read, and the piece of a line behind that. */
  #read = 0;
  #piece: Buffer = Buffer.alloc(0);
  #line = 0;

  /**
   * Without a path it lives as long as the program. `isValue`: whether a line's value is one; what is not is skipped.
   * Errors: file-unreadable; invalid-data for a file of another kind.
   */
  constructor(
    private readonly path?: string,
    private readonly isValue: (value: unknown) => boolean = (value) => value !== undefined,
  ) {
    if (path === undefined) return;
    const [header] = existsSync(path) ? readLedger(path).toString("utf8").split("\n", 1) : [""];
    this.#file = openForAppending(path);
    const isWhole = this.#hasLine();
    // What a kill left of the header is still the beginning of a ledger.
    if (header !== HEADER && (isWhole || !HEADER.startsWith(header))) {
      closeSync(this.#file);
      throw new LlamafuseError(
        "invalid-data",
        `${path} is not a ledger of "llamafuse eval", and stays unchanged. Name another file, existing or new.`,
        { found: header.slice(0, 80), allowed: HEADER, file: path },
      );
    }
    if (!isWhole) appendAll(this.#file, `${HEADER.slice(header.length)}\n`, path);
    this.#refresh();
  }

  /** How many lines were no whole record. */
  get skipped(): number {
    return this.broken.length;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /**
   * Ask to make an answer: undefined where the caller is to make it, and then to `set` or `release` it. Where another run
   * is making it, this waits for its value; where that run ends without one, the claim passes to the next.
   * Errors: file-unreadable, file-unwritable, the signal's reason.
   */
  async claim(key: string, signal?: AbortSignal): Promise<Value | undefined> {
    if (this.#file === undefined) return this.#values.get(key);
    for (this.#refresh(); !this.#values.has(key); this.#refresh()) {
      if (!this.#claims.has(key)) this.#write(this.#claims.line(key));
      else if (this.#claims.isOurs(key)) return undefined;
      else await setTimeout(LOOK_MS, undefined, { signal }).catch((error) => this.#giveUp(key, error));
    }
    return this.#values.get(key);
  }

  /** Give up making an answer, so that another run can. */
  release(key: string): void {
    if (this.#claims.has(key)) this.#write(this.#claims.releaseLine(key));
  }

  /** Remember a value that JSON can hold. It is in the system's hands when this returns. Errors: file-unwritable. */
  set(key: string, value: Value): void {
    this.#values.set(key, value);
    this.#write(JSON.stringify({ key, value }));
  }

  close(): void {
    if (this.#file === undefined) return;
    try {
      for (const key of this.#claims.held()) this.release(key);
      fsyncSync(this.#file);
    } finally {
      this.#claims.close();
      closeSync(this.#file);
    }
  }

  #giveUp(key: string, error: unknown): never {
    this.release(key);
    throw error;
  }

  #write(line: string): void {
    if (this.#file === undefined) return;
    this.#refresh();
    // A killed run may have left a piece of a line: what comes next begins on a line of its own.
    appendAll(this.#file, `${this.#piece.length > 0 ? "\n" : ""}${line}\n`, this.path!);
    this.#refresh();
  }

  /** Whether the file has a first line, whole. */
  #hasLine(): boolean {
    const start = Buffer.alloc(HEADER.length + 1);
    const length = readSync(this.#file!, start, 0, start.length, 0);
    return start.subarray(0, length).includes(LINE_BREAK) || length > HEADER.length;
  }

  /** Read what was written since: by this run, and by others on the same ledger. */
  #refresh(): void {
    const { size } = fstatSync(this.#file!);
    if (size <= this.#read) return;
    const fresh = Buffer.alloc(size - this.#read);
    this.#read += readSync(this.#file!, fresh, 0, fresh.length, this.#read);
    const bytes = Buffer.concat([this.#piece, fresh]);
    let start = 0;
    for (let end = bytes.indexOf(LINE_BREAK); end >= 0; end = bytes.indexOf(LINE_BREAK, start)) {
      this.#take(bytes.toString("utf8", start, end));
      start = end + 1;
    }
    this.#piece = Buffer.from(bytes.subarray(start));
    // The last line of a killed run may be whole but for its line break.
    this.#takeRecord(parse(this.#piece.toString("utf8")));
  }

  #take(line: string): void {
    this.#line++;
    // Two runs that begin a ledger at the same moment both say what it is.
    if (line === "" || this.#line === 1 || line === HEADER) return;
    const record = parse(line);
    if (isClaimLine(record)) this.#claims.take(record);
    else if (!this.#takeRecord(record)) this.broken.push(`${this.path}:${this.#line}`);
  }

  #takeRecord(record: unknown): boolean {
    const { key, value } = (record ?? {}) as { key?: unknown; value?: unknown };
    if (typeof key !== "string" || value === undefined || !this.isValue(value)) return false;
    this.#values.set(key, value as Value);
    this.#claims.settle(key);
    return true;
  }
}

function readLedger(path: string): Buffer {
  try {
    return readFileSync(path);
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

/** Undefined for a piece of a line. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function unusable(path: string, verb: string, cause: unknown): LlamafuseError {
  const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
  const message = `Cannot ${verb} the ledger ${path}: ${code}. Name a file in a folder that exists and can be written.`;
  return new LlamafuseError("file-unreadable", message, { found: code, file: path }, cause);
}
