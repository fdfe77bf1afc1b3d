/**
 * The header of a GGUF file (versions 2 and 3, little endian): metadata and the list of tensors, never their data.
 *
 * The file is not trusted. Each limit below is a constant with its reason, every size is checked against the file
 * before it is used, and whatever llama.cpp's own reader refuses is refused here with an error that says why.
 */
import { fstatSync } from "node:fs";
import { Cure, invalidModel, quoted, unsupportedModel } from "./checks/model-error.js";
import { HeaderCursor } from "./gguf/cursor.js";
import { type ElementType, GgufArray, GgufMetadata, type MetadataEntry, VALUE_TYPES } from "./gguf/metadata.js";
import {
  type GgufTensor,
  MAX_TENSORS,
  MIN_TENSOR_BYTES,
  placeTensors,
  readTensorInfos,
  roundUp,
} from "./gguf/tensors.js";

export { GgufArray, GgufMetadata } from "./gguf/metadata.js";
export type { GgufTensor } from "./gguf/tensors.js";

/** Keys are short dotted names; the format itself ends them at 2^16 - 1 bytes. */
const MAX_KEY_BYTES = 65_535;
/** The longest strings in use are chat templates and tokenizer.json copies (up to about 20 MB). */
const MAX_STRING_BYTES = 64 * 1024 * 1024;
/** The longest arrays in use are merges, about 10^6; llama.cpp keeps a std::string for each. */
const MAX_ARRAY_LENGTH = 1 << 24;
/** Files in use have below 200 pairs; llama.cpp compares every new key with all before it, so many would hang it. */
const MAX_PAIRS = 16_384;
/** A file without `general.alignment` pads to 32 bytes. */
const DEFAULT_ALIGNMENT = 32;

/** Fewest bytes that a pair takes: 8 for its key's length, 1 key, 4 type, 1 value. */
const MIN_PAIR_BYTES = 14;

export interface GgufHeader {
  file: string;
  version: number;
  fileBytes: number;
  alignment: number;
  metadata: GgufMetadata;
  tensors: readonly GgufTensor[];
  /** Where tensor data begins. */
  dataOffset: number;
}

/** Read the header of an open file. `file` is the path that errors name. */
export function readGgufHeader(descriptor: number, file: string): GgufHeader {
  const cursor = new HeaderCursor(file, descriptor, fstatSync(descriptor).size);
  const version = readVersion(cursor);
  const tensorCount = cursor.count("tensors", MAX_TENSORS, MIN_TENSOR_BYTES);
  const pairCount = cursor.count("metadata pairs", MAX_PAIRS, MIN_PAIR_BYTES);
  const pending = readPairs(cursor, pairCount);
  const metadata = new GgufMetadata(file, pending.entries);
  const alignment = readAlignment(metadata);
  const infos = readTensorInfos(cursor, tensorCount);
  pending.attach(cursor.header());
  const dataOffset = tensorCount === 0 ? cursor.position : roundUp(cursor.position, alignment);
  const tensors = placeTensors(file, infos, dataOffset, alignment, cursor.fileBytes);
  return { file, version, fileBytes: cursor.fileBytes, alignment, metadata, tensors, dataOffset };
}

function readVersion(cursor: HeaderCursor): number {
  const { file } = cursor;
  const magic = cursor.bytes(4, "the magic number").toString("latin1");
  if (magic !== "GGUF") {
    throw invalidModel(file, `it begins with ${quoted(magic)}, but a GGUF file begins with "GGUF".`, Cure.download, {
      found: magic,
      allowed: "GGUF",
    });
  }
  const version = cursor.uint32("the version number");
  if (version === 2 || version === 3) return version;
  const details = { found: version, allowed: [2, 3] };
  if ((version & 0xffff) === 0 && version !== 0) {
    throw unsupportedModel(file, "it is a big-endian GGUF; little-endian files are supported.", Cure.update, details);
  }
  if (version === 1) {
    throw unsupportedModel(file, "it is GGUF version 1; versions 2 and 3 are supported.", Cure.convert, details);
  }
  throw invalidModel(file, `it says GGUF version ${version}; versions 2 and 3 are supported.`, Cure.update, details);
}

/**
 * The pairs. Arrays are only walked here: the cursor's buffer may still be replaced by a larger one, so `attach` makes
 * them views on the finished header.
 */
function readPairs(cursor: HeaderCursor, count: number) {
  const entries = new Map<string, MetadataEntry>();
  const arrays: {
    key: string;
    elementType: ElementType;
    length: number;
    begin: number;
    end: number;
    starts: Uint32Array;
  }[] = [];
  for (let index = 0; index < count; index++) {
    const key = cursor.name(`key ${index + 1} of ${count}`, MAX_KEY_BYTES);
    if (key === "" || entries.has(key)) {
      const problem = key === "" ? `metadata key ${index + 1} is empty.` : `the key ${quoted(key)} occurs twice.`;
      throw invalidModel(cursor.file, problem, Cure.download, { key });
    }
    const type = readValueType(cursor, key);
    if (type !== "array") {
      entries.set(key, { type, value: readScalar(cursor, type, key) });
      continue;
    }
    arrays.push({ key, ...walkArray(cursor, key) });
    entries.set(key, { type, value: 0 });
  }
  const attach = (header: Buffer): void => {
    for (const { key, elementType, length, begin, end, starts } of arrays) {
      entries.set(key, {
        type: "array",
        value: new GgufArray(elementType, length, header.subarray(begin, end), starts),
      });
    }
  };
  return { entries, attach };
}

function readValueType(cursor: HeaderCursor, key: string) {
  const id = cursor.uint32(`the type of ${quoted(key)}`);
  const type = VALUE_TYPES[id];
  if (type === undefined) {
    const problem = `${quoted(key)} has value type ${id}; types 0 to ${VALUE_TYPES.length - 1} exist.`;
    throw invalidModel(cursor.file, problem, Cure.download, { key, found: id, allowed: VALUE_TYPES.length - 1 });
  }
  return type.name;
}

function readScalar(cursor: HeaderCursor, type: ElementType, key: string): number | bigint | boolean | string {
  const what = `the value of ${quoted(key)}`;
  if (type === "string") return cursor.string(what, MAX_STRING_BYTES).toString("utf8");
  const bytes = cursor.bytes(VALUE_TYPES.find((entry) => entry.name === type)!.bytes, what);
  switch (type) {
    case "uint8":
      return bytes.readUInt8();
    case "int8":
      return bytes.readInt8();
    case "uint16":
      return bytes.readUInt16LE();
    case "int16":
      return bytes.readInt16LE();
    case "uint32":
      return bytes.readUInt32LE();
    case "int32":
      return bytes.readInt32LE();
    case "float32":
      return bytes.readFloatLE();
    case "uint64":
      return bytes.readBigUInt64LE();
    case "int64":
      return bytes.readBigInt64LE();
    case "float64":
      return bytes.readDoubleLE();
    case "bool":
      requireBool(cursor.file, bytes, key);
      return bytes[0] === 1;
  }
}

function requireBool(file: string, bytes: Uint8Array, key: string): void {
  const bad = bytes.find((byte) => byte > 1);
  if (bad !== undefined) {
    const problem = `${quoted(key)} holds the byte ${bad} as a boolean; 0 and 1 are allowed.`;
    throw invalidModel(file, problem, Cure.download, { key, found: bad, allowed: [0, 1] });
  }
}

function walkArray(cursor: HeaderCursor, key: string) {
  const elementType = readValueType(cursor, key);
  if (elementType === "array") {
    throw invalidModel(
      cursor.file,
      `${quoted(key)} is an array of arrays, which llama.cpp does not read.`,
      Cure.convert,
      {
        key,
      },
    );
  }
  const minBytes = elementType === "string" ? 8 : VALUE_TYPES.find((entry) => entry.name === elementType)!.bytes;
  const length = cursor.count(`entries of ${quoted(key)}`, MAX_ARRAY_LENGTH, minBytes);
  const begin = cursor.position;
  const what = `the array ${quoted(key)}`;
  let starts = new Uint32Array(0);
  if (elementType === "string") {
    starts = new Uint32Array(length + 1);
    for (let index = 0; index < length; index++) {
      const bytes = cursor.stringLength(what, MAX_STRING_BYTES);
      starts[index] = cursor.position - begin;
      cursor.need(bytes, what);
      cursor.position += bytes;
    }
    starts[length] = cursor.position - begin + 8;
  } else {
    const bytes = cursor.bytes(length * minBytes, what);
    if (elementType === "bool") requireBool(cursor.file, bytes, key);
  }
  return { elementType, length, begin, end: cursor.position, starts };
}

function readAlignment(metadata: GgufMetadata): number {
  const alignment = metadata.uint32("general.alignment") ?? DEFAULT_ALIGNMENT;
  if (alignment === 0 || (alignment & (alignment - 1)) !== 0) {
    const problem = `"general.alignment" is ${alignment}; a power of two is allowed.`;
    throw invalidModel(metadata.file, problem, Cure.convert, { found: alignment, allowed: "a power of two" });
  }
  return alignment;
}
