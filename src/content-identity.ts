/** What an answer depends on, as one short key: the same inputs have the same key in every run and on every machine. */
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { LlamafuseError } from "./errors.js";

/** SHA-256 of the contents of a model's files, one after another, in hexadecimal. Errors: file-unreadable, aborted. */
export async function contentHash(files: readonly string[], signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) {
    try {
      await pipeline(createReadStream(file), hash, { end: false, signal });
    } catch (error) {
      if (signal?.aborted) throw new LlamafuseError("aborted", `Stopped while reading ${file}.`, { file }, error);
      const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
      throw new LlamafuseError("file-unreadable", `Cannot read ${file}: ${code}.`, { found: file, file }, error);
    }
  }
  return hash.digest("hex");
}

/**
 * The contents of the files that a method's options name (a router, a classifier), by option: two files of one name are two
 * methods. Undefined where no option is the name of a file. Errors: file-unreadable, aborted.
 */
export async function hashesOfFiles(
  options: object,
  signal?: AbortSignal,
): Promise<Record<string, string> | undefined> {
  const hashes: Record<string, string> = {};
  for (const [option, value] of Object.entries(options)) {
    if (typeof value === "string") {
      if (statSync(value, { throwIfNoEntry: false })?.isFile()) hashes[option] = await contentHash([value], signal);
    } else if (isPlain(value)) {
      const inner = (await hashesOfFiles(value, signal)) ?? {};
      for (const [part, hash] of Object.entries(inner)) hashes[`${option}.${part}`] = hash;
    }
  }
  return Object.keys(hashes).length > 0 ? hashes : undefined;
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
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
