/**
 * Random but valid models that keep a state instead of, or beside, a cache of keys and values: Mamba, Granite 4 hybrids and
 * LFM2. Everything follows from the seed, as in tiny-model.ts.
 */
import { type Field, field, type TensorToWrite, writeGguf } from "./gguf-writer.js";
import { constant, matrices, ones, vocabularyFields } from "./tiny-model.js";

export const RECURRENT_ARCHITECTURES = ["mamba", "granitehybrid", "lfm2"] as const;

export interface TinyRecurrentOptions {
  architecture: (typeof RECURRENT_ARCHITECTURES)[number];
  /** Default "spm". */
  tokenizer?: "spm" | "bpe";
  /** Default 320. */
  vocabularySize?: number;
  /** Embedding length, a multiple of 32. Default 32. */
  dim?: number;
  /** Default 3. Every third layer of a hybrid has attention, the second one first. */
  layers?: number;
  /** Numbers of a state for each channel (Mamba and Granite). Default 16. */
  state?: number;
  /** Default 128. */
  contextLength?: number;
  /** Format of the large matrices. Default "F32". */
  weights?: "F32" | "F16" | "Q8_0";
  /** Default 1. */
  seed?: number;
}

/** Columns of the convolution, as the real models have. */
const KERNEL = { mamba: 4, granitehybrid: 4, lfm2: 3 };
const HEADS = 4;
const KEY_VALUE_HEADS = 2;

/** Write the model; returns its path. */
export function writeTinyRecurrent(path: string, options: TinyRecurrentOptions): string {
  const { architecture, tokenizer = "spm", vocabularySize = 320, dim = 32, layers = 3, state = 16, seed = 1 } = options;
  const inner = 2 * dim;
  const feedForward = 2 * dim;
  const matrix = matrices(options.weights ?? "F32", seed);
  // Small matrices are read as floats by llama.cpp's convolution and scan.
  const floats = matrices("F32", seed + 1000);
  const hasAttention = (layer: number) => architecture !== "mamba" && layer % 3 === 1;
  const own = (entries: Record<string, Field>) =>
    Object.fromEntries(Object.entries(entries).map(([name, value]) => [`${architecture}.${name}`, value]));
  const metadata: Record<string, Field> = {
    "general.architecture": field.string(architecture),
    "general.name": field.string(`random ${architecture} ${seed}`),
    ...own({
      context_length: field.uint32(options.contextLength ?? 128),
      embedding_length: field.uint32(dim),
      block_count: field.uint32(layers),
      feed_forward_length: field.uint32(architecture === "mamba" ? 0 : feedForward),
      "attention.head_count": field.uint32(architecture === "mamba" ? 0 : HEADS),
      "attention.layer_norm_rms_epsilon": field.float32(1e-5),
      ...(architecture === "mamba"
        ? {}
        : {
            "attention.head_count_kv": field.array(
              "int32",
              Array.from({ length: layers }, (_, layer) => (hasAttention(layer) ? KEY_VALUE_HEADS : 0)),
            ),
            "rope.dimension_count": field.uint32(dim / HEADS),
            "rope.freq_base": field.float32(10_000),
          }),
      ...(architecture === "lfm2"
        ? { "shortconv.l_cache": field.uint32(KERNEL.lfm2) }
        : {
            "ssm.conv_kernel": field.uint32(KERNEL[architecture]),
            "ssm.inner_size": field.uint32(inner),
            "ssm.state_size": field.uint32(state),
            "ssm.time_step_rank": field.uint32(architecture === "mamba" ? dim / 16 : HEADS),
            ...(architecture === "mamba" ? {} : { "ssm.group_count": field.uint32(1) }),
          }),
    }),
    ...vocabularyFields(tokenizer, vocabularySize, seed),
  };
  const tensors: TensorToWrite[] = [matrix("token_embd.weight", dim, vocabularySize)];
  tensors.push(ones(architecture === "lfm2" ? "token_embd_norm.weight" : "output_norm.weight", dim));
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string) => `blk.${layer}.${name}`;
    tensors.push(ones(of("attn_norm.weight"), dim));
    if (hasAttention(layer)) tensors.push(...attention(of));
    else if (architecture === "mamba") tensors.push(...mamba(of));
    else if (architecture === "granitehybrid") tensors.push(...mamba2(of));
    else tensors.push(...shortConvolution(of));
    if (architecture === "mamba") continue;
    tensors.push(
      ones(of("ffn_norm.weight"), dim),
      matrix(of("ffn_gate.weight"), dim, feedForward),
      matrix(of("ffn_up.weight"), dim, feedForward),
      matrix(of("ffn_down.weight"), feedForward, dim),
    );
  }
  writeGguf(path, { metadata, tensors });
  return path;

  function attention(of: (name: string) => string): TensorToWrite[] {
    const keyValue = (dim / HEADS) * KEY_VALUE_HEADS;
    return [
      matrix(of("attn_q.weight"), dim, dim),
      matrix(of("attn_k.weight"), dim, keyValue),
      matrix(of("attn_v.weight"), dim, keyValue),
      matrix(of("attn_output.weight"), dim, dim),
      ...(architecture === "lfm2"
        ? [ones(of("attn_q_norm.weight"), dim / HEADS), ones(of("attn_k_norm.weight"), dim / HEADS)]
        : []),
    ];
  }

  function mamba(of: (name: string) => string): TensorToWrite[] {
    const rank = dim / 16;
    return [
      matrix(of("ssm_in.weight"), dim, 2 * inner),
      floats(of("ssm_conv1d.weight"), KERNEL.mamba, inner),
      constant(of("ssm_conv1d.bias"), [inner], 0),
      floats(of("ssm_x.weight"), inner, rank + 2 * state),
      floats(of("ssm_dt.weight"), rank, inner),
      constant(of("ssm_dt.bias"), [inner], -1),
      constant(of("ssm_a"), [state, inner], -0.5),
      constant(of("ssm_d"), [inner], 1),
      matrix(of("ssm_out.weight"), inner, dim),
    ];
  }

  function mamba2(of: (name: string) => string): TensorToWrite[] {
    const convolved = inner + 2 * state;
    return [
      matrix(of("ssm_in.weight"), dim, inner + convolved + HEADS),
      floats(of("ssm_conv1d.weight"), KERNEL.granitehybrid, convolved),
      constant(of("ssm_conv1d.bias"), [convolved], 0),
      constant(of("ssm_dt.bias"), [HEADS], -1),
      constant(of("ssm_a"), [1, HEADS], -0.5),
      constant(of("ssm_d"), [1, HEADS], 1),
      constant(of("ssm_norm.weight"), [inner, 1], 1),
      matrix(of("ssm_out.weight"), inner, dim),
    ];
  }

  function shortConvolution(of: (name: string) => string): TensorToWrite[] {
    return [
      floats(of("shortconv.conv.weight"), KERNEL.lfm2, dim),
      matrix(of("shortconv.in_proj.weight"), dim, 3 * dim),
      matrix(of("shortconv.out_proj.weight"), dim, dim),
    ];
  }
}
