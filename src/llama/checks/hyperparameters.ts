/**
 * Hyperparameters that llama.cpp divides by, asserts on, or multiplies into sizes. It throws on a key that is missing
 * or does not fit a tensor's shape, but an assertion or a division by zero ends the process: those are what is
 * checked here, before it sees the file. What single architectures assert is in `architecture-rules.ts`.
 */
import type { GgufHeader } from "../gguf.js";
import { checkArchitectureRules } from "./architecture-rules.js";
import { FULL_ROPE, memoryOf, UNEQUAL_HEADS } from "./architectures.js";
import { invalidModel, unsupportedModel } from "./model-error.js";
import { Parameters } from "./parameters.js";

/** llama.cpp keeps per-layer values in arrays of this length (LLAMA_MAX_LAYERS) and asserts on more. */
const MAX_LAYERS = 512;
/** LLAMA_MAX_EXPERTS, asserted. */
const MAX_EXPERTS = 1024;
/** Far above any model (10 M tokens), below where a padded 32-bit context size overflows. */
const MAX_CONTEXT = 1 << 30;
/** Far above any model (below 100,000), low enough that products with it stay exact. */
const MAX_EMBEDDING = 1 << 24;
/** What llama.cpp reads as "not said" in an unsigned key. */
const UNSPECIFIED = 0xffff_ffff;
/** Pooling types exist from 0 (none) to 4 (rank). */
const MAX_POOLING_TYPE = 4;
const ROPE_SCALING_TYPES = ["none", "linear", "yarn", "longrope"];
/** Layers without attention occur in these attention models too. */
const ATTENTION_FREE_LAYERS = new Set(["deci"]);

/** Attention models whose layers may differ in their heads; all others take the first layer's for every tensor. */
const HEADS_BY_LAYER = new Set("deci openelm gemma4 dots3note laguna mimo2 plamo3 step35".split(" "));

export interface Hyperparameters {
  contextLength: number;
  embeddingLength: number;
  layers: number;
  /** Of the first layer with attention; 0 in models without it. */
  headCount: number;
  /** Of the first layer that has one; 0 where the file does not say. */
  feedForward: number;
}

/** Check them all and return those that others use. `mayEncode`: a model that sees the future will do. */
export function checkHyperparameters(header: GgufHeader, architecture: string, mayEncode = false): Hyperparameters {
  const parameters = new Parameters(header.metadata, architecture);
  const contextLength = parameters.required("context_length", 1, MAX_CONTEXT);
  const embeddingLength = parameters.required("embedding_length", 1, MAX_EMBEDDING);
  const layers = parameters.required("block_count", 1, MAX_LAYERS);
  // The last layers may predict several tokens ahead; without any before them there is no model to run.
  parameters.optional("nextn_predict_layers", 0, layers - 1);
  checkFloats(parameters);
  checkScaling(parameters);
  if (!mayEncode) checkDirection(parameters);
  checkPooling(parameters);
  const headCount = checkHeads(parameters, layers, embeddingLength);
  checkExperts(parameters, layers);
  checkArchitectureRules(parameters, { layers, embeddingLength });
  const feedForward = parameters.perLayer("feed_forward_length", layers)?.find((length) => length > 0) ?? 0;
  return { contextLength, embeddingLength, layers, headCount, feedForward };
}

/** The same facts where a vocabulary is all that is wanted: 0 for what the file does not say. */
export function readHyperparameters(header: GgufHeader, architecture: string): Hyperparameters {
  const read = (name: string) => {
    const entry = header.metadata.entries.get(`${architecture}.${name}`);
    return entry?.type === "uint32" ? (entry.value as number) : 0;
  };
  return {
    contextLength: read("context_length"),
    embeddingLength: read("embedding_length"),
    layers: read("block_count"),
    headCount: read("attention.head_count"),
    feedForward: read("feed_forward_length"),
  };
}

/** NaN and infinity spread through every activation; a negative epsilon is an assertion in ggml's norms. */
function checkFloats(parameters: Parameters): void {
  const prefix = parameters.key("");
  for (const [key, { type, value }] of parameters.metadata.entries) {
    if ((type !== "float32" && type !== "float64") || !key.startsWith(prefix)) continue;
    const name = key.slice(prefix.length);
    if (!Number.isFinite(value)) parameters.refuse(name, value, "a finite number");
    const number = value as number;
    if (name.endsWith("epsilon") && (number < 0 || number > 1)) parameters.refuse(name, number, "a number from 0 to 1");
    if (/^rope\.freq_base/.test(name) && number <= 0) parameters.refuse(name, number, "a positive number");
    if (/^rope\.scaling\.factor$|^rope\.scale_linear$/.test(name) && number < 0) {
      parameters.refuse(name, number, "0 or a positive number");
    }
  }
}

function checkScaling(parameters: Parameters): void {
  const type = parameters.metadata.string(parameters.key("rope.scaling.type"));
  if (type !== undefined && !ROPE_SCALING_TYPES.includes(type)) {
    parameters.refuse("rope.scaling.type", JSON.stringify(type), `one of ${ROPE_SCALING_TYPES.join(", ")}`);
  }
}

/** A model that sees the future cannot be asked for the next token, and llama.cpp asserts on its batches. */
function checkDirection(parameters: Parameters): void {
  const { metadata } = parameters;
  if (parameters.bool("attention.causal") === false) {
    const problem = `"${parameters.key("attention.causal")}" is false: it encodes text and cannot write any.`;
    throw unsupportedModel(metadata.file, problem, "Choose a model that writes text.", { found: false, allowed: true });
  }
}

function checkPooling(parameters: Parameters): void {
  const pooling = parameters.uint32("pooling_type");
  if (pooling !== undefined && pooling !== UNSPECIFIED)
    parameters.between("pooling_type", pooling, 0, MAX_POOLING_TYPE);
}

function checkHeads(parameters: Parameters, layers: number, embeddingLength: number): number {
  const { architecture } = parameters;
  const heads = parameters.perLayer("attention.head_count", layers);
  const keyValueHeads = parameters.perLayer("attention.head_count_kv", layers) ?? heads;
  const everyLayerAttends = memoryOf(architecture) === "attention" && !ATTENTION_FREE_LAYERS.has(architecture);
  if (heads === undefined) {
    if (everyLayerAttends) parameters.refuse("attention.head_count", undefined, "the number of heads");
    return 0;
  }
  heads.forEach((count, layer) => {
    const keyValue = keyValueHeads![layer]!;
    if (everyLayerAttends && count < 1) parameters.refuse("attention.head_count", count, "1 or more");
    if (everyLayerAttends && keyValue < 1) parameters.refuse("attention.head_count_kv", keyValue, "1 or more");
    // Groups of query heads share a key-value head; the products of attention assert that the groups are equal.
    if (count > 0 && keyValue > 0 && count % keyValue !== 0) {
      parameters.refuse("attention.head_count_kv", keyValue, `a divisor of the ${count} heads`);
    }
  });
  if (memoryOf(architecture) === "attention" && !HEADS_BY_LAYER.has(architecture)) {
    for (const [name, counts] of [
      ["attention.head_count", heads],
      ["attention.head_count_kv", keyValueHeads!],
    ] as const) {
      if (new Set(counts).size > 1) parameters.refuse(name, counts.join(", "), "one number for all layers");
    }
  }
  if (heads[0]! > 0) checkHeadLengths(parameters, heads[0]!, embeddingLength);
  return heads.find((count) => count > 0) ?? 0;
}

function checkHeadLengths(parameters: Parameters, heads: number, embeddingLength: number): void {
  const { architecture, metadata } = parameters;
  const own = parameters.optional("attention.key_length", 1, MAX_EMBEDDING);
  if (own === undefined && embeddingLength % heads !== 0) {
    const problem = `the embedding length ${embeddingLength} is not a multiple of its ${heads} heads.`;
    throw invalidModel(metadata.file, problem, "Convert the model again.", { found: embeddingLength, allowed: heads });
  }
  const keyLength = own ?? embeddingLength / heads;
  const valueLength =
    parameters.optional("attention.value_length", 1, MAX_EMBEDDING) ?? Math.floor(embeddingLength / heads);
  if (!UNEQUAL_HEADS.has(architecture) && valueLength !== keyLength) {
    parameters.refuse("attention.value_length", valueLength, `the key length ${keyLength}`);
  }
  const rotated = parameters.optional("rope.dimension_count", 0, keyLength);
  const slidingKeys = parameters.optional("attention.key_length_swa", 1, MAX_EMBEDDING) ?? keyLength;
  const slidingRotated = parameters.uint32("rope.dimension_count_swa") ?? rotated;
  if (slidingRotated !== undefined && slidingRotated > slidingKeys) {
    parameters.refuse("rope.dimension_count_swa", slidingRotated, `at most the key length ${slidingKeys}`);
  }
  if (rotated !== undefined && rotated % 2 !== 0) parameters.refuse("rope.dimension_count", rotated, "an even number");
  if (FULL_ROPE.has(architecture) && (rotated ?? keyLength) !== keyLength) {
    parameters.refuse("rope.dimension_count", rotated, `the key length ${keyLength}`);
  }
  if (FULL_ROPE.has(architecture) && keyLength % 2 !== 0) {
    parameters.refuse("attention.key_length", keyLength, "an even number (positions rotate pairs)");
  }
}

/** Mixtures of experts: each of these is an assertion of llama.cpp's loader. */
function checkExperts(parameters: Parameters, layers: number): void {
  const experts = parameters.optional("expert_count", 0, MAX_EXPERTS) ?? 0;
  const used = Math.max(0, ...(parameters.perLayer("expert_used_count", layers) ?? []));
  const groups = parameters.uint32("expert_group_count") ?? 0;
  const usedGroups = parameters.uint32("expert_group_used_count") ?? 0;
  // Hunyuan's dense models keep the keys of its mixtures with one expert; llama.cpp ignores them.
  const ignored = experts <= 1 && /^hunyuan(_vl|-dense)$/.test(parameters.architecture);
  if (experts === 0 || ignored) {
    if (used !== 0 && !ignored) parameters.refuse("expert_used_count", used, "0 in a model without experts");
    if (groups !== 0) parameters.refuse("expert_group_count", groups, "0 in a model without experts");
    return;
  }
  parameters.between("expert_used_count", used, 1, experts);
  parameters.between("expert_group_count", groups, 0, experts - 1);
  if (groups <= 1) return;
  if (experts % groups !== 0) parameters.refuse("expert_group_count", groups, `a divisor of the ${experts} experts`);
  parameters.between("expert_group_used_count", usedGroups, 1, groups - 1);
}
