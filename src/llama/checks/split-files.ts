/** Models in several files, `<name>-00001-of-00003.gguf` and so on: find them all and check that they belong together. */
import { closeSync } from "node:fs";
import { LlamafuseError } from "../../errors.js";
import { type GgufHeader, readGgufHeader } from "../gguf.js";
import { openModelFile, requireGgufMagic } from "./file-kind.js";
import { Cure, invalidModel, modelError } from "./model-error.js";

/** The name that llama.cpp gives to parts, and by which alone it finds the others. */
const PART_NAME = /^(?<stem>.*)-(?<number>\d{5})-of-(?<count>\d{5})\.gguf$/s;

/** Read one file's header. */
function readHeader(file: string): GgufHeader {
  const descriptor = openModelFile(file);
  try {
    requireGgufMagic(descriptor, file);
    return readGgufHeader(descriptor, file);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The headers of all files of the model that `file` belongs to, the first one (which has the metadata) first. Any part
 * may be named; llama.cpp itself needs the first.
 */
export function readAllHeaders(file: string, checkpoint: () => void): GgufHeader[] {
  const given = readHeader(file);
  const count = given.metadata.uint16("split.count") ?? 0;
  if (count <= 1) return [given];
  const paths = partPaths(file, count);
  const headers = paths.map((part, index) => {
    checkpoint();
    const header = part === file ? given : readPart(part, file, index, count);
    checkPart(header, index, count);
    return header;
  });
  checkTotal(headers);
  return headers;
}

function partPaths(file: string, count: number): string[] {
  const groups = PART_NAME.exec(file)?.groups;
  const digits = (value: number) => String(value).padStart(5, "0");
  const ending = `-of-${digits(count)}.gguf`;
  if (groups === undefined || Number(groups.count) !== count) {
    const problem = `it is one part of ${count}, and its name does not end as theirs do ("-00001${ending}").`;
    throw invalidModel(file, problem, "Give the parts their original names, in one folder.", {
      found: file,
      allowed: count,
    });
  }
  return Array.from({ length: count }, (_, index) => `${groups.stem}-${digits(index + 1)}${ending}`);
}

function readPart(part: string, given: string, index: number, count: number): GgufHeader {
  try {
    return readHeader(part);
  } catch (error) {
    if (!(error instanceof LlamafuseError) || error.code !== "file-unreadable") throw error;
    const problem = `this part ${index + 1} of ${count} cannot be read; ${given} needs all of them.`;
    throw modelError(
      "file-unreadable",
      part,
      problem,
      "Download it into the same folder.",
      { part: index + 1, count },
      error,
    );
  }
}

/** The keys are exactly u16: llama.cpp reads `split.no` of later parts with an assertion on the type. */
function checkPart(header: GgufHeader, index: number, count: number): void {
  const number = header.metadata.uint16("split.no");
  const of = header.metadata.uint16("split.count") ?? count;
  if (number === index && of === count) return;
  const state = number === undefined ? 'has no "split.no"' : `says it is part ${number + 1} of ${of}`;
  const problem = `it ${state}, but its name says part ${index + 1} of ${count}.`;
  throw invalidModel(header.file, problem, "Give the parts their original names.", {
    found: [number, of],
    allowed: [index, count],
  });
}

function checkTotal(headers: readonly GgufHeader[]): void {
  const [first] = headers;
  const expected = first!.metadata.int32("split.tensors.count");
  const found = headers.reduce((sum, header) => sum + header.tensors.length, 0);
  if (expected === found) return;
  const problem = `its ${headers.length} parts have ${found} tensors, but "split.tensors.count" is ${expected ?? "missing"}.`;
  throw invalidModel(first!.file, problem, `The parts are of different models or incomplete. ${Cure.download}`, {
    found,
    allowed: expected,
  });
}
