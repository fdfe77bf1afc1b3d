/**
 * The tensors of a GGUF header: names, shapes, formats, and where each one's data lies. The data is not read.
 */

import { Cure, invalidModel, quoted, unsupportedModel } from "../checks/model-error.js";
import type { HeaderCursor } from "./cursor.js";
import { GGML_TYPES, type GgmlType, REMOVED_GGML_TYPES } from "./ggml-types.js";

/** Files in use have below 3,000 tensors; llama.cpp compares every new name with all before it, so many would hang it. */
export const MAX_TENSORS = 65_536;
/** ggml holds a name in 64 bytes with its terminator. */
const MAX_TENSOR_NAME_BYTES = 63;
/** ggml's tensors have four dimensions. */
const MAX_DIMENSIONS = 4;
/** Fewest bytes that a tensor's description takes: 8 for its name's length, 4 dimensions, 4 type, 8 offset. */
export const MIN_TENSOR_BYTES = 24;

export interface GgufTensor {
  name: string;
  type: GgmlType;
  /** Innermost dimension (a row's length) first. */
  shape: readonly number[];
  elements: number;
  /** From the beginning of the file. */
  offset: number;
  bytes: number;
}

/** A tensor as listed; `offset` still counts from the beginning of the data. */
export function readTensorInfos(cursor: HeaderCursor, count: number): GgufTensor[] {
  const infos: GgufTensor[] = [];
  const names = new Set<string>();
  for (let index = 0; index < count; index++) {
    const name = cursor.name(`the name of tensor ${index + 1} of ${count}`, MAX_TENSOR_NAME_BYTES);
    if (names.has(name))
      throw invalidModel(cursor.file, `the tensor ${quoted(name)} occurs twice.`, Cure.download, { tensor: name });
    names.add(name);
    const what = `the description of tensor ${quoted(name)}`;
    const dimensions = cursor.uint32(what);
    if (dimensions > MAX_DIMENSIONS) {
      const problem = `tensor ${quoted(name)} has ${dimensions} dimensions; ${MAX_DIMENSIONS} are allowed.`;
      throw invalidModel(cursor.file, problem, Cure.download, {
        tensor: name,
        found: dimensions,
        allowed: MAX_DIMENSIONS,
      });
    }
    const shape: number[] = [];
    for (let dimension = 0; dimension < dimensions; dimension++) shape.push(cursor.uint64(what));
    const type = tensorType(cursor, name, cursor.uint32(what));
    const offset = cursor.uint64(what);
    infos.push({ name, type, shape, offset, ...tensorSize(cursor, name, type, shape) });
  }
  return infos;
}

function tensorType(cursor: HeaderCursor, name: string, id: number): GgmlType {
  const type = GGML_TYPES.get(id);
  if (type !== undefined) return type;
  const removed = REMOVED_GGML_TYPES.get(id);
  if (removed !== undefined) {
    const problem = `tensor ${quoted(name)} has the format ${removed}, which llama.cpp no longer reads.`;
    throw unsupportedModel(cursor.file, problem, "Use a Q4_0 or IQ4_NL conversion of it.", {
      tensor: name,
      found: removed,
    });
  }
  const problem = `tensor ${quoted(name)} has the format number ${id}, which this release of llama.cpp does not know.`;
  throw invalidModel(cursor.file, problem, `${Cure.download} Or: ${Cure.update}`, { tensor: name, found: id });
}

/** Elements and bytes by checked arithmetic: a tensor larger than its file is refused before any product overflows. */
function tensorSize(cursor: HeaderCursor, name: string, type: GgmlType, shape: readonly number[]) {
  const { file, fileBytes } = cursor;
  const describe = `tensor ${quoted(name)} (${type.name}, ${shape.join(" × ") || "scalar"})`;
  const row = shape[0] ?? 1;
  if (row % type.blockElements !== 0) {
    const problem = `${describe} has rows of ${row} elements; ${type.name} needs a multiple of ${type.blockElements}.`;
    throw invalidModel(file, problem, Cure.download, { tensor: name, found: row, allowed: type.blockElements });
  }
  let elements = 1;
  for (const size of shape) {
    elements *= size;
    // The densest format packs eight elements into a byte or fewer; past that, no file of this size can hold them.
    if (size === 0 || elements > fileBytes * 8) {
      const problem = `${describe} cannot be in a file of ${fileBytes} bytes.`;
      throw invalidModel(file, problem, Cure.download, { tensor: name, found: shape, allowed: fileBytes });
    }
  }
  return { elements, bytes: (elements / type.blockElements) * type.blockBytes };
}

/**
 * Where each tensor lies. llama.cpp demands the data without gaps in the order of the list, each tensor padded to the
 * alignment, so overlaps, gaps and misaligned offsets are all one check: the offset is the one expected.
 */
export function placeTensors(
  file: string,
  infos: GgufTensor[],
  dataOffset: number,
  alignment: number,
  fileBytes: number,
): GgufTensor[] {
  let expected = 0;
  for (const info of infos) {
    const { name, offset, bytes } = info;
    const details = { tensor: name, found: offset, allowed: expected };
    if (offset !== expected) {
      const kind =
        offset % alignment !== 0
          ? "is misaligned"
          : offset < expected
            ? "overlaps the tensor before it"
            : "leaves a gap";
      throw invalidModel(
        file,
        `tensor ${quoted(name)} ${kind}: its data is at offset ${offset}, ${expected} is allowed.`,
        Cure.download,
        details,
      );
    }
    info.offset = dataOffset + offset;
    if (info.offset + bytes > fileBytes) {
      const problem = `tensor ${quoted(name)} reaches byte ${info.offset + bytes}, but the file has ${fileBytes} bytes.`;
      throw invalidModel(file, problem, Cure.download, {
        tensor: name,
        found: fileBytes,
        allowed: info.offset + bytes,
      });
    }
    expected = roundUp(offset + bytes, alignment);
  }
  return infos;
}

/** Alignments reach 2^31, so no bit operations: those end at 32 bits. */
export function roundUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
