/**
 * Alignments that took long to build, kept in the user's cache folder under a key of everything they depend on. A file
 * that is damaged, of another version, or no such matrix (a checksum holds for any bytes) is built again; a folder that cannot be written costs only the next build.
 *
 * A file is one line of JSON (what it is, shapes, a checksum), spaces up to a multiple of 8 bytes, and the arrays.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { homeFolder, writeCache } from "../../../files.js";
import { isSound, type SparseRows } from "./sparse-rows.js";

/** Raise it when the meaning or the layout of what is stored changes. */
const FORMAT = "llamafuse alignment 3";

interface Head {
  format: string;
  rows: number;
  columns: number;
  entries: number;
  background: number;
  /** Whole rows. */
  whole: number;
  sha256: string;
}

/**
 * `$XDG_CACHE_HOME/llamafuse/alignments`; without that variable, or where it names no absolute path, below `~/.cache`.
 * Undefined for a user without a folder of their own: nothing is kept then.
 */
export function alignmentFolder(): string | undefined {
  const named = process.env.XDG_CACHE_HOME;
  if (named && path.isAbsolute(named)) return path.join(named, "llamafuse", "alignments");
  const home = homeFolder();
  return home && path.join(home, ".cache", "llamafuse", "alignments");
}

/** A key of plain data and arrays of numbers. */
export function alignmentKey(...parts: (string | number | Int32Array)[]): string {
  const hash = createHash("sha256").update(FORMAT);
  for (const part of parts) {
    const bytes = typeof part === "object" ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength) : `${part}`;
    hash.update(`/${bytes.length}/`).update(bytes);
  }
  return hash.digest("hex");
}

/** The stored matrix, or the built one, which is then stored. */
export async function cachedRows(key: string, build: () => Promise<SparseRows>): Promise<SparseRows> {
  const folder = alignmentFolder();
  if (folder === undefined) return await build();
  const file = path.join(folder, `${key}.rows`);
  const stored = await load(file);
  if (stored !== undefined) return stored;
  const built = await build();
  await writeCache(file, encode(built));
  return built;
}

async function load(file: string): Promise<SparseRows | undefined> {
  try {
    const matrix = decode(await readFile(file));
    return matrix !== undefined && isSound(matrix) ? matrix : undefined;
  } catch {
    // Missing, unreadable or not a whole file: build it.
    return undefined;
  }
}

function encode(matrix: SparseRows): Buffer[] {
  const { rows, columns, offsets, indices, values, dropped, background, whole } = matrix;
  const arrays = [
    background,
    values,
    dropped,
    offsets,
    indices,
    ...(whole === undefined ? [] : [whole.places, whole.codes]),
  ].map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength));
  const head: Head = {
    format: FORMAT,
    rows,
    columns,
    entries: indices.length,
    background: background.length,
    whole: whole === undefined ? 0 : whole.codes.length / columns,
    sha256: checksum(arrays),
  };
  const line = Buffer.from(`${JSON.stringify(head)}\n`);
  return [line, Buffer.alloc(padding(line.length), " "), ...arrays];
}

function decode(file: Buffer): SparseRows | undefined {
  const lineEnd = file.indexOf("\n") + 1;
  const head = JSON.parse(file.toString("utf8", 0, lineEnd)) as Head;
  if (head.format !== FORMAT) return undefined;
  const body = file.subarray(lineEnd + padding(lineEnd));
  if (checksum([body]) !== head.sha256) return undefined;
  let at = body.byteOffset;
  const take = <T>(
    make: new (buffer: ArrayBufferLike, offset: number, length: number) => T,
    length: number,
    size: number,
  ) => {
    const array = new make(body.buffer, at, length);
    at += length * size;
    return array;
  };
  const { rows, columns, entries } = head;
  const background = take(Float64Array, head.background, 8);
  const values = take(Float64Array, entries, 8);
  const dropped = take(Float64Array, rows, 8);
  const offsets = take(Uint32Array, rows + 1, 4);
  const indices = take(Int32Array, entries, 4);
  const matrix = { rows, columns, offsets, indices, values, dropped, background };
  if (head.whole === 0) return matrix;
  const places = take(Int32Array, rows, 4);
  return { ...matrix, whole: { places, codes: take(Uint16Array, head.whole * columns, 2) } };
}

function checksum(arrays: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const array of arrays) hash.update(array);
  return hash.digest("hex");
}

function padding(length: number): number {
  return (8 - (length % 8)) % 8;
}
