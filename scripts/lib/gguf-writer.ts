/**
 * Writes GGUF version 3 files: for tests (tiny and deliberately odd ones) and for the bench models, whose tensor data
 * is produced in chunks and never held as a whole.
 *
 * The writer checks what it needs to write a well-formed file and nothing more, so tests can write files that a
 * reader has to refuse.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { LlamafuseError, unknownName } from "../../src/errors.js";
import { GGML_TYPES, ggmlTypeNamed } from "../../src/llama/gguf/ggml-types.js";

type NumberType = "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32" | "float32" | "float64";
type Element = number | bigint | boolean | string | Uint8Array;

/** A metadata value with its type; make them with `field`. Strings may be bytes, for what is not UTF-8. */
export interface Field {
  type: string;
  value: Element | { elementType: string; values: readonly Element[] | ArrayLike<number> };
}

/** `field.uint32(8)`, `field.string("llama")`, `field.array("string", ["a", "b"])`. */
export const field = {
  uint8: (value: number): Field => ({ type: "uint8", value }),
  int8: (value: number): Field => ({ type: "int8", value }),
  uint16: (value: number): Field => ({ type: "uint16", value }),
  int16: (value: number): Field => ({ type: "int16", value }),
  uint32: (value: number): Field => ({ type: "uint32", value }),
  int32: (value: number): Field => ({ type: "int32", value }),
  uint64: (value: bigint): Field => ({ type: "uint64", value }),
  int64: (value: bigint): Field => ({ type: "int64", value }),
  float32: (value: number): Field => ({ type: "float32", value }),
  float64: (value: number): Field => ({ type: "float64", value }),
  bool: (value: boolean): Field => ({ type: "bool", value }),
  string: (value: string | Uint8Array): Field => ({ type: "string", value }),
  array: (elementType: string, values: readonly Element[] | ArrayLike<number>): Field => ({
    type: "array",
    value: { elementType, values },
  }),
};

/** The format's ids, by position. */
const TYPE_IDS = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "float32",
  "bool",
  "string",
  "array",
  "uint64",
  "int64",
  "float64",
];

export interface TensorToWrite {
  name: string;
  /** A format's name: "F32", "F16", "Q8_0", … */
  type: string;
  /** Innermost dimension first. */
  shape: readonly number[];
  /** The data in chunks of any size, made when the file is written. */
  data: () => Iterable<Uint8Array>;
}

export interface GgufToWrite {
  metadata: Readonly<Record<string, Field>>;
  tensors: readonly TensorToWrite[];
  /** Default 32, the format's own. Written as `general.alignment` where it is another. */
  alignment?: number;
}

/** Bytes of a tensor's data. */
export function tensorBytes(tensor: Pick<TensorToWrite, "name" | "type" | "shape">): number {
  const type = ggmlTypeNamed(tensor.type);
  if (type === undefined) throw unknownName("tensor format", tensor.type, formatNames());
  const elements = tensor.shape.reduce((product, size) => product * size, 1);
  return (elements / type.blockElements) * type.blockBytes;
}

/** The file as chunks, in order. */
export function* ggufChunks(file: GgufToWrite): Generator<Uint8Array> {
  const alignment = file.alignment ?? 32;
  const head = header(file, alignment);
  yield head;
  if (file.tensors.length > 0) yield padding(head.length, alignment);
  for (const tensor of file.tensors) {
    const expected = tensorBytes(tensor);
    let written = 0;
    for (const chunk of tensor.data()) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== expected) {
      const message = `Tensor "${tensor.name}" has ${written} bytes of data; ${expected} are needed.`;
      throw new LlamafuseError("invalid-option", message, { found: written, allowed: expected });
    }
    yield padding(written, alignment);
  }
}

/** Write the file, chunk by chunk; memory stays at one chunk. Returns its size. */
export function writeGguf(path: string, file: GgufToWrite): number {
  const descriptor = openSync(path, "w");
  let total = 0;
  try {
    for (const chunk of ggufChunks(file)) {
      for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at);
      total += chunk.length;
    }
  } finally {
    closeSync(descriptor);
  }
  return total;
}

/** The whole file in memory, for small ones. */
export function ggufBytes(file: GgufToWrite): Buffer {
  return Buffer.concat([...ggufChunks(file)]);
}

function header(file: GgufToWrite, alignment: number): Buffer {
  const metadata = { ...file.metadata };
  if (alignment !== 32) metadata["general.alignment"] ??= field.uint32(alignment);
  const parts: Uint8Array[] = [
    Buffer.from("GGUF"),
    uint32(3),
    uint64(file.tensors.length),
    uint64(Object.keys(metadata).length),
  ];
  for (const [key, value] of Object.entries(metadata)) {
    parts.push(text(key));
    for (const part of encodeField(value)) parts.push(part);
  }
  let offset = 0;
  for (const tensor of file.tensors) {
    const type = ggmlTypeNamed(tensor.type);
    if (type === undefined) throw unknownName("tensor format", tensor.type, formatNames());
    parts.push(
      text(tensor.name),
      uint32(tensor.shape.length),
      ...tensor.shape.map(uint64),
      uint32(type.id),
      uint64(offset),
    );
    const bytes = tensorBytes(tensor);
    offset += bytes + padding(bytes, alignment).length;
  }
  return Buffer.concat(parts);
}

function* encodeField({ type, value }: Field): Generator<Uint8Array> {
  yield uint32(TYPE_IDS.indexOf(type));
  if (typeof value === "object" && "elementType" in value) {
    const { elementType, values } = value;
    yield uint32(TYPE_IDS.indexOf(elementType));
    yield uint64(values.length);
    for (let index = 0; index < values.length; index++) yield encodeScalar(elementType, values[index]!);
  } else {
    yield encodeScalar(type, value);
  }
}

function encodeScalar(type: string, value: Element): Uint8Array {
  if (type === "string") return text(value as string | Uint8Array);
  if (type === "bool") return Uint8Array.of(value ? 1 : 0);
  const bytes = Buffer.alloc(8);
  switch (type as NumberType | "uint64" | "int64") {
    case "uint8":
      return bytes.subarray(0, bytes.writeUInt8(value as number));
    case "int8":
      return bytes.subarray(0, bytes.writeInt8(value as number));
    case "uint16":
      return bytes.subarray(0, bytes.writeUInt16LE(value as number));
    case "int16":
      return bytes.subarray(0, bytes.writeInt16LE(value as number));
    case "uint32":
      return bytes.subarray(0, bytes.writeUInt32LE(value as number));
    case "int32":
      return bytes.subarray(0, bytes.writeInt32LE(value as number));
    case "float32":
      return bytes.subarray(0, bytes.writeFloatLE(value as number));
    case "float64":
      return bytes.subarray(0, bytes.writeDoubleLE(value as number));
    case "uint64":
      return bytes.subarray(0, bytes.writeBigUInt64LE(value as bigint));
    case "int64":
      return bytes.subarray(0, bytes.writeBigInt64LE(value as bigint));
  }
}

function text(value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function formatNames(): string[] {
  return Array.from(GGML_TYPES.values(), (type) => type.name);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function padding(length: number, alignment: number): Uint8Array {
  return new Uint8Array((alignment - (length % alignment)) % alignment);
}
