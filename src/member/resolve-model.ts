/** From what a user names a model by to a file on this machine. */
import { existsSync } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import path from "node:path";
import { contentHash } from "../content-identity.js";
import { LlamafuseError } from "../errors.js";
import { unwritable } from "../files.js";
import { downloadedFile, fileNameOf, modelsFolder, rememberDownload } from "../model-stores/downloads.js";
import { isOllamaName, ollamaModel } from "../model-stores/ollama.js";
import { isNativeName, nativeModel } from "../native-models.js";

export function isRemote(model: string): boolean {
  return /^(hf|huggingface|https?):/i.test(model);
}

/** A server that does not answer a first request within this time is not reached; the download itself may take hours. */
const REACH_TIMEOUT_MS = 20_000;
/** How every model file begins. */
const MAGIC = "GGUF";
/** What a download ends with where the folder for it fails, not the network. */
const DISK_CODES = new Set(["ENOSPC", "EDQUOT", "EIO", "EFBIG", "EROFS", "EACCES", "EPERM", "ENOTDIR"]);

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
  if (/^https?:/i.test(model) && !URL.canParse(model)) {
    const message = `${model} is not a valid address. Check the host's name and the port (1 to 65535).`;
    throw new LlamafuseError("file-unreadable", message, { found: model });
  }
  const directory = modelsFolder();
  const known = downloadedFile(directory, model);
  if (known !== undefined) return known;
  const { resolveModelFile } = await import("node-llama-cpp");
  try {
    const expected = await whatServerSays(model, signal);
    const file = await resolveModelFile(model, {
      directory,
      fileName: fileNameOf(model),
      cli: false,
      signal,
      onProgress: ({ totalSize, downloadedSize }) => onProgress?.(totalSize === 0 ? 0 : downloadedSize / totalSize),
    });
    await checkDownload(file, expected, signal);
    rememberDownload(directory, model, file);
    return file;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "";
    if (DISK_CODES.has(code)) throw unwritable(path.join(directory, fileNameOf(model)), cause);
    if (code === "file-unwritable") throw cause;
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

/** What a server says of a file: its size, and where it is one, the SHA-256 of its contents. */
interface Expected {
  bytes?: number;
  sha256?: string;
}

/** The downloader retries for many minutes; a server that is not there should be an error at once. */
async function whatServerSays(model: string, signal?: AbortSignal): Promise<Expected> {
  if (!/^https?:/i.test(model)) return {};
  const { status, headers } = await head(new URL(model), signal);
  if (status >= 400 && status !== 405)
    throw new LlamafuseError("file-unreadable", `the server answers with status ${status}`);
  // Hugging Face answers with a redirect, and says there what is behind it.
  const size = headers["x-linked-size"] ?? (status === 200 ? headers["content-length"] : undefined);
  const hash = /^"?([0-9a-f]{64})"?$/.exec(String(headers["x-linked-etag"] ?? ""))?.[1];
  return { ...(size !== undefined && { bytes: Number(size) }), ...(hash !== undefined && { sha256: hash }) };
}

/** The answer to a HEAD request; a redirect is an answer. */
function head(url: URL, signal?: AbortSignal): Promise<{ status: number; headers: http.IncomingHttpHeaders }> {
  const { request } = url.protocol === "http:" ? http : https;
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: "HEAD", signal, timeout: REACH_TIMEOUT_MS, agent: false }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${REACH_TIMEOUT_MS / 1000} s`)));
    asked.on("error", reject);
    asked.end();
  });
}

/** A file that is not what the server said is removed, so that the next try begins anew. Errors: file-unreadable. */
async function checkDownload(file: string, expected: Expected, signal?: AbortSignal): Promise<void> {
  const problem = await problemOf(file, expected, signal);
  if (problem === undefined) return;
  await rm(file, { force: true });
  throw new LlamafuseError("file-unreadable", `${problem}; the file was removed`, { file });
}

async function problemOf(file: string, { bytes, sha256 }: Expected, signal?: AbortSignal): Promise<string | undefined> {
  const { size } = await stat(file);
  if (bytes !== undefined && size !== bytes) return `the server says ${bytes} bytes, and ${size} arrived`;
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
    if (buffer.toString("latin1") !== MAGIC)
      return `what arrived is no GGUF file: it begins with ${JSON.stringify(buffer.toString("latin1"))}`;
  } finally {
    await handle.close();
  }
  if (sha256 === undefined) return undefined;
  const found = await contentHash([file], signal);
  return found === sha256 ? undefined : `the server says that its SHA-256 is ${sha256}, and ${found} arrived`;
}

/** The innermost message: fetch hides the reason in its error's cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return (cause instanceof Error ? `${message}: ${cause.message}` : message).replace(/\.$/, "");
}
