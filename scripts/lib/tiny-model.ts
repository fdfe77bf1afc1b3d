/**
 * Random but valid llama models of any size, in the two tokenizer families: tests load and damage tiny ones, benches
 * use large ones for speed. Everything follows from the seed, so the same options give the same bytes.
 */
import { type Field, field, type TensorToWrite, writeGguf } from "./gguf-writer.js";

export interface TinyModelOptions {
  /** Default "spm". */
  tokenizer?: "spm" | "bpe";
  /** Default 320. SPM needs at least 262 (3 special tokens, 256 bytes, some text), BPE at least 258. */
  vocabularySize?: number;
  /** Embedding length, a multiple of `heads`. Default 32. */
  dim?: number;
  /** Default 2. */
  layers?: number;
  /** Default 4. */
  heads?: number;
  /** Heads of keys and values, a divisor of `heads`. Default `heads / 2`. */
  keyValueHeads?: number;
  /** Default 2 × `dim`. */
  feedForward?: number;
  /** Default 128. */
  contextLength?: number;
  /** Format of the matrices; vectors are always F32. "Q8_0" needs `dim` and `feedForward` in multiples of 32. Default "F32". */
  weights?: "F32" | "F16" | "Q8_0";
  /** Default 1. */
  seed?: number;
  /** Fields to add or replace; undefined removes one. */
  metadata?: Readonly<Record<string, Field | undefined>>;
  /** Change the list of tensors before it is written. */
  tensors?: (tensors: TensorToWrite[]) => TensorToWrite[];
  /** Split into so many files, named `<path without .gguf>-00001-of-0000N.gguf`. Default 1: one file at `path`. */
  parts?: number;
  /** What the parts say of the number of all tensors. Default: that number. */
  splitTensors?: Field;
}

/** Write the model and return the paths of its files, the first one being what to load. */
export function writeTinyModel(path: string, options: TinyModelOptions = {}): string[] {
  const model = tinyModel(options);
  const count = options.parts ?? 1;
  if (count === 1) {
    writeGguf(path, model);
    return [path];
  }
  const digits = (value: number) => String(value).padStart(5, "0");
  const perPart = Math.ceil(model.tensors.length / count);
  return Array.from({ length: count }, (_, index) => {
    const part = path.replace(/\.gguf$/, `-${digits(index + 1)}-of-${digits(count)}.gguf`);
    const total = "splitTensors" in options ? options.splitTensors : field.int32(model.tensors.length);
    const split: Record<string, Field> = {
      "split.no": field.uint16(index),
      "split.count": field.uint16(count),
      ...(total !== undefined && { "split.tensors.count": total }),
    };
    const tensors = model.tensors.slice(index * perPart, (index + 1) * perPart);
    writeGguf(part, { metadata: index === 0 ? { ...model.metadata, ...split } : split, tensors });
    return part;
  });
}

/** The model as metadata and tensors whose data is made on demand. */
export function tinyModel(options: TinyModelOptions = {}): {
  metadata: Record<string, Field>;
  tensors: TensorToWrite[];
} {
  const tokenizer = options.tokenizer ?? "spm";
  const vocabularySize = options.vocabularySize ?? 320;
  const dim = options.dim ?? 32;
  const layers = options.layers ?? 2;
  const heads = options.heads ?? 4;
  const keyValueHeads = options.keyValueHeads ?? Math.max(1, heads >> 1);
  const feedForward = options.feedForward ?? 2 * dim;
  const seed = options.seed ?? 1;
  const fields: Record<string, Field | undefined> = {
    "general.architecture": field.string("llama"),
    "general.name": field.string(`random ${tokenizer} ${seed}`),
    "llama.context_length": field.uint32(options.contextLength ?? 128),
    "llama.embedding_length": field.uint32(dim),
    "llama.block_count": field.uint32(layers),
    "llama.feed_forward_length": field.uint32(feedForward),
    "llama.attention.head_count": field.uint32(heads),
    "llama.attention.head_count_kv": field.uint32(keyValueHeads),
    "llama.attention.layer_norm_rms_epsilon": field.float32(1e-5),
    "llama.rope.dimension_count": field.uint32(dim / heads),
    "llama.rope.freq_base": field.float32(10_000),
    ...vocabularyFields(tokenizer, vocabularySize, seed),
    ...options.metadata,
  };
  const metadata: Record<string, Field> = {};
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) metadata[key] = value;

  const matrix = matrices(options.weights ?? "F32", seed);
  const keyValue = (dim / heads) * keyValueHeads;
  const tensors = [matrix("token_embd.weight", dim, vocabularySize), ones("output_norm.weight", dim)];
  tensors.push(matrix("output.weight", dim, vocabularySize));
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string) => `blk.${layer}.${name}.weight`;
    tensors.push(
      ones(of("attn_norm"), dim),
      matrix(of("attn_q"), dim, dim),
      matrix(of("attn_k"), dim, keyValue),
      matrix(of("attn_v"), dim, keyValue),
      matrix(of("attn_output"), dim, dim),
      ones(of("ffn_norm"), dim),
      matrix(of("ffn_gate"), dim, feedForward),
      matrix(of("ffn_up"), dim, feedForward),
      matrix(of("ffn_down"), feedForward, dim),
    );
  }
  return { metadata, tensors: options.tensors?.(tensors) ?? tensors };
}

/** What makes matrices, each of random numbers of its own. */
export function matrices(type: string, seed: number): (name: string, columns: number, rows: number) => TensorToWrite {
  let next = seed;
  return (name, columns, rows) => {
    const own = ++next;
    return { name, type, shape: [columns, rows], data: () => randomMatrix(type, columns, rows, own) };
  };
}

/** A vector of the same number everywhere. */
export function constant(name: string, shape: number[], value: number): TensorToWrite {
  const size = shape.reduce((product, length) => product * length, 1);
  return { name, type: "F32", shape, data: () => [new Uint8Array(new Float32Array(size).fill(value).buffer)] };
}

/** What a norm multiplies with. */
export function ones(name: string, size: number): TensorToWrite {
  return constant(name, [size], 1);
}

/** Token types as llama.cpp numbers them. */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

/** A vocabulary's metadata. */
export function vocabularyFields(tokenizer: "spm" | "bpe", size: number, seed: number): Record<string, Field> {
  return tokenizer === "spm" ? spmFields(size, seed) : bpeFields(size, seed);
}

/** `<unk> <s> </s>`, the 256 bytes, then text whose scores fall with the id, as SentencePiece writes them. */
function spmFields(size: number, seed: number): Record<string, Field> {
  const tokens = ["<unk>", "<s>", "</s>"];
  const types = [UNKNOWN, CONTROL, CONTROL];
  for (let byte = 0; byte < 256; byte++) {
    tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    types.push(BYTE);
  }
  for (const piece of pieces("▁", seed)) {
    if (tokens.length >= size) break;
    tokens.push(piece);
    types.push(NORMAL);
  }
  return {
    "tokenizer.ggml.model": field.string("llama"),
    "tokenizer.ggml.tokens": field.array("string", tokens),
    "tokenizer.ggml.scores": field.array(
      "float32",
      tokens.map((_, id) => (id < 259 ? 0 : 258 - id)),
    ),
    "tokenizer.ggml.token_type": field.array("int32", types),
    "tokenizer.ggml.bos_token_id": field.uint32(1),
    "tokenizer.ggml.eos_token_id": field.uint32(2),
    "tokenizer.ggml.unknown_token_id": field.uint32(0),
  };
}

/** The 256 bytes in GPT-2's letters, one merge for each further token, and `<|endoftext|>` last. */
function bpeFields(size: number, seed: number): Record<string, Field> {
  const tokens = Array.from({ length: 256 }, (_, byte) => byteLetter(byte));
  const known = new Set(tokens);
  const merges: string[] = [];
  for (const piece of pieces(byteLetter(0x20), seed)) {
    if (tokens.length >= size - 1) break;
    // `pieces` gives every beginning of a piece before the piece, so each one is a known token and one letter more.
    if (piece.length < 2 || known.has(piece)) continue;
    merges.push(`${piece.slice(0, -1)} ${piece.slice(-1)}`);
    tokens.push(piece);
    known.add(piece);
  }
  const end = tokens.push("<|endoftext|>") - 1;
  return {
    "tokenizer.ggml.model": field.string("gpt2"),
    "tokenizer.ggml.pre": field.string("gpt-2"),
    "tokenizer.ggml.tokens": field.array("string", tokens),
    "tokenizer.ggml.token_type": field.array(
      "int32",
      tokens.map((_, id) => (id === end ? CONTROL : NORMAL)),
    ),
    "tokenizer.ggml.merges": field.array("string", merges),
    "tokenizer.ggml.bos_token_id": field.uint32(end),
    "tokenizer.ggml.eos_token_id": field.uint32(end),
  };
}

/** Distinct pseudo-words: the space mark and letters first, then words, each after all of its own beginnings. */
function* pieces(space: string, seed: number): Generator<string> {
  const letters = "etaoinshrdlcumwfgypbvkxjqz";
  const seen = new Set<string>();
  for (const piece of [space, ...letters]) {
    seen.add(piece);
    yield piece;
  }
  const random = generator(seed);
  for (;;) {
    const length = 2 + Math.floor(random() * 7);
    let piece = random() < 0.5 ? space : "";
    while (piece.length < length) {
      // Squaring prefers the letters that are frequent in English, so that words share beginnings.
      piece += letters[Math.floor(random() ** 2 * letters.length)];
      if (seen.has(piece)) continue;
      seen.add(piece);
      yield piece;
    }
  }
}

/** GPT-2's printable letter for a byte: itself where it prints, else the next free letter from U+0100 on. */
export function byteLetter(byte: number): string {
  const prints = (value: number) => (value >= 0x21 && value <= 0x7e) || (value >= 0xa1 && value !== 0xad);
  if (prints(byte)) return String.fromCharCode(byte);
  let before = 0;
  for (let other = 0; other < byte; other++) if (!prints(other)) before++;
  return String.fromCharCode(0x100 + before);
}

/** Rows of uniform numbers with variance 1 / columns, a chunk for each group of rows. */
function* randomMatrix(type: string, columns: number, rows: number, seed: number): Generator<Uint8Array> {
  const random = generator(seed * 2_654_435_761);
  const scale = Math.sqrt(12 / columns);
  const group = Math.max(1, Math.floor(65_536 / columns));
  for (let row = 0; row < rows; row += group) {
    const values = new Float32Array(Math.min(group, rows - row) * columns);
    for (let index = 0; index < values.length; index++) values[index] = (random() - 0.5) * scale;
    yield encodeWeights(type, values);
  }
}

function encodeWeights(type: string, values: Float32Array): Uint8Array {
  if (type === "F32") return new Uint8Array(values.buffer);
  if (type === "F16") {
    const halves = new Uint16Array(values.length);
    for (let index = 0; index < values.length; index++) halves[index] = toHalf(values[index]!);
    return new Uint8Array(halves.buffer);
  }
  // Q8_0: blocks of 32 with a half-precision scale and signed bytes.
  const out = Buffer.alloc((values.length / 32) * 34);
  for (let block = 0; block * 32 < values.length; block++) {
    const own = values.subarray(block * 32, block * 32 + 32);
    let largest = 0;
    for (const value of own) largest = Math.max(largest, Math.abs(value));
    const step = largest / 127;
    out.writeUInt16LE(toHalf(step), block * 34);
    for (let index = 0; index < 32; index++) {
      out.writeInt8(step === 0 ? 0 : Math.round(own[index]! / step), block * 34 + 2 + index);
    }
  }
  return out;
}

const floatBits = new Float32Array(1);
const intBits = new Uint32Array(floatBits.buffer);

/** Half-precision bits of a number below 65504, rounded to nearest; numbers too small for a normal half become zero. */
function toHalf(value: number): number {
  floatBits[0] = value;
  const bits = intBits[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const rounded = (bits & 0x7fffffff) + 0x1000;
  const exponent = (rounded >>> 23) - 112;
  return exponent <= 0 ? sign : sign | (exponent << 10) | ((rounded >>> 13) & 0x3ff);
}

/** mulberry32: uniform numbers in [0, 1) from a 32-bit seed. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
