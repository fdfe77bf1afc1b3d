/** What an answer depends on, as one short key: the same inputs have the same key in every run and on every machine. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { LlamafuseError } from "../errors.js";

/** SHA-256 of the contents of a model's files, one after another, in hexadecimal. Errors: file-unreadable, aborted. */
export async function contentHash(files: readonly string[], signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    try {
      await pipeline(createReadStream(file), hash, { end: false, signal });
    } catch (error) {
      if (signal?.aborted) throw new LlamafuseError("aborted", `Reading ${file} was stopped.`, { file }, error);
      const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
      throw new LlamafuseError("file-unreadable", `Cannot read ${file}: ${code}.`, { found: file, file }, error);
    }
  }
  return hash.digest("hex");
}

/** 32 hexadecimal digits (128 bits of SHA-256) of plain data; the order of an object's fields does not count. */
export function keyOf(data: unknown): string {
  return createHash("sha256").update(canonicalJson(data)).digest("hex").slice(0, 32);
}

/** A 32-bit seed that differs between prompts and samples, and does not depend on what was asked before. */
export function seedFor(seed: number, prompt: unknown, sample: number): number {
  return Number.parseInt(keyOf({ seed, prompt, sample }).slice(0, 8), 16);
}

/** JSON with sorted fields; fields that are undefined are left out. */
function canonicalJson(data: unknown): string {
  return JSON.stringify(data, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
