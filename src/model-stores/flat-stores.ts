/** Stores that are folders of files: llama.cpp's cache, node-llama-cpp's models and our own downloads. */
import path from "node:path";
import { MODELS_VARIABLE } from "./downloads.js";
import { modelsByPath } from "./files.js";
import { cacheFolder, folderIn, type ModelStore } from "./store.js";

/** People sort what they download into folders. */
const DEPTH = 2;

export const llamaCpp: ModelStore = {
  name: "llama.cpp",
  folders: (place) => [folderIn(place, "LLAMA_CACHE") ?? path.join(cacheFolder(place), "llama.cpp")],
  find: (folder) => ({ models: modelsByPath(folder, 0), problems: [] }),
};

export const nodeLlamaCpp: ModelStore = {
  name: "node-llama-cpp",
  folders: ({ home }) => [path.join(home, ".node-llama-cpp", "models")],
  find: (folder) => ({ models: modelsByPath(folder, DEPTH), problems: [] }),
};

export const ownDownloads: ModelStore = {
  name: "llamafuse",
  folders: (place) => [folderIn(place, MODELS_VARIABLE) ?? path.join(place.home, ".llamafuse", "models")],
  find: (folder) => ({ models: modelsByPath(folder, DEPTH), problems: [] }),
};
