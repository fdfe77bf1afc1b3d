/** The memory that a member needs, estimated from its file alone: before it is loaded, to decide what has to go. */
import type { ModelFile } from "../../llama/check-model.js";

/** As the engine chooses it; see MemberOptions. */
const DEFAULT_CONTEXT = 4096;
/** Of a cached number: the cache holds half precision. */
const CACHE_BYTES = 2;

/**
 * Bytes of the weights, and of keys and values for the full context of each slot: tokens · layers · 2 · heads · width · 2. An estimate: the
 * compute buffers are left out, and models that cache less (sliding windows, recurrent layers) are counted in full.
 */
export function memoryOfModel(
  { bytes, architecture, gguf, layers, headCount, embeddingLength, contextLength }: ModelFile,
  contextSize = Math.min(DEFAULT_CONTEXT, contextLength),
  slots = 1,
): number {
  const perLayer = (name: string) => gguf.metadata.perLayer(`${architecture}.attention.${name}`, layers);
  const number = (name: string) => gguf.metadata.uint32(`${architecture}.attention.${name}`);
  const heads = perLayer("head_count_kv") ?? new Array<number>(layers).fill(headCount);
  const width = headCount === 0 ? 0 : embeddingLength / headCount;
  const widths = (number("key_length") ?? width) + (number("value_length") ?? width);
  return bytes + slots * contextSize * CACHE_BYTES * widths * heads.reduce((sum, count) => sum + count, 0);
}
