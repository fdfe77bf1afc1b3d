/**
 * Reads safetensors files (https://github.com/huggingface/safetensors): eight bytes with the header's length, a JSON header
 * with each tensor's type, shape and place, and the numbers.
 */
import { readFileSync } from "node:fs";
import { LlamafuseError } from "../../src/errors.js";

export interface SafeTensor {
  name: string;
  /** Outermost dimension first. */
  shape: number[];
  /** Little-endian float32. */
  data: Uint8Array;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [start: number, end: number];
}

/** The tensors of single precision, in the file's order; the rest is left out. Errors: invalid-data. */
export function readSafetensors(file: string): SafeTensor[] {
  const bytes = readFileSync(file);
  const length = bytes.length < 8 ? 0 : Number(bytes.readBigUInt64LE(0));
  const start = 8 + length;
  if (length === 0 || start > bytes.length) {
    throw new LlamafuseError("invalid-data", `${file} is not a safetensors file: its header takes ${length} bytes.`, {
      found: length,
      allowed: `1 to ${bytes.length - 8}`,
    });
  }
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<string, Entry>;
  return Object.entries(header).flatMap(([name, { dtype, shape, data_offsets }]) => {
    // "__metadata__" has no type.
    if (dtype !== "F32") return [];
    const [from, to] = data_offsets;
    return [{ name, shape, data: bytes.subarray(start + from, start + to) }];
  });
}
