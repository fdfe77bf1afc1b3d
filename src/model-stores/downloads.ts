/**
 * Downloaded models: where they are kept, and which file belongs to which address.
 *
 * A file's name ends with a hash of its address, so that two addresses never share a file, and no address can name a file
 * of ours. `downloaded.json` beside the files says, for people and for models in several parts, where each came from.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { LlamafuseError } from "../errors.js";
import { homeFolder, writeWholeSync } from "../files.js";
import { maskSecrets } from "../secrets.js";

/** The environment variable that names the folder for downloaded models. */
export const MODELS_VARIABLE = "LLAMAFUSE_MODELS";
const INDEX = "downloaded.json";
const HASH_DIGITS = 12;
/** With hash, part numbers and what a download adds while it runs, a name stays below the 255 bytes of file systems. */
const LONGEST_STEM = 120;

/** Errors: file-unreadable where the user has no folder of their own. */
export function modelsFolder(): string {
  const named = process.env[MODELS_VARIABLE];
  if (named) return path.resolve(named);
  const home = homeFolder();
  if (home !== undefined) return path.join(home, ".llamafuse", "models");
  const message = `Models cannot be downloaded: HOME names no folder. Set ${MODELS_VARIABLE} to a folder for them.`;
  throw new LlamafuseError("file-unreadable", message, { option: MODELS_VARIABLE });
}

/** `robin-1a2b3c4d5e6f.gguf` for `https://host/some/robin.gguf`. */
export function fileNameOf(address: string): string {
  const stem = path
    .basename(address.replace(/[?#].*$/s, ""))
    .replace(/(-\d{5}-of-\d{5})?\.gguf$/i, "")
    .replace(/[^\w.-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, LONGEST_STEM);
  return `${stem || "model"}-${hashOf(address)}.gguf`;
}

/** The file that an address was downloaded to; undefined if there is none. */
export function downloadedFile(folder: string, address: string): string | undefined {
  const whole = path.join(folder, fileNameOf(address));
  if (isFile(whole)) return whole;
  const index = readIndex(folder);
  const name = index.get(maskSecrets(address));
  if (name === undefined) return undefined;
  // Without the hash it was written when two addresses could still share a file: trusted where it has one address.
  const isOnes =
    name.includes(hashOf(address)) || Array.from(index.values()).filter((other) => other === name).length === 1;
  const file = path.join(folder, name);
  return isOnes && isFile(file) ? file : undefined;
}

/** Write down where a file came from. Errors: file-unwritable. */
export function rememberDownload(folder: string, address: string, file: string): void {
  const index = { ...Object.fromEntries(readIndex(folder)), [maskSecrets(address)]: path.relative(folder, file) };
  writeWholeSync(path.join(folder, INDEX), `${JSON.stringify(index, null, 2)}\n`, { cache: true });
}

/** Address → name of a file in the folder. What is damaged, or leads out of the folder, is left out. */
function readIndex(folder: string): Map<string, string> {
  const index = new Map<string, string>();
  let entries: unknown;
  try {
    entries = JSON.parse(readFileSync(path.join(folder, INDEX), "utf8"));
  } catch {
    return index;
  }
  if (typeof entries !== "object" || entries === null) return index;
  for (const [address, name] of Object.entries(entries)) {
    if (typeof name === "string" && name === path.basename(name) && name !== INDEX) index.set(address, name);
  }
  return index;
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function hashOf(address: string): string {
  return createHash("sha256").update(address).digest("hex").slice(0, HASH_DIGITS);
}
