/** From a file to what `createEnsemble` takes. */
import { existsSync } from "node:fs";
import path from "node:path";
import { readCascade } from "../after/cascade/saved-cascade.js";
import { readRouter } from "../before/saved-router.js";
import { checkRequest } from "../decoding/request.js";
import { aboutSamplerOption, SAMPLER_OPTIONS } from "../decoding/sampler-options.js";
import { methodInfos } from "../during/methods.js";
import { checkLoadOptions } from "../ensemble/load-options.js";
import { errorIn, LlamafuseError, nearestName, unknownName } from "../errors.js";
import { type LlamaParameters, type LoraAdapter, loraAdaptersOf } from "../llama/parameters.js";
import { isRemote } from "../member/resolve-model.js";
import { isOllamaName } from "../model-stores/ollama.js";
import { isNativeName } from "../native-models.js";
import { shown } from "../read-options.js";
import { readText } from "../records.js";
import { checkSystem, type EnsembleOptions, type RoutedEnsembleOptions, type SystemOptions } from "../systems.js";
import { type Problem, problemOf } from "../zod-problem.js";
import { type Serving, type WrittenOut, writtenOut } from "./schema.js";

/** Options of methods and routers that name files. */
export const FILE_OPTIONS = ["router", "cascade", "classifier", "table"] as const;

/**
 * An ensemble in a file, with every path in it taken from the file's folder. No model is opened.
 * Errors: file-unreadable; invalid-data, which names the file and the field; those of the method and of a router's or cascade's file.
 *
 * @example
 * const ensemble = await createEnsemble(await readEnsembleFile("ensemble.json"));
 * const { text } = await ensemble.generate("Why is the sky blue?");
 */
export async function readEnsembleFile(file: string): Promise<EnsembleOptions | RoutedEnsembleOptions> {
  return (await readServedFile(file)).options;
}

/** The same, and what its clients may change where it is served. Errors: the same. */
export async function readServedFile(
  file: string,
): Promise<{ options: EnsembleOptions | RoutedEnsembleOptions; serve: Serving }> {
  const { $schema: _, members, method, request, serve = {}, ...rest } = parse(file, await readText(file));
  const folder = path.dirname(path.resolve(file));
  const options = {
    ...rest,
    members: members.map((member) => ({
      ...member,
      model: modelIn(folder, member.model),
      ...(member.tokenizer !== undefined && { tokenizer: path.resolve(folder, member.tokenizer) }),
      ...(member.apiKeyFile !== undefined && { apiKeyFile: path.resolve(folder, member.apiKeyFile) }),
      ...(member.loraAdapters && { loraAdapters: adaptersIn(folder, member) }),
    })),
    ...(request !== undefined && { request }),
    ...(method !== undefined && { method: await methodIn(folder, method, file) }),
  };
  try {
    const { request: _, method: chosen, onMemberFailure: __, ...load } = options;
    checkLoadOptions(load);
    if (request !== undefined) checkRequest("A prompt", request);
    if (chosen !== undefined) await checkSystem(chosen);
    if (Array.isArray(serve.methods)) for (const name of serve.methods) checkMethodName(name);
  } catch (error) {
    if (!(error instanceof LlamafuseError)) throw error;
    const { code, message, details } = errorIn(file, error);
    throw new LlamafuseError(code, message, { ...details, ensembleFile: file }, error.cause);
  }
  return { options: options as EnsembleOptions | RoutedEnsembleOptions, serve };
}

/** Why a request may not name every system that an ensemble file may. */
export const NOT_OF_REQUESTS = " Selections, cascades and routers need an ensemble file of their own.";

function checkMethodName(name: string): void {
  const names = methodInfos.map((info) => info.name);
  if (!names.includes(name)) throw unknownName("method", name, names, NOT_OF_REQUESTS);
}

function parse(file: string, text: string): WrittenOut {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(file, `is not JSON: ${(error as Error).message}`, {}, error);
  }
  const result = checked(file, json);
  if (result.success) return result.data;
  throw problem(file, problemOf(result.error, json, { schema: writtenOut }), json);
}

function checked(file: string, json: unknown) {
  try {
    return writtenOut.safeParse(spelledOut(json));
  } catch (error) {
    // The check of variables goes as deep as they do.
    if (!(error instanceof RangeError)) throw error;
    throw invalid(file, "is nested too deeply", {}, error);
  }
}

/** `"a.gguf"` as `{ model: "a.gguf" }`, `"gac"` as `{ name: "gac" }`, `"router.json"` as `{ router: "router.json" }`. */
function spelledOut(json: unknown): unknown {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return json;
  const { members, method } = json as Record<string, unknown>;
  const asObject = (member: unknown) => (typeof member === "string" ? { model: member } : ofServer(member));
  return {
    ...json,
    ...(Array.isArray(members) && { members: members.map(asObject) }),
    ...(typeof method === "string" && { method: /\.json$/i.test(method) ? { router: method } : { name: method } }),
  };
}

/** A server's address is the model. */
function ofServer(member: unknown): unknown {
  const { model, url } = (member ?? {}) as { model?: unknown; url?: unknown };
  return model === undefined && url !== undefined ? { ...(member as object), model: url } : member;
}

function problem(
  file: string,
  { path: place, words, found, isMissing, ...of }: Problem,
  json: unknown,
): LlamafuseError {
  const field = fieldOf(place);
  const { unknownKey: key, known = [] } = of;
  if (key !== undefined) {
    const near = nearestName(key, known);
    const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
    const name = field === "" ? key : `${field}.${key}`;
    return invalid(file, `has the unknown field ${name}.${hint} Known: ${known.join(", ")}`, {
      field: name,
      nearest: near,
    });
  }
  const must = WORDS[place.filter((key) => typeof key === "string").join(".")] ?? words;
  if (field === "")
    return invalid(file, 'holds no ensemble. Write { "members": ["a.gguf", "b.gguf"] }', { found: shown(json) });
  return invalid(file, `${field} ${must}; ${isMissing ? "it is missing" : `found ${shown(found)}`}`, { field, found });
}

/** What a field must be, by its place without the numbers of members. */
const WORDS: Readonly<Record<string, string>> = {
  members: 'must be a list of at least one model, such as ["a.gguf", "b.gguf"]',
  "members.model": "must be a path, a native model's name, ollama:NAME or a URI",
  "members.url": "must be the address of a server",
  "members.tokenizer": "must be the path of a tokenizer.json",
  "members.apiKeyFile": "must be the path of a file",
  "members.topDepth": 'must be a whole number of tokens, or "all"',
  "members.servedModel": "must be a text",
  "members.name": "must be a text",
  "members.weight": "must be a number >= 0",
  "members.threads": "must be a whole number >= 1",
  "members.gpuLayers": 'must be a whole number >= 0, or "max"',
  "members.contextSize": "must be a whole number of tokens",
  "members.isolate": "must be true or false",
  onMemberFailure: 'must be "fail" or "continue"',
  method: "must be a method's name, a router's file, or an object with a name and options",
  "method.name": "must be a method's, a router's or a cascade's name",
  "method.router": "must be the path of a router's file",
  "method.cascade": "must be the path of a cascade's file",
  "method.classifier": "must be the path of a classifier's file",
  schedule: 'must be "auto", "parallel" or "in-turn"',
  gpu: 'must be "auto", "cuda", "vulkan", "metal" or false',
  slots: "must be a whole number of requests",
  timeoutMs: "must be a number of milliseconds",
  request: "must be an object",
  serve: "must be an object",
  "serve.methods": 'must be a list of methods, or "all"',
  "serve.weights": "must be true or false",
  "serve.pin": "must be true or false",
  "request.maxTokens": "must be a whole number",
  ...Object.fromEntries(
    SAMPLER_OPTIONS.map((option) => [`request.${option}`, `must be ${aboutSamplerOption(option).allowed}`]),
  ),
  "request.stop": "must be a text or a list of texts",
  "request.thinking": 'must be "off", "private" or a number of tokens',
  "request.thinking.budget": "must be a whole number of tokens",
  "request.healing": "must be true or false",
  "request.speculation": 'must be "auto" or false',
  "request.exact": "must be true or false",
  "request.format": "must be { schema }, { regex } or { grammar }",
  "request.chat": "must be true or false",
  "request.system": "must be a text",
  $schema: "must be a text",
};

/** `members[1].weight` */
function fieldOf(place: readonly PropertyKey[]): string {
  return place
    .map((key, at) => (typeof key === "number" ? `[${key}]` : `${at === 0 ? "" : "."}${String(key)}`))
    .join("");
}

function invalid(file: string, what: string, details: Record<string, unknown>, cause?: unknown): LlamafuseError {
  const colon = /^[a-z]+(\[|\.| must)/.test(what) && !/^(is|has|holds) /.test(what) ? ":" : "";
  return new LlamafuseError("invalid-data", `${file}${colon} ${what}.`, { file, ...details }, cause);
}

function adaptersIn(folder: string, member: LlamaParameters): LoraAdapter[] {
  return loraAdaptersOf(member).map(({ file, scale }) => ({ file: path.resolve(folder, file), scale }));
}

function modelIn(folder: string, model: string): string {
  if (isRemote(model) || isOllamaName(model)) return model;
  const file = path.resolve(folder, model);
  return isNativeName(model) && !existsSync(file) ? model : file;
}

/** With files taken from the folder; a router's or cascade's name is in its file. */
async function methodIn(
  folder: string,
  given: NonNullable<WrittenOut["method"]>,
  file: string,
): Promise<SystemOptions> {
  const method: Record<string, unknown> = { ...given };
  for (const option of FILE_OPTIONS) {
    if (typeof method[option] === "string") method[option] = path.resolve(folder, method[option]);
  }
  // "words" is no file (after/select/text-vectors.ts).
  if (typeof method.embedder === "string" && method.embedder !== "words") {
    method.embedder = modelIn(folder, method.embedder);
  }
  if (method.name === undefined) {
    if (method.router === undefined && method.cascade === undefined)
      throw invalid(file, 'method must have a name, such as "unite", a router or a cascade', { field: "method" });
    const fitted = await (method.router === undefined
      ? readCascade(method.cascade as string)
      : readRouter(method.router as string));
    method.name = fitted.saved.name;
  }
  return method as unknown as SystemOptions;
}
