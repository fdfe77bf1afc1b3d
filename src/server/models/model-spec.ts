/** What a model of the server is: an ensemble's options under the id that clients ask for. */
import path from "node:path";
import { methodInfos } from "../../during/methods.js";
import { readEnsembleFile } from "../../ensemble-file/read.js";
import { LlamafuseError } from "../../errors.js";
import { nativeModels } from "../../native-models.js";
import type { EnsembleOptions, RoutedEnsembleOptions } from "../../systems.js";

export interface ModelSpec {
  id: string;
  options: EnsembleOptions | RoutedEnsembleOptions;
}

/** What every model is loaded with, whatever its file says. */
export interface Machine extends Pick<EnsembleOptions, "gpu" | "logs"> {}

export const NATIVE_ID = "llamafuse/native";

/** Whether a fusion method answers, and no router. */
export function isFused(options: ModelSpec["options"]): options is EnsembleOptions {
  const { method } = options;
  const name = typeof method === "object" && "name" in method ? method.name : method;
  return typeof name !== "string" || methodInfos.some((info) => info.name === name);
}

/**
 * The models of these files, called as the files are without `.json`; without files the native experts. Errors: those of
 * `readEnsembleFile`; invalid-option where two files have one name.
 */
export async function readModelSpecs(files: readonly string[], machine: Machine): Promise<ModelSpec[]> {
  if (files.length === 0) {
    const members = nativeModels().map(({ name, path: model }) => ({ name, model }));
    return [{ id: NATIVE_ID, options: { members, ...given(machine) } }];
  }
  const specs: ModelSpec[] = [];
  for (const file of files) {
    const id = path.basename(file).replace(/\.json$/i, "");
    const options = await readEnsembleFile(file);
    if (specs.some((spec) => spec.id === id)) {
      const message = `Two ensemble files are called "${id}". Their names are the models' ids; rename ${file}.`;
      throw new LlamafuseError("invalid-option", message, { found: id, file, option: "--ensemble" });
    }
    specs.push({ id, options: { ...options, ...given(machine) } as ModelSpec["options"] });
  }
  return specs;
}

function given(machine: Machine): Machine {
  return Object.fromEntries(Object.entries(machine).filter(([, value]) => value !== undefined));
}
