/** From what a user names a model by to a file on this machine. */
import os from "node:os";
import path from "node:path";
import { LlamafuseError } from "../errors.js";

/** The environment variable that names the folder for downloaded models. */
export const MODELS_VARIABLE = "LLAMAFUSE_MODELS";

export function modelsFolder(): string {
  return process.env[MODELS_VARIABLE] || path.join(os.homedir(), ".llamafuse", "models");
}

export function isRemote(model: string): boolean {
  return /^(hf|huggingface|https?):/i.test(model);
}

/**
 * A path stays as it is; `hf:` and `https:` URIs are downloaded once, by node-llama-cpp, into the models folder.
 * Errors: file-unreadable, aborted.
 */
export async function resolveModel(
  model: string,
  onProgress?: (fraction: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  if (!isRemote(model)) return model;
  const { resolveModelFile } = await import("node-llama-cpp");
  try {
    return await resolveModelFile(model, {
      directory: modelsFolder(),
      cli: false,
      signal,
      onProgress: ({ totalSize, downloadedSize }) => onProgress?.(totalSize === 0 ? 0 : downloadedSize / totalSize),
    });
  } catch (cause) {
    if (signal?.aborted)
      throw new LlamafuseError("aborted", `The download of ${model} was cancelled.`, { model }, cause);
    throw new LlamafuseError(
      "file-unreadable",
      `Cannot download ${model}: ${(cause as Error).message}. Check the name and the network, or download the file yourself and give its path.`,
      { found: model },
      cause,
    );
  }
}
