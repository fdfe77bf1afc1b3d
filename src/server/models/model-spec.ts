/** What a model of the server is: an ensemble's options under the id that clients ask for. */
import path from "node:path";
import { methodInfos } from "../../during/methods.js";
import { readServedFile } from "../../ensemble-file/read.js";
import type { Serving } from "../../ensemble-file/schema.js";
import { LlamafuseError } from "../../errors.js";
import { nativeModels } from "../../native-models.js";
import type { EnsembleOptions, RoutedEnsembleOptions } from "../../systems.js";

export interface ModelSpec {
  id: string;
  options: EnsembleOptions | RoutedEnsembleOptions;
  /** What a request may change. */
  serving: Serving;
}

/** What every model is loaded with, whatever its file says. */
export interface Machine extends Pick<EnsembleOptions, "gpu" | "logs" | "slots"> {}

export const NATIVE_ID = "llamafuse/native";

/** Whether a fusion method answers, and no router. */
export function isFused(options: ModelSpec["options"]): options is EnsembleOptions {
  return methodInfos.some(({ name }) => name === methodNameOf(options));
}

export function methodNameOf({ method = "unite" }: ModelSpec["options"]): string {
  if (typeof method === "string") return method;
  return "name" in method ? method.name : method.method.info.name;
}

/** The methods that a request may name: the model's own, and those that its file allows. */
export function methodsOf({ options, serving: { methods = [] } }: ModelSpec): string[] {
  const own = methodNameOf(options);
  if (!isFused(options)) return [own];
  const others = methods === "all" ? methodInfos.map(({ name }) => name) : methods;
  return [own, ...others.filter((name) => name !== own)];
}

/**
 * The models of these files, called as the files are without `.json`; without files the native experts. Errors: those of
 * `readServedFile`; invalid-option where two files have one name.
 */
export async function readModelSpecs(files: readonly string[], machine: Machine): Promise<ModelSpec[]> {
  if (files.length === 0) {
    const members = nativeModels().map(({ name, path: model }) => ({ name, model }));
    return [{ id: NATIVE_ID, options: { members, ...given(machine) }, serving: { methods: "all", weights: true } }];
  }
  const specs: ModelSpec[] = [];
  for (const file of files) {
    const id = path.basename(file).replace(/\.json$/i, "");
    const { options, serve: serving } = await readServedFile(file);
    if (specs.some((spec) => spec.id === id)) {
      const message = `Two ensemble files are called "${id}". Their names are the models' ids; rename ${file}.`;
      throw new LlamafuseError("invalid-option", message, { found: id, file, option: "--ensemble" });
    }
    specs.push({ id, options: { ...options, ...given(machine) } as ModelSpec["options"], serving });
  }
  return specs;
}

function given(machine: Machine): Machine {
  return Object.fromEntries(Object.entries(machine).filter(([, value]) => value !== undefined));
}
