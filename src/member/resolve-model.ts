/** From what a user names a model by to a file on this machine. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import path from "node:path";
import { LlamafuseError } from "../errors.js";
import { modelsFolder } from "../model-stores/flat-stores.js";
import { isOllamaName, ollamaModel } from "../model-stores/ollama.js";
import { isNativeName, nativeModel } from "../native-models.js";

export function isRemote(model: string): boolean {
  return /^(hf|huggingface|https?):/i.test(model);
}

/** In the models folder: which file a URI was downloaded to, because the downloader itself asks the network. */
const KNOWN_FILES = "downloaded.json";
/** A server that does not answer a first request within this time is not reached; the download itself may take hours. */
const REACH_TIMEOUT_MS = 20_000;

/**
 * A path stays as it is; the name of a native model, such as `raven`, is that model unless there is a file of this name;
 * `ollama:NAME:TAG` is the file in Ollama's store; `hf:` and `https:` URIs are downloaded once, by node-llama-cpp, into
 * the models folder.
 * Errors: file-unreadable, aborted.
 */
export async function resolveModel(
  model: string,
  onProgress?: (fraction: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  if (isNativeName(model) && !existsSync(model)) return nativeModel(model).path;
  if (isOllamaName(model) && !existsSync(model)) return ollamaModel(model);
  if (!isRemote(model)) return model;
  const directory = modelsFolder();
  const known = readKnown(directory);
  if (known[model] !== undefined && existsSync(path.join(directory, known[model])))
    return path.join(directory, known[model]);
  const { resolveModelFile } = await import("node-llama-cpp");
  try {
    await checkReach(model, signal);
    const file = await resolveModelFile(model, {
      directory,
      cli: false,
      signal,
      onProgress: ({ totalSize, downloadedSize }) => onProgress?.(totalSize === 0 ? 0 : downloadedSize / totalSize),
    });
    writeFileSync(
      path.join(directory, KNOWN_FILES),
      JSON.stringify({ ...readKnown(directory), [model]: path.relative(directory, file) }, null, 2),
    );
    return file;
  } catch (cause) {
    if (signal?.aborted)
      throw new LlamafuseError("aborted", `The download of ${model} was cancelled.`, { model }, cause);
    throw new LlamafuseError(
      "file-unreadable",
      `Cannot download ${model}: ${reasonOf(cause)}. Check the name and the network, or download the file yourself and give its path.`,
      { found: model },
      cause,
    );
  }
}

/** URI → file of what was downloaded before; what an unreadable list forgets is asked of the network again. */
function readKnown(directory: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(path.join(directory, KNOWN_FILES), "utf8")) as Record<string, string>;
  } catch {
    return {};
  }
}

/** The downloader retries for many minutes; a server that is not there should be an error at once. */
async function checkReach(model: string, signal?: AbortSignal): Promise<void> {
  if (!/^https?:/i.test(model)) return;
  const status = await headStatus(new URL(model), signal);
  if (status >= 400 && status !== 405)
    throw new LlamafuseError("file-unreadable", `the server answers with status ${status}`);
}

/** The status of a HEAD request; a redirect is an answer. */
function headStatus(url: URL, signal?: AbortSignal): Promise<number> {
  const { request } = url.protocol === "http:" ? http : https;
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: "HEAD", signal, timeout: REACH_TIMEOUT_MS, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${REACH_TIMEOUT_MS / 1000} s`)));
    asked.on("error", reject);
    asked.end();
  });
}

/** The innermost message: fetch hides the reason in its error's cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return (cause instanceof Error ? `${message}: ${cause.message}` : message).replace(/\.$/, "");
}
