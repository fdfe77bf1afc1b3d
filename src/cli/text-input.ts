/** Text from stdin or a file, refused unless it is UTF-8. */
import { createReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { TextDecoder } from "node:util";
import { LlamafuseError } from "../errors.js";

/** 16 MiB are about four million tokens, more than any model's context: reading on (`< /dev/zero`) would only fill memory. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  ENOTDIR: "it does not exist",
  EACCES: "it may not be read",
};

/** Everything that a stream holds. `name` is what errors call it: "stdin", a path. */
export async function readText(stream: Readable, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_TEXT_BYTES) throw tooLong(name);
    chunks.push(chunk);
  }
  return decode(new TextDecoder("utf-8", { fatal: true }), Buffer.concat(chunks), name);
}

/** A text file. Errors: file-unreadable, invalid-text. */
export async function readTextFile(file: string): Promise<string> {
  try {
    if (statSync(file).isDirectory()) throw unreadable(file, "it is a directory");
    return await readText(createReadStream(file), file);
  } catch (error) {
    if (error instanceof LlamafuseError) throw error;
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    throw unreadable(file, REASONS[code] ?? code, error);
  }
}

/** The lines of a stream as they come, without their ends; the stream is read no faster than they are taken. */
export async function* readLines(stream: Readable, name: string): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest += decode(decoder, chunk, name, true);
    if (rest.length > MAX_TEXT_BYTES) throw tooLong(name);
    const lines = rest.split(/\r?\n/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
  rest += decode(decoder, new Uint8Array(0), name);
  if (rest !== "") yield rest;
}

function decode(decoder: TextDecoder, bytes: Uint8Array, name: string, stream = false): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch (cause) {
    const message = `The text from ${name} is not UTF-8. Convert it first, for example with iconv.`;
    throw new LlamafuseError("invalid-text", message, { found: name, allowed: "UTF-8" }, cause);
  }
}

function tooLong(name: string): LlamafuseError {
  const message = `The text from ${name} is longer than ${MAX_TEXT_BYTES} bytes, which no model's context holds.`;
  return new LlamafuseError("invalid-text", message, { found: `> ${MAX_TEXT_BYTES}`, allowed: MAX_TEXT_BYTES });
}

function unreadable(file: string, why: string, cause?: unknown): LlamafuseError {
  return new LlamafuseError("file-unreadable", `Cannot read ${file}: ${why}.`, { found: file, file }, cause);
}
