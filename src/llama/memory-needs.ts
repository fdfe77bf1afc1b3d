/**
 * How much memory a model needs, from its files' headers alone: before anything is loaded, and for the words of a load
 * that failed. Weights are exact; the cache is exact for attention, and close for what recurrent layers keep; what a
 * decode needs on its way is an estimate.
 */
import { readAllHeaders } from "./checks/split-files.js";
import { ggmlTypeNamed } from "./gguf/ggml-types.js";
import type { GgufTensor } from "./gguf/tensors.js";
import type { GgufHeader } from "./gguf.js";
import { type CacheType, cacheTypesOf, type LlamaParameters } from "./parameters.js";

/** Tokens that a context holds where nobody says: see ContextOptions. */
const DEFAULT_CONTEXT = 4096;
/** llama.cpp rounds the cells of a cache up to a multiple of this. */
const CACHE_PADDING = 256;
/** Tokens of a batch. */
const BATCH = 512;
/** Buffers of this many embeddings and feed-forward rows lie about at once in a decode (our estimate). */
const EMBEDDING_ROWS = 6;
const FEED_FORWARD_ROWS = 2;
/** Tensors of layers that keep a state. */
const RECURRENT_TENSOR = /^(?:ssm_|shortconv|time_mix_)/;

/** Bytes. */
export interface MemoryNeeds {
  weights: number;
  cache: number;
  /** Of the cache, what recurrent layers keep: a state of fixed size, which going back takes copies of. 0: none. */
  state: number;
  /** What a decode needs on its way: an estimate. */
  compute: number;
  /** Of each layer, weights and cache together; the layers that go onto a GPU are the last ones. */
  layers: number[];
  /** The output matrix with its norm: it goes onto a GPU as if it were a layer behind the last one. */
  output: number;
  /** The token embedding, which stays in the machine's memory. */
  input: number;
  /** Tokens that the context holds. */
  contextSize: number;
}

export interface NeedsOptions extends Pick<LlamaParameters, "cacheType"> {
  contextSize?: number;
  /** Contexts: texts that it is to hold side by side. Default 1. */
  slots?: number;
}

/** The needs of a model that `checkModel` has passed. */
export function memoryNeeds(file: string, options: NeedsOptions = {}): MemoryNeeds {
  const headers = readAllHeaders(file, () => {});
  const [first] = headers as [GgufHeader, ...GgufHeader[]];
  const read = reader(first);
  const tensors = headers.flatMap((header) => header.tensors);
  const count = read.number("block_count") ?? 0;
  const layers = Array.from({ length: count }, () => 0);
  let [input, output] = [0, 0];
  for (const { name, bytes } of tensors) {
    const layer = Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? Number.NaN);
    if (layer < count) layers[layer]! += bytes;
    else if (/^(?:token_|position_|per_layer_token)/.test(name)) input += bytes;
    else output += bytes;
  }
  // Without a matrix of its own the output is the token embedding once more.
  const embedding = tensors.find(({ name }) => name === "token_embd.weight");
  if (!tensors.some(({ name }) => name === "output.weight")) output += embedding?.bytes ?? 0;
  const contextSize =
    options.contextSize ?? Math.min(DEFAULT_CONTEXT, read.number("context_length") || DEFAULT_CONTEXT);
  const cells = Math.ceil((contextSize * (options.slots ?? 1)) / CACHE_PADDING) * CACHE_PADDING;
  const types = cacheTypesOf(options);
  const states = layers.map((_, layer) => (isRecurrent(layer, tensors) ? stateBytes(read) : 0));
  const caches = states.map(
    (state, layer) => state + (state > 0 ? 0 : keyValueBytes(read, layer, count, cells, types)),
  );
  return {
    weights: layers.reduce(sum, 0) + input + output,
    cache: caches.reduce(sum, 0),
    state: states.reduce(sum, 0),
    compute: computeBytes(read, embedding),
    layers: layers.map((bytes, layer) => bytes + caches[layer]!),
    output,
    input,
    contextSize,
  };
}

type Reader = ReturnType<typeof reader>;

function reader({ metadata }: GgufHeader) {
  const architecture = metadata.string("general.architecture") ?? "";
  const entry = (name: string) => metadata.entries.get(`${architecture}.${name}`);
  return {
    number: (name: string) => {
      const found = entry(name);
      return typeof found?.value === "number" && found.type !== "array" ? found.value : undefined;
    },
    ofLayer: (name: string, layer: number, layers: number) =>
      entry(name) === undefined ? undefined : metadata.perLayer(`${architecture}.${name}`, layers)?.[layer],
  };
}

function isRecurrent(layer: number, tensors: readonly GgufTensor[]): boolean {
  const start = `blk.${layer}.`;
  return tensors.some(({ name }) => name.startsWith(start) && RECURRENT_TENSOR.test(name.slice(start.length)));
}

function keyValueBytes(
  read: Reader,
  layer: number,
  layers: number,
  cells: number,
  types: { k: CacheType; v: CacheType },
): number {
  const embedding = read.number("embedding_length") ?? 0;
  const heads = read.ofLayer("attention.head_count", layer, layers) ?? 0;
  const keyValueHeads = read.ofLayer("attention.head_count_kv", layer, layers) ?? heads;
  const each = heads > 0 ? Math.floor(embedding / heads) : 0;
  const keys = keyValueHeads * (read.number("attention.key_length") ?? each);
  const values = keyValueHeads * (read.number("attention.value_length") ?? each);
  return cells * (rowBytes(types.k, keys) + rowBytes(types.v, values));
}

/** F32: what short convolutions, RWKV's mixing and Mamba's scan keep of a text (n_embd_r and n_embd_s in llama.cpp). */
function stateBytes(read: Reader): number {
  const embedding = read.number("embedding_length") ?? 0;
  const columns = read.number("shortconv.l_cache");
  if (columns !== undefined) return 4 * embedding * (columns - 1);
  const headSize = read.number("wkv.head_size");
  if (headSize !== undefined) return 4 * embedding * ((read.number("token_shift_count") ?? 2) + headSize);
  const inner = read.number("ssm.inner_size") ?? 0;
  const state = read.number("ssm.state_size") ?? 0;
  const groups = read.number("ssm.group_count") ?? 0;
  const kernel = read.number("ssm.conv_kernel") ?? 1;
  return 4 * ((kernel - 1) * (inner + 2 * groups * state) + state * inner);
}

function rowBytes(type: CacheType, elements: number): number {
  const { blockBytes, blockElements } = ggmlTypeNamed(type.toUpperCase())!;
  return (Math.ceil(elements / blockElements) * blockBytes) | 0;
}

function computeBytes(read: Reader, embedding: GgufTensor | undefined): number {
  const rows =
    EMBEDDING_ROWS * (read.number("embedding_length") ?? 0) +
    FEED_FORWARD_ROWS * (read.number("feed_forward_length") ?? 0);
  return 4 * (BATCH * rows + (embedding?.shape[1] ?? 0));
}

function sum(a: number, b: number): number {
  return a + b;
}
