/** Arrays of numbers in JSON files: base64 of the little-endian bytes, exact and a third of the size of digits. */
import { z } from "zod";
import { LlamafuseError } from "../errors.js";
import { type Matrix, makeMatrix } from "./matrix.js";

/** A typed array as it stands in a JSON document; `kind` is the element type. */
export interface PackedNumbers {
  kind: "float64" | "float32" | "int32";
  shape: number[];
  base64: string;
}

const TYPES = { float64: Float64Array, float32: Float32Array, int32: Int32Array } as const;

export const packedNumbers: z.ZodType<PackedNumbers> = z.strictObject({
  kind: z.enum(["float64", "float32", "int32"]),
  shape: z.array(z.int().min(0)),
  base64: z.base64(),
});

export function pack(
  values: Float64Array | Float32Array | Int32Array,
  shape: readonly number[] = [values.length],
): PackedNumbers {
  const kind = values instanceof Float64Array ? "float64" : values instanceof Float32Array ? "float32" : "int32";
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return { kind, shape: [...shape], base64: bytes.toString("base64") };
}

export function packMatrix(matrix: Matrix): PackedNumbers {
  return pack(matrix.data, matrix.shape);
}

/** The array again. LlamafuseError "invalid-data" where the bytes do not fill the shape, or are no finite numbers. */
export function unpack<Kind extends PackedNumbers["kind"]>(
  packed: PackedNumbers,
  kind: Kind,
): InstanceType<(typeof TYPES)[Kind]> {
  const { shape, base64 } = packed;
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  const wanted = shape.reduce((product, size) => product * size, TYPES[kind].BYTES_PER_ELEMENT);
  if (packed.kind !== kind || bytes.length !== wanted) {
    throw new LlamafuseError(
      "invalid-data",
      `An array of ${packed.kind} with ${bytes.length} bytes was found where ${kind} of shape ${shape.join(" × ")} (${wanted} bytes) is expected. The file is damaged: save it again.`,
      { found: bytes.length, allowed: wanted },
    );
  }
  const numbers = new TYPES[kind](bytes.buffer) as InstanceType<(typeof TYPES)[Kind]>;
  const odd = numbers.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) {
    throw new LlamafuseError(
      "invalid-data",
      `Number ${odd} of an array of ${kind} is ${numbers[odd]}; only finite numbers are saved. The file is damaged: save it again.`,
      { found: String(numbers[odd]), allowed: "finite numbers" },
    );
  }
  return numbers;
}

export function unpackMatrix(packed: PackedNumbers): Matrix {
  const [rows, columns] = packed.shape;
  return makeMatrix(rows, columns, unpack(packed, "float64"));
}
