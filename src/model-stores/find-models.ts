/** Every model in the stores of this user, by names and places alone: no model file is opened. */
import { realpathSync } from "node:fs";
import { isNativeName, NATIVE_NAMES, nativeModel } from "../native-models.js";
import { llamaCpp, nodeLlamaCpp, ownDownloads } from "./flat-stores.js";
import { huggingFace } from "./hugging-face.js";
import { lmStudio } from "./lm-studio.js";
import { ollama } from "./ollama.js";
import {
  type FoundModel,
  type ModelStore,
  type StoreName,
  type StorePlace,
  type StoreProblem,
  thisPlace,
} from "./store.js";

const STORES: readonly ModelStore[] = [huggingFace, ollama, lmStudio, llamaCpp, nodeLlamaCpp, ownDownloads];

export interface StoredModel extends FoundModel {
  store: StoreName;
  /** The shortest of its names that means no other model: what to type after `--member`. */
  label: string;
}

export interface StoreContents {
  models: StoredModel[];
  problems: (StoreProblem & { store: StoreName })[];
  /** The folders that were looked in. */
  folders: { store: StoreName; folder: string; found: boolean }[];
}

/** A file that two stores name is listed in the first one. */
export function findModels(place: StorePlace = thisPlace()): StoreContents {
  const models: Omit<StoredModel, "label">[] = [];
  const problems: StoreContents["problems"] = [];
  const folders: StoreContents["folders"] = [];
  const files = new Set<string>();
  for (const store of STORES) {
    for (const folder of store.folders(place)) {
      const contents = read(store, folder);
      folders.push({ store: store.name, folder, found: contents !== undefined });
      problems.push(...(contents?.problems ?? []).map((problem) => ({ ...problem, store: store.name })));
      for (const model of contents?.models ?? []) {
        const file = realPath(model.file);
        if (!files.has(file)) models.push({ ...model, store: store.name });
        files.add(file);
      }
    }
  }
  models.push(...nativeOnes());
  return { models: labelled(models), problems, folders };
}

/** What is in the folder; undefined where it does not exist. */
function read(store: ModelStore, folder: string) {
  try {
    return store.find(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    return { models: [], problems: [{ file: folder, message: `the folder cannot be read (${code ?? message}).` }] };
  }
}

/** The file behind links; of a link that leads nowhere, the link. */
function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function nativeOnes(): Omit<StoredModel, "label">[] {
  return NATIVE_NAMES.flatMap((name) => {
    try {
      return [{ name, file: nativeModel(name).path, aliases: [], store: "native" as const }];
    } catch {
      return [];
    }
  });
}

/** A file's name where only one model has it, else the name in full, else the path. */
function labelled(models: readonly Omit<StoredModel, "label">[]): StoredModel[] {
  const meanings = new Map<string, number>();
  for (const model of models) for (const name of namesOf(model)) meanings.set(name, (meanings.get(name) ?? 0) + 1);
  return models.map((model) => {
    const label = [shortName(model), model.name].find((name) => {
      const key = name.toLowerCase();
      return meanings.get(key) === 1 && (model.store === "native" || !isNativeName(key));
    });
    return { ...model, label: label ?? model.file };
  });
}

/** All names of a model, in small letters. */
export function namesOf(model: FoundModel): Set<string> {
  const file = fileName(model);
  const all = [model.name, ...model.aliases, ...(file === undefined ? [] : [file, withoutEnding(file)])];
  return new Set(all.map((name) => name.toLowerCase()));
}

function shortName(model: Omit<StoredModel, "label">): string {
  if (model.store === "ollama") return model.aliases[0];
  return withoutEnding(fileName(model) ?? model.name);
}

/** The last part of a name that is a path. */
function fileName({ name }: FoundModel): string | undefined {
  return /\.gguf$/i.test(name) ? name.slice(name.lastIndexOf("/") + 1) : undefined;
}

function withoutEnding(file: string): string {
  return file.replace(/\.gguf$/i, "");
}
