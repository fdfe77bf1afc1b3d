/** What `bench load` measures, each time in a fresh process. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { loadMembers } from "../src/ensemble/members.js";
import { LlamafuseError } from "../src/errors.js";
import { GgufArray } from "../src/llama/gguf/metadata.js";
import { readGgufHeader } from "../src/llama/gguf.js";
import { loadLlama } from "../src/llama/library.js";
import { createEnsemble } from "../src/systems.js";
import { unionOf } from "../src/vocabulary/union-dictionary.js";
import { fuseUnder, METHODS } from "./ensembles.js";

export interface LoadArguments {
  models: readonly string[];
  prompt: string;
  contextSize: number;
}

export interface LoadResult {
  /** loadMembers and createEnsemble, with the schedule given. */
  loadMs: number;
  /** From loadMembers to the first token of an answer. */
  firstTokenMs: number;
  /** Building GaC's union dictionary of these vocabularies. */
  unionMs: number;
  /** Entries of the union dictionary. */
  unionSize: number;
  /** Memory of this process beyond what it had with llama.cpp loaded, beyond mapped files and the key-value caches. */
  memoryMiB: number;
  /** The same after a step of GaC. */
  gacMemoryMiB: number;
}

const MIB = 2 ** 20;

export async function measureLoad({ models, prompt, contextSize }: LoadArguments): Promise<LoadResult> {
  loadLlama({ gpu: false });
  const before = privateBytes();
  const started = performance.now();
  const chosen = models.map((model) => ({ model, contextSize, threads: 1 }));
  const members = await loadMembers({ members: chosen, gpu: false, schedule: "parallel" });
  const ensemble = await createEnsemble({ members });
  const loaded = performance.now();
  await ensemble.generate(prompt, { maxTokens: 1, temperature: 0 });
  const answered = performance.now();
  const caches = models.reduce((total, model) => total + cacheBytes(model, contextSize), 0);
  const memory = privateBytes() - before - caches;

  const unionStarted = performance.now();
  const union = unionOf(ensemble.members.map((member) => member.vocabulary));
  const unionMs = performance.now() - unionStarted;
  const gac = await fuseUnder(
    members,
    METHODS.gac,
    "parallel",
    models.map(() => 1),
  );
  await gac.generate(prompt, { maxTokens: 2, temperature: 0 });
  const gacMemory = privateBytes() - before - caches;
  await members.dispose();
  return {
    loadMs: loaded - started,
    firstTokenMs: answered - started,
    unionMs,
    unionSize: union.everywhere.size,
    memoryMiB: memory / MIB,
    gacMemoryMiB: gacMemory / MIB,
  };
}

export interface BareLoadResult {
  ms: number;
  memoryMiB: number;
}

/** llama.cpp alone: load every model and make its context, one after another in one thread. */
export async function measureBareLoad({ models, contextSize }: LoadArguments): Promise<BareLoadResult> {
  const { functions } = loadLlama({ gpu: false });
  const before = privateBytes();
  const started = performance.now();
  for (const model of models) {
    const pointer = functions.modelLoad(model, functions.defaultModelParams());
    if (pointer === null) {
      const message = `llama.cpp could not load ${model}. "llamafuse inspect" says what is wrong with it.`;
      throw new LlamafuseError("unsupported-model", message, { file: model });
    }
    const params = { ...functions.defaultContextParams(), n_ctx: contextSize, n_threads: 1, n_threads_batch: 1 };
    if (functions.contextInit(pointer, params) === null) {
      const message = `llama.cpp could not make a context of ${contextSize} tokens for ${model}: most often memory is short.`;
      throw new LlamafuseError("out-of-memory", message, { file: model, found: contextSize });
    }
  }
  const ms = performance.now() - started;
  const caches = models.reduce((total, model) => total + cacheBytes(model, contextSize), 0);
  return { ms, memoryMiB: (privateBytes() - before - caches) / MIB };
}

/** Bytes that are this process's own, not pages of mapped files; where the system does not say, all that are resident. */
function privateBytes(): number {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    const kibibytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
    return 1024 * (kibibytes("RssAnon") + kibibytes("RssShmem"));
  } catch {
    return process.memoryUsage().rss;
  }
}

/** Keys and values in half precision, for every layer and position. */
function cacheBytes(file: string, contextSize: number): number {
  const descriptor = openSync(file, "r");
  try {
    const { metadata } = readGgufHeader(descriptor, file);
    const architecture = metadata.string("general.architecture") ?? "llama";
    const number = (key: string) => {
      const value = metadata.entries.get(`${architecture}.${key}`)?.value;
      return value instanceof GgufArray || value === undefined ? 0 : Number(value);
    };
    const heads = number("attention.head_count");
    const keyValueHeads = number("attention.head_count_kv") || heads;
    return 2 * 2 * number("block_count") * contextSize * (number("embedding_length") / heads) * keyValueHeads;
  } finally {
    closeSync(descriptor);
  }
}
