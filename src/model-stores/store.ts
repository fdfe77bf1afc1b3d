/**
 * A store is a folder where some program keeps GGUF files. What a store looks like inside is all that its file here knows;
 * nothing outside its folders is read.
 */
import path from "node:path";
import { homeFolder } from "../files.js";

/** Each store and what people call it, in the order in which they are listed. */
export const STORE_TITLES = {
  "hugging-face": "Hugging Face cache",
  ollama: "Ollama",
  "lm-studio": "LM Studio",
  "llama.cpp": "llama.cpp's cache",
  "node-llama-cpp": "node-llama-cpp",
  llamafuse: "downloaded by Llamafuse",
  native: "native models of Llamafuse",
} as const;

export type StoreName = keyof typeof STORE_TITLES;

/** Where stores are looked for: the environment variables, the home folder and the system of one user. */
export interface StorePlace {
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  platform: NodeJS.Platform;
}

/** A model in a store, by its place alone; whether the file is sound is not known yet. */
export interface FoundModel {
  /** Its name in full, unique within the store: `owner/repository/file.gguf`, `ollama:llama3.2:1b`, `robin`. */
  name: string;
  /** The file to load: the first part, where there are several. */
  file: string;
  /** Other names that mean it. */
  aliases: string[];
}

/** Something in a store that cannot be used, and why. */
export interface StoreProblem {
  /** As in `FoundModel`; absent where a whole folder cannot be read. */
  name?: string;
  file: string;
  message: string;
}

export interface ModelStore {
  name: StoreName;
  /** The folders of this user; those that do not exist are passed over. */
  folders(place: StorePlace): string[];
  /** The models in one of the folders. Throws the system's error where the folder cannot be read. */
  find(folder: string): { models: FoundModel[]; problems: StoreProblem[] };
}

export function thisPlace(): StorePlace {
  // Without a home folder there are no usual places, only those that variables name.
  return { env: process.env, home: homeFolder() ?? path.parse(process.cwd()).root, platform: process.platform };
}

/** A folder that a variable names, `~` being the home folder; undefined where the variable is not set. */
export function folderIn({ env, home }: StorePlace, variable: string): string | undefined {
  const value = env[variable];
  if (value === undefined || value === "") return undefined;
  return path.resolve(value.replace(/^~(?=$|[/\\])/, home));
}

/** Where programs of this user keep what they can fetch again. */
export function cacheFolder(place: StorePlace): string {
  const { home, platform } = place;
  if (platform === "win32") return folderIn(place, "LOCALAPPDATA") ?? path.join(home, "AppData", "Local");
  if (platform === "darwin") return path.join(home, "Library", "Caches");
  return folderIn(place, "XDG_CACHE_HOME") ?? path.join(home, ".cache");
}
