/** The GGUF files below a folder, each model once. */
import { type Dirent, readdirSync } from "node:fs";
import path from "node:path";
import type { FoundModel } from "./store.js";

/** More entries than any store has; a variable that names a whole disk by mistake ends here. */
const MOST_ENTRIES = 50_000;

/** Image parts and importance matrices are GGUF files too, and no models. */
const BESIDE_MODELS = /(^|[-_.])(mmproj|imatrix)([-_.]|$)/i;

/** `model-00002-of-00003.gguf`: the name that llama.cpp gives to parts. */
const PART_NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

/**
 * Paths of the models' files, relative to the folder and with `/`, in the order of their names. Links to files are
 * followed, links to folders are not. A model in parts stands once, by its first part. Throws the system's error where the
 * folder itself cannot be read.
 */
export function ggufFiles(folder: string, depth: number): string[] {
  const found: string[] = [];
  let entries = 0;
  const walk = (relative: string, left: number): void => {
    for (const entry of list(path.join(folder, relative), relative === "")) {
      if (++entries > MOST_ENTRIES) return;
      const inside = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) {
        if (left > 0) walk(inside, left - 1);
      } else if (isModelName(entry.name) && (entry.isFile() || entry.isSymbolicLink())) found.push(inside);
    }
  };
  walk("", depth);
  return firstParts(found).sort();
}

/** Models that go by the path of their file in the store. */
export function modelsByPath(folder: string, depth: number): FoundModel[] {
  return ggufFiles(folder, depth).map((name) => ({ name, file: path.join(folder, name), aliases: [] }));
}

function list(folder: string, must: boolean): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (must) throw error;
    return [];
  }
}

function isModelName(name: string): boolean {
  return /\.gguf$/i.test(name) && !name.startsWith(".") && !BESIDE_MODELS.test(name);
}

function firstParts(files: readonly string[]): string[] {
  const models = new Map<string, string>();
  for (const file of files) {
    const [, stem, , count] = PART_NAME.exec(file) ?? [];
    const model = stem === undefined ? file : `${stem}/${count}`;
    const known = models.get(model);
    if (known === undefined || file < known) models.set(model, file);
  }
  return [...models.values()];
}
