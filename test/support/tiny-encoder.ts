/** A random but valid BERT with a WordPiece vocabulary of a few words: what embedding models are made of. */
import { field, type TensorToWrite, writeGguf } from "../../scripts/lib/gguf-writer.js";
import { drawNormal } from "../../src/learning/draws.js";
import { RandomGenerator } from "../../src/random.js";

const TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁the", "▁cat", "▁dog", "▁sat", "s", "▁a"];
const NORMAL = 1;
const CONTROL = 3;

const DIM = 32;
const LAYERS = 2;
const FEED_FORWARD = 64;
const CONTEXT = 64;

/** Pools by the mean. */
export function writeTinyEncoder(path: string): string {
  const random = new RandomGenerator(4);
  const tensor = (name: string, ...shape: number[]): TensorToWrite => ({
    name,
    type: "F32",
    shape,
    data: () => {
      const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
      const isNorm = name.endsWith("norm.weight");
      for (let i = 0; i < values.length; i++) values[i] = isNorm ? 1 : 0.3 * drawNormal(random);
      return [new Uint8Array(values.buffer)];
    },
  });
  const tensors = [
    tensor("token_embd.weight", DIM, TOKENS.length),
    tensor("token_types.weight", DIM, 2),
    tensor("position_embd.weight", DIM, CONTEXT),
    tensor("token_embd_norm.weight", DIM),
    tensor("token_embd_norm.bias", DIM),
  ];
  for (let layer = 0; layer < LAYERS; layer++) {
    const linear = (name: string, inputs: number, outputs: number) => [
      tensor(`blk.${layer}.${name}.weight`, inputs, outputs),
      tensor(`blk.${layer}.${name}.bias`, outputs),
    ];
    const norm = (name: string) => [
      tensor(`blk.${layer}.${name}.weight`, DIM),
      tensor(`blk.${layer}.${name}.bias`, DIM),
    ];
    tensors.push(
      ...linear("attn_q", DIM, DIM),
      ...linear("attn_k", DIM, DIM),
      ...linear("attn_v", DIM, DIM),
      ...linear("attn_output", DIM, DIM),
      ...norm("attn_output_norm"),
      ...linear("ffn_up", DIM, FEED_FORWARD),
      ...linear("ffn_down", FEED_FORWARD, DIM),
      ...norm("layer_output_norm"),
    );
  }
  const metadata = {
    "general.architecture": field.string("bert"),
    "general.name": field.string("tiny encoder"),
    "bert.block_count": field.uint32(LAYERS),
    "bert.context_length": field.uint32(CONTEXT),
    "bert.embedding_length": field.uint32(DIM),
    "bert.feed_forward_length": field.uint32(FEED_FORWARD),
    "bert.attention.head_count": field.uint32(4),
    "bert.attention.layer_norm_epsilon": field.float32(1e-12),
    "bert.attention.causal": field.bool(false),
    "bert.pooling_type": field.uint32(1),
    "tokenizer.ggml.model": field.string("bert"),
    "tokenizer.ggml.pre": field.string("default"),
    "tokenizer.ggml.token_type_count": field.uint32(2),
    "tokenizer.ggml.tokens": field.array("string", TOKENS),
    "tokenizer.ggml.token_type": field.array(
      "int32",
      TOKENS.map((_, id) => (id < 5 ? CONTROL : NORMAL)),
    ),
    "tokenizer.ggml.bos_token_id": field.uint32(2),
    "tokenizer.ggml.eos_token_id": field.uint32(3),
    "tokenizer.ggml.unknown_token_id": field.uint32(1),
    "tokenizer.ggml.seperator_token_id": field.uint32(3),
    "tokenizer.ggml.padding_token_id": field.uint32(0),
    "tokenizer.ggml.cls_token_id": field.uint32(2),
    "tokenizer.ggml.mask_token_id": field.uint32(4),
  };
  writeGguf(path, { metadata, tensors });
  return path;
}
