/** Files that are not GGUF, recognised by their first bytes, with what to do about each. */
import { openSync, readdirSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { LlamafuseError, nearestName } from "../../errors.js";
import { Cure, invalidModel, modelError, quoted } from "./model-error.js";

/** Enough for every signature below and for the first words of a page or an error message. */
const SAMPLE_BYTES = 512;

const CONVERT = "Convert it to GGUF with llama.cpp's convert_hf_to_gguf.py, or take a GGUF conversion of the model.";
const UNPACK = "Unpack it and name the .gguf file inside.";

interface Signature {
  matches: (bytes: Buffer, text: string) => boolean;
  looks: string;
  cure: string;
}

const begins =
  (...starts: string[]) =>
  (_: Buffer, text: string) =>
    starts.some((start) => text.startsWith(start));

/** In this order; the text is the first bytes as latin1. */
const SIGNATURES: readonly Signature[] = [
  {
    matches: (_, text) => /^\s*(<!doctype html|<html|<\?xml)/i.test(text),
    looks: "a web page, most often a login or error page saved under the model's name",
    cure: "Download the file itself (on Hugging Face: the “resolve” link, not the “blob” page).",
  },
  {
    matches: begins("version https://git-lfs"),
    looks: "a Git LFS pointer, not the file itself",
    cure: 'Run "git lfs pull" in its repository, or download the file.',
  },
  { matches: begins("PK\x03\x04"), looks: "a zip archive, most often a PyTorch checkpoint", cure: CONVERT },
  {
    matches: (bytes) => bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5,
    looks: "a Python pickle, most often an old PyTorch checkpoint",
    cure: CONVERT,
  },
  {
    matches: (bytes) => bytes.length > 8 && bytes[8] === 0x7b && bytes.readBigUInt64LE(0) < 1n << 27n,
    looks: "a safetensors file",
    cure: CONVERT,
  },
  {
    matches: begins("lmgg", "fmgg", "tjgg", "algg"),
    looks: "a model in the old GGML format, which llama.cpp no longer reads",
    cure: "Take a GGUF conversion of the model.",
  },
  {
    matches: begins("\x1f\x8b", "\x28\xb5\x2f\xfd", "7z\xbc\xaf", "Rar!"),
    looks: "a compressed archive",
    cure: UNPACK,
  },
  {
    // Number of entries, length of a name, a tensor's name.
    matches: (bytes, text) =>
      bytes.length > 16 && bytes.readUInt32LE(4) < 64 && /^(?:blk\.\d+\.|output\.)/.test(text.slice(8)),
    looks: "an importance matrix (imatrix) in the old format, not a model",
    cure: "Name the model itself.",
  },
  { matches: (bytes) => bytes.toString("latin1", 257, 262) === "ustar", looks: "a tar archive", cure: UNPACK },
  { matches: (_, text) => /^\s*[{[]/.test(text), looks: "a JSON file", cure: "Name the .gguf file of the model." },
  {
    matches: (bytes) => bytes.every((byte) => byte === 0),
    looks: "a file of zero bytes, most often a download that was reserved and never finished",
    cure: Cure.download,
  },
];

/** Open a regular file, or say why not: missing, a directory, a pipe, not permitted. */
export function openModelFile(file: string): number {
  try {
    // Before it is opened: opening a named pipe waits for someone who writes into it.
    const status = statSync(file);
    if (status.isFile()) return openSync(file, "r");
    const kind = status.isDirectory() ? "a directory" : "not a regular file";
    throw modelError("file-unreadable", file, `it is ${kind}.`, `Name a .gguf file${inside(file)}.`, { found: kind });
  } catch (cause) {
    throw cause instanceof LlamafuseError ? cause : unreadable(file, cause as NodeJS.ErrnoException);
  }
}

/** Refuse a file that is not GGUF by what it looks like. */
export function requireGgufMagic(descriptor: number, file: string): void {
  const sample = Buffer.alloc(SAMPLE_BYTES);
  const bytes = sample.subarray(0, readSync(descriptor, sample, 0, SAMPLE_BYTES, 0));
  const text = bytes.toString("latin1");
  if (text.startsWith("GGUF")) return;
  if (bytes.length === 0) throw invalidModel(file, "it is empty (0 bytes).", Cure.download, { found: 0 });
  if ("GGUF".startsWith(text)) {
    throw invalidModel(file, `it ends after ${bytes.length} bytes; a GGUF header is longer.`, Cure.download, {
      found: bytes.length,
    });
  }
  const known = SIGNATURES.find((signature) => signature.matches(bytes, text));
  const start = /^[\x20-\x7e\s]+$/.test(text.slice(0, 40)) ? quoted(text.slice(0, 40)) : bytes.toString("hex", 0, 4);
  const looks = known?.looks ?? `not a GGUF file: it begins with ${start}, a GGUF file with "GGUF"`;
  throw invalidModel(file, `it is ${looks}.`, known?.cure ?? Cure.download, { found: start, allowed: "GGUF" });
}

function unreadable(file: string, cause: NodeJS.ErrnoException): Error {
  const [problem, cure] =
    cause.code === "ENOENT"
      ? ["the file does not exist.", `Check the path (relative to ${process.cwd()}).${alike(file)}`]
      : cause.code === "EACCES" || cause.code === "EPERM"
        ? ["it may not be read.", "Give this user read permission."]
        : [`it cannot be opened (${cause.code ?? cause.message}).`, "Check the path."];
  return modelError("file-unreadable", file, problem, cure, { found: cause.code }, cause);
}

/** ` Did you mean "llama.gguf"?` where the folder has a name like the missing one. */
function alike(file: string): string {
  const near = nearestName(path.basename(file), modelsIn(path.dirname(file)));
  return near === undefined ? "" : ` Did you mean ${quoted(near)}?`;
}

/** `, for example a.gguf or b.gguf` for a folder that has some. */
function inside(folder: string): string {
  const names = modelsIn(folder);
  return names.length === 0 ? "" : `, for example ${names.slice(0, 3).join(" or ")}`;
}

function modelsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.toLowerCase().endsWith(".gguf"));
  } catch {
    return [];
  }
}
