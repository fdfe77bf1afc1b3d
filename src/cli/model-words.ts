/** What names a model on the command line. */
import { existsSync } from "node:fs";
import { LlamafuseError } from "../errors.js";
import { isRemote } from "../member/resolve-model.js";
import { chooseModel } from "../model-stores/choose-model.js";
import { findModels, namesOf, type StoredModel } from "../model-stores/find-models.js";
import { isOllamaName } from "../model-stores/ollama.js";
import { STORE_TITLES } from "../model-stores/store.js";
import { isNativeName } from "../native-models.js";
import { oneLine, say } from "./terminal.js";

/**
 * What `model` of a member takes, for a file, a URI, a native model's name, `ollama:NAME`, or the name or a unique part of
 * the name of a model in a store. A part's choice is told on stderr. Errors: those of chooseModel.
 */
export function modelOf(word: string): string {
  if (existsSync(word) || isNativeName(word) || isRemote(word) || isOllamaName(word)) return word;
  // A path that begins like one is meant as one.
  if (/^(\.{0,2}[/\\]|~|[a-z]:[/\\])/i.test(word)) return word;
  const found = search(word);
  if (found === undefined) return word;
  if (!namesOf(found).has(word.toLowerCase())) {
    say(`llamafuse: ${oneLine(`"${word}" is ${found.name} (${STORE_TITLES[found.store]})`)}.`);
  }
  return found.store === "ollama" || found.store === "native" ? found.name : found.file;
}

/** The model; undefined for a file name that no store knows: what is wrong with it, the reader of the file says best. */
function search(word: string): StoredModel | undefined {
  try {
    return chooseModel(word, findModels().models);
  } catch (error) {
    const isFileName = /\.(gguf|json)$/i.test(word);
    const isUnknown = error instanceof LlamafuseError && error.code === "file-unreadable";
    if (isFileName && isUnknown && error.details.nearest === undefined) return undefined;
    throw error;
  }
}
