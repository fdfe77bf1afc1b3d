/**
 * Ollama's store:
 *
 *     manifests/registry.ollama.ai/library/llama3.2/1b   JSON: the layers of llama3.2:1b, one of them the GGUF file
 *     blobs/sha256-HASH                                  the layers
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { LlamafuseError, nearestName } from "../errors.js";
import { type FoundModel, folderIn, type ModelStore, type StoreProblem, thisPlace } from "./store.js";

/** What the name of a model in Ollama's store begins with. */
const PREFIX = "ollama:";
/** Where models without a host and a namespace in their name are. */
const USUAL_HOST = "registry.ollama.ai";
const USUAL_NAMESPACE = "library";
const USUAL_TAG = "latest";
const MODEL_LAYER = "application/vnd.ollama.image.model";
/** Manifests are about 1 kB. */
const LARGEST_MANIFEST = 4 * 1024 * 1024;
/** Where Ollama's installer for Linux lets its service keep models. */
const SERVICE_FOLDER = "/usr/share/ollama/.ollama/models";

export const ollama: ModelStore = {
  name: "ollama",
  folders(place) {
    const named = folderIn(place, "OLLAMA_MODELS");
    if (named !== undefined) return [named];
    const own = path.join(place.home, ".ollama", "models");
    return place.platform === "linux" ? [own, SERVICE_FOLDER] : [own];
  },
  find(folder) {
    const manifests = path.join(folder, "manifests");
    const models: FoundModel[] = [];
    const problems: StoreProblem[] = [];
    for (const [host, namespace, model, tag] of pathsOfFour(manifests)) {
      const names = namesOf(host, namespace, model, tag);
      const manifest = path.join(manifests, host, namespace, model, tag);
      try {
        models.push({ name: names[0], aliases: names.slice(1), file: modelFile(folder, manifest) });
      } catch (error) {
        problems.push({ name: names[0], file: manifest, message: (error as Error).message });
      }
    }
    return { models, problems };
  },
};

export function isOllamaName(model: string): boolean {
  return model.startsWith(PREFIX);
}

/** What Ollama calls the model: `ollama:llama3.2:1b` without what it begins with. */
function withoutPrefix(model: string): string {
  return isOllamaName(model) ? model.slice(PREFIX.length) : model;
}

/**
 * The file of `ollama:NAME` or `ollama:NAME:TAG`; without a tag it is `latest`, as for Ollama itself.
 * Errors: file-unreadable, with the nearest name.
 */
export function ollamaModel(model: string, place = thisPlace()): string {
  const folders = ollama.folders(place);
  const wanted = model.toLowerCase();
  const known: string[] = [];
  for (const folder of folders) {
    const { models, problems } = contents(folder);
    for (const { name, aliases, file } of models) {
      if ([name, ...aliases].some((each) => each.toLowerCase() === wanted)) return file;
      known.push(...[name, ...aliases].filter(isOllamaName));
    }
    const problem = problems.find(({ name }) => name?.toLowerCase() === wanted);
    if (problem !== undefined) throw unreadable(model, `${model} cannot be used: ${problem.message}`, known);
  }
  const near = nearestName(model, known) ?? known.find((name) => name.toLowerCase().startsWith(`${wanted}:`));
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  const cure = `Pull it with "ollama pull ${withoutPrefix(model)}"; OLLAMA_MODELS names another folder.`;
  throw unreadable(model, `${model} is not in Ollama's store (${folders.join(", ")}).${hint} ${cure}`, known);
}

function contents(folder: string) {
  try {
    return ollama.find(folder);
  } catch {
    return { models: [], problems: [] };
  }
}

function unreadable(model: string, message: string, known: readonly string[]): LlamafuseError {
  return new LlamafuseError("file-unreadable", message, { found: model, allowed: known });
}

/** The name in full first. */
function namesOf(host: string, namespace: string, model: string, tag: string): [string, ...string[]] {
  const parts =
    host !== USUAL_HOST ? [host, namespace, model] : namespace !== USUAL_NAMESPACE ? [namespace, model] : [model];
  const name = parts.join("/");
  const full = `${name}:${tag}`;
  const short = tag === USUAL_TAG ? [`${PREFIX}${name}`, name] : [];
  return [`${PREFIX}${full}`, full, ...short];
}

function modelFile(folder: string, manifest: string): string {
  const { layers } = readManifest(manifest);
  const layer = layers.find((each) => each?.mediaType === MODEL_LAYER);
  const [, hash] = /^sha256[:-]([0-9a-f]{64})$/.exec(String(layer?.digest)) ?? [];
  if (hash === undefined)
    throw new LlamafuseError("invalid-data", "its manifest names no GGUF file.", { file: manifest });
  return path.join(folder, "blobs", `sha256-${hash}`);
}

function readManifest(file: string): { layers: { mediaType?: unknown; digest?: unknown }[] } {
  const text = readFileSync(file, "utf8");
  try {
    const { layers } = JSON.parse(text.slice(0, LARGEST_MANIFEST));
    if (Array.isArray(layers)) return { layers };
  } catch {
    // Said below.
  }
  throw new LlamafuseError("invalid-data", "its manifest is damaged. Pull the model again.", { file });
}

/** Every path of four names below the folder. */
function pathsOfFour(folder: string): string[][] {
  let paths: string[][] = [[]];
  for (let level = 0; level < 4; level++) {
    const files = level === 3;
    paths = paths.flatMap((names) =>
      namesIn(path.join(folder, ...names), files, level === 0).map((name) => [...names, name]),
    );
  }
  return paths;
}

function namesIn(folder: string, files: boolean, must: boolean): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    const wanted = entries.filter(
      (entry) => (files ? entry.isFile() : entry.isDirectory()) && !entry.name.startsWith("."),
    );
    return wanted.map(({ name }) => name).sort();
  } catch (error) {
    if (must) throw error;
    return [];
  }
}
