/**
 * A model's token embeddings: the input matrix (what a token becomes) and the output matrix (what a hidden state is
 * compared with to give logits). A source says where one lies, as plain data that any thread can read rows from.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { LlamafuseError } from "../errors.js";
import { readAllHeaders } from "../llama/checks/split-files.js";
import type { LibraryFiles } from "../llama/find-library.js";
import {
  allocateFloats,
  dequantise,
  type GgmlMath,
  ggmlMath,
  type NativeFloats,
  viewFloats,
} from "../llama/ggml-math.js";

export type EmbeddingLayer = "input" | "output";

/** rows × width numbers; row t is token t's. A file may have rows behind its vocabulary's last token. */
export type EmbeddingSource = { rows: number; width: number } & (
  | { kind: "file"; file: string; tensor: string; type: number; offset: number; rowBytes: number }
  | { kind: "memory"; values: Float32Array }
);

const TENSORS: Record<EmbeddingLayer, string> = { input: "token_embd.weight", output: "output.weight" };
/** Read and hashed at once. */
const CHUNK_BYTES = 1 << 24;
/** Rows read at once while some of them are gathered. */
const CHUNK_ROWS = 1024;

/**
 * Where a GGUF model keeps its embeddings. A model without an output matrix uses its input matrix for both (tied
 * embeddings), as llama.cpp does. LlamafuseError "unsupported-model" for a file without a matrix of one row per token.
 */
export function ggufEmbeddings(file: string, layer: EmbeddingLayer, tokens: number): EmbeddingSource {
  const headers = readAllHeaders(file, () => {});
  const find = (name: string) => {
    for (const header of headers) {
      const tensor = header.tensors.find((candidate) => candidate.name === name);
      if (tensor !== undefined) return { file: header.file, tensor };
    }
    return undefined;
  };
  const found = find(TENSORS[layer]) ?? find(TENSORS.input);
  const [width = 0, rows = 0] = found?.tensor.shape ?? [];
  if (found === undefined || found.tensor.shape.length !== 2 || rows < tokens) {
    const state = found === undefined ? "no token embeddings" : `embeddings for ${rows} of its ${tokens} tokens`;
    throw new LlamafuseError(
      "unsupported-model",
      `${file} has ${state}, but this method compares tokens by them. Use a method without embeddings, such as unite or gac.`,
      { file, found: rows, allowed: tokens },
    );
  }
  const { name, type, offset } = found.tensor;
  const rowBytes = (width / type.blockElements) * type.blockBytes;
  return { kind: "file", file: found.file, tensor: name, type: type.id, offset, rowBytes, rows, width };
}

/** Rows [from, to) in float32, one after another. `math` is needed for files only. */
export function readRows(source: EmbeddingSource, from: number, to: number, math?: GgmlMath): Float32Array {
  const { width } = source;
  if (source.kind === "memory") return source.values.subarray(from * width, to * width);
  const bytes = readBytes(source.file, source.offset + from * source.rowBytes, (to - from) * source.rowBytes);
  if (math === undefined) throw new LlamafuseError("library", `llama.cpp is needed to read ${source.file}.`);
  return dequantise(math, source.type, bytes, (to - from) * width);
}

/** All rows, each an array of its own: for small matrices. */
export function readAllRows(source: EmbeddingSource, library: LibraryFiles): Float32Array[] {
  const { rows, width } = source;
  const all = readRows(source, 0, rows, ggmlMath(library));
  return Array.from({ length: rows }, (_, row) => all.subarray(row * width, (row + 1) * width));
}

/**
 * The named rows in that order, each changed in place by `change`, in native memory that the caller frees. Shape of the
 * result: ids × width.
 */
export function gatherRows(
  source: EmbeddingSource,
  ids: Int32Array,
  math: GgmlMath,
  change: (row: Float64Array) => void,
): NativeFloats {
  const { rows, width } = source;
  const places = ids.map((_, place) => place).sort((a, b) => ids[a] - ids[b]);
  const gathered = allocateFloats(ids.length * width);
  const view = viewFloats(gathered);
  const row = new Float64Array(width);
  let next = 0;
  for (let from = 0; from < rows && next < places.length; from += CHUNK_ROWS) {
    const to = Math.min(from + CHUNK_ROWS, rows);
    if (ids[places[next]] >= to) continue;
    const chunk = readRows(source, from, to, math);
    for (; next < places.length && ids[places[next]] < to; next++) {
      const at = (ids[places[next]] - from) * width;
      row.set(chunk.subarray(at, at + width));
      change(row);
      view.set(row, places[next] * width);
    }
  }
  return gathered;
}

/** The same source in a form that threads share instead of copying. */
export function shareable(source: EmbeddingSource): EmbeddingSource {
  if (source.kind === "file" || source.values.buffer instanceof SharedArrayBuffer) return source;
  const values = new Float32Array(new SharedArrayBuffer(source.values.byteLength));
  values.set(source.values);
  return { ...source, values };
}

/** SHA-256 of the numbers as they are stored, with their shape and format: what an alignment of them depends on. */
export function fingerprint(source: EmbeddingSource): string {
  const { rows, width } = source;
  const hash = createHash("sha256").update(JSON.stringify([rows, width, source.kind === "file" ? source.type : "f32"]));
  if (source.kind === "memory") {
    const { values } = source;
    return hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)).digest("hex");
  }
  const end = source.offset + rows * source.rowBytes;
  for (let at = source.offset; at < end; at += CHUNK_BYTES) {
    hash.update(readBytes(source.file, at, Math.min(CHUNK_BYTES, end - at)));
  }
  return hash.digest("hex");
}

function readBytes(file: string, position: number, length: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(length);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, "r");
    for (let done = 0; done < length; ) {
      const count = readSync(descriptor, bytes, done, length - done, position + done);
      if (count === 0) throw unreadable(file, `the file ends at byte ${position + done}`);
      done += count;
    }
  } catch (cause) {
    throw cause instanceof LlamafuseError ? cause : unreadable(file, (cause as Error).message, cause);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  return bytes;
}

function unreadable(file: string, why: string, cause?: unknown): LlamafuseError {
  return new LlamafuseError("file-unreadable", `Cannot read the embeddings in ${file}: ${why}.`, { file }, cause);
}
