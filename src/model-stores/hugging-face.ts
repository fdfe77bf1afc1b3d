/**
 * The cache of Hugging Face's own tools, and of llama.cpp's `-hf` since 2026:
 *
 *     hub/models--OWNER--NAME/refs/main            the id of the newest snapshot
 *     hub/models--OWNER--NAME/snapshots/ID/FILE    a link to ../../blobs/HASH, or the file itself
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { ggufFiles } from "./files.js";
import { type FoundModel, folderIn, type ModelStore, type StorePlace } from "./store.js";

/** Folders within a repository, such as one for each quantisation. */
const DEPTH = 3;

export const huggingFace: ModelStore = {
  name: "hugging-face",
  folders: (place) => [hubFolder(place)],
  find(hub) {
    const repositories = readdirSync(hub).filter((name) => name.startsWith("models--"));
    return { models: repositories.sort().flatMap((name) => modelsOf(path.join(hub, name))), problems: [] };
  },
};

function hubFolder(place: StorePlace): string {
  const named = folderIn(place, "HF_HUB_CACHE") ?? folderIn(place, "HUGGINGFACE_HUB_CACHE");
  if (named !== undefined) return named;
  // On every system the same place, unlike other caches.
  const caches = folderIn(place, "XDG_CACHE_HOME") ?? path.join(place.home, ".cache");
  return path.join(folderIn(place, "HF_HOME") ?? path.join(caches, "huggingface"), "hub");
}

function modelsOf(folder: string): FoundModel[] {
  const repository = path
    .basename(folder)
    .replace(/^models--/, "")
    .replaceAll("--", "/");
  const models = new Map<string, FoundModel>();
  for (const snapshot of snapshotsOf(folder)) {
    for (const inside of readable(snapshot)) {
      const name = `${repository}/${inside}`;
      // An older snapshot's file of the same name is what the newer one replaces.
      if (!models.has(name)) models.set(name, { name, file: path.join(snapshot, inside), aliases: [] });
    }
  }
  return [...models.values()];
}

/** The one that `refs/main` names, then the others, the newest first. */
function snapshotsOf(folder: string): string[] {
  const snapshots = path.join(folder, "snapshots");
  let ids: string[];
  try {
    ids = readdirSync(snapshots);
  } catch {
    return [];
  }
  const main = mainOf(folder);
  const age = (id: string) => statSync(path.join(snapshots, id), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const rank = (id: string) => (id === main ? Number.POSITIVE_INFINITY : age(id));
  return ids.sort((a, b) => (rank(b) > rank(a) ? 1 : -1)).map((id) => path.join(snapshots, id));
}

function mainOf(folder: string): string | undefined {
  try {
    return readFileSync(path.join(folder, "refs", "main"), "utf8").trim();
  } catch {
    return undefined;
  }
}

function readable(snapshot: string): string[] {
  try {
    return ggufFiles(snapshot, DEPTH);
  } catch {
    return [];
  }
}
