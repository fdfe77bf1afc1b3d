/**
 * Bench models: random llama weights of a real model's shape with a real vocabulary, and a memory of one text.
 *
 * A language model's next token is mostly plain, and models with different vocabularies mostly agree on its bytes.
 * Random weights do neither, and would make every fused step a worst case. So the output rows of the text's tokens
 * remember what came 1 … 4 tokens before them:
 *
 *     output_u = noise_u + Σ_t peak(t, u) / dim · embedding_t      ⇒      logit_u after t ≈ N(0, σ²) + peak(t, u)
 *
 * The noise has σ ≈ 2.2, the peaks are as below, so that the best token has a probability near 0.6 and the next ones are
 * shared by the members. Everything else (attention, feed-forward) is small noise that costs what real weights cost.
 */
import { closeSync, openSync } from "node:fs";
import { GgufArray } from "../../src/llama/gguf/metadata.js";
import { readGgufHeader } from "../../src/llama/gguf.js";
import { loadLlama } from "../../src/llama/library.js";
import { LlamaModel } from "../../src/llama/model.js";
import { type Field, field, type TensorToWrite, writeGguf } from "./gguf-writer.js";
import { BLOCK_WEIGHTS, encodeRow, RandomBlocks } from "./random-blocks.js";
import { tinyModel } from "./tiny-model.js";

export interface BenchModelShape {
  dim: number;
  layers: number;
  heads: number;
  keyValueHeads: number;
  feedForward: number;
}

/** Standard deviation of the logits' noise. */
const NOISE = 2.2;
/** Of the layers' matrices, times √columns: small, so that a token's embedding reaches the output. */
const LAYER_DEVIATION = 0.4;
/** Blocks between the beginnings of two tensors in the pool. */
const STRIDE = 7919;
/** Logit of a token that stood 1, 2, … tokens behind the last one, above the noise. */
const PEAKS = [17, 15, 14, 13];

/** Write a model with the vocabulary of another GGUF file (vocabulary-only ones will do). Returns its bytes. */
export function writeBenchModel(path: string, vocabularyFile: string, shape: BenchModelShape, text: string): number {
  const vocabulary = readVocabulary(vocabularyFile);
  const tokens = tokenize(vocabularyFile, text);
  const { metadata, tensors } = tinyModel({
    ...shape,
    vocabularySize: vocabulary.size,
    contextLength: 4096,
    weights: "Q8_0",
    metadata: {
      "tokenizer.ggml.scores": undefined,
      "tokenizer.ggml.unknown_token_id": undefined,
      ...vocabulary.fields,
    },
  });
  // Embeddings are multiplied with everything else, so they come from other numbers.
  const embeddings = new RandomBlocks(1);
  const pool = new RandomBlocks(2);
  const blocksPerRow = shape.dim / BLOCK_WEIGHTS;
  const embedding = (id: number) => embeddings.weights(id * blocksPerRow, blocksPerRow, 1);
  const noise = NOISE / Math.sqrt(shape.dim);
  let next = 1;

  const filled = tensors.map((tensor): TensorToWrite => {
    if (tensor.type === "F32") return tensor;
    const [columns, rows] = tensor.shape;
    const blocks = (columns / BLOCK_WEIGHTS) * rows;
    if (tensor.name === "token_embd.weight") return { ...tensor, data: () => embeddings.chunks(0, blocks, 1) };
    const start = STRIDE * next++;
    if (tensor.name !== "output.weight") {
      return { ...tensor, data: () => pool.chunks(start, blocks, LAYER_DEVIATION / Math.sqrt(columns)) };
    }
    return {
      ...tensor,
      data: () => outputRows(pool, start, { rows, blocksPerRow, noise }, rememberedRows(tokens, embedding)),
    };
  });
  return writeGguf(path, { metadata, tensors: filled });
}

/** For each token of the text: what its output row gets beside the noise. */
function rememberedRows(tokens: Int32Array, embedding: (id: number) => Float64Array): Map<number, Float64Array> {
  const peaks = new Map<number, Map<number, number>>();
  PEAKS.forEach((peak, distance) => {
    for (let at = distance + 1; at < tokens.length; at++) {
      const row = peaks.get(tokens[at]) ?? new Map<number, number>();
      const before = tokens[at - distance - 1];
      row.set(before, Math.max(peak, row.get(before) ?? 0));
      peaks.set(tokens[at], row);
    }
  });
  const remembered = new Map<number, Float64Array>();
  for (const [id, row] of peaks) {
    let sum: Float64Array | undefined;
    for (const [before, peak] of row) {
      const direction = embedding(before);
      sum ??= new Float64Array(direction.length);
      for (let i = 0; i < sum.length; i++) sum[i] += (peak / sum.length) * direction[i];
    }
    if (sum !== undefined) remembered.set(id, sum);
  }
  return remembered;
}

function* outputRows(
  pool: RandomBlocks,
  start: number,
  { rows, blocksPerRow, noise }: { rows: number; blocksPerRow: number; noise: number },
  remembered: Map<number, Float64Array>,
): Generator<Uint8Array> {
  let row = 0;
  for (const id of [...remembered.keys()].sort((a, b) => a - b)) {
    yield* pool.chunks(start + row * blocksPerRow, (id - row) * blocksPerRow, noise);
    const weights = pool.weights(start + id * blocksPerRow, blocksPerRow, noise);
    remembered.get(id)!.forEach((weight, index) => {
      weights[index] += weight;
    });
    yield encodeRow(weights);
    row = id + 1;
  }
  yield* pool.chunks(start + row * blocksPerRow, (rows - row) * blocksPerRow, noise);
}

/** The tokenizer's metadata, without chat templates. */
function readVocabulary(file: string): { size: number; fields: Record<string, Field> } {
  const descriptor = openSync(file, "r");
  try {
    const fields: Record<string, Field> = {};
    const { entries } = readGgufHeader(descriptor, file).metadata;
    for (const [key, { type, value }] of entries) {
      if (!key.startsWith("tokenizer.ggml.")) continue;
      fields[key] = value instanceof GgufArray ? field.array(value.elementType, elementsOf(value)) : { type, value };
    }
    const tokens = entries.get("tokenizer.ggml.tokens")?.value;
    if (!(tokens instanceof GgufArray)) throw new Error(`${file} has no vocabulary`);
    return { size: tokens.length, fields };
  } finally {
    closeSync(descriptor);
  }
}

function elementsOf(array: GgufArray) {
  if (array.elementType !== "string") return array.numbers() as ArrayLike<number>;
  return Array.from({ length: array.length }, (_, index) => array.bytesAt(index));
}

function tokenize(vocabularyFile: string, text: string): Int32Array {
  const model = LlamaModel.load(loadLlama({ gpu: false }), vocabularyFile, { vocabularyOnly: true });
  try {
    return model.tokenizer.encode(Buffer.from(text), { parseSpecial: false, addBos: false });
  } finally {
    model.free();
  }
}
