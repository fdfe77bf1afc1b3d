/**
 * `npx tsx scripts/write-encoder.ts FOLDER OUT.gguf`: a BERT embedding model as Hugging Face keeps it (config.json, vocab.txt,
 * model.safetensors, 1_Pooling/config.json), as a GGUF file. Names and fields are those of llama.cpp's
 * convert_hf_to_gguf.py for BertModel; numbers stay in the file's own single precision.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LlamafuseError } from "../src/errors.js";
import { field, type TensorToWrite, writeGguf } from "./lib/gguf-writer.js";
import { readSafetensors, type SafeTensor } from "./lib/safetensors.js";

const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
/** Values of `tokenizer.ggml.token_type`. */
const NORMAL = 1;
const CONTROL = 3;
/** Values of `bert.pooling_type`. */
const MEAN = 1;
const CLS = 2;

/** What a tensor is called in Hugging Face's files → in GGUF; `{layer}` its number. What is not listed is not used. */
const NAMES: readonly [theirs: string, ours: string][] = [
  ["embeddings.word_embeddings", "token_embd"],
  ["embeddings.token_type_embeddings", "token_types"],
  ["embeddings.position_embeddings", "position_embd"],
  ["embeddings.LayerNorm", "token_embd_norm"],
  ["encoder.layer.{layer}.attention.self.query", "blk.{layer}.attn_q"],
  ["encoder.layer.{layer}.attention.self.key", "blk.{layer}.attn_k"],
  ["encoder.layer.{layer}.attention.self.value", "blk.{layer}.attn_v"],
  ["encoder.layer.{layer}.attention.output.dense", "blk.{layer}.attn_output"],
  ["encoder.layer.{layer}.attention.output.LayerNorm", "blk.{layer}.attn_output_norm"],
  ["encoder.layer.{layer}.intermediate.dense", "blk.{layer}.ffn_up"],
  ["encoder.layer.{layer}.output.dense", "blk.{layer}.ffn_down"],
  ["encoder.layer.{layer}.output.LayerNorm", "blk.{layer}.layer_output_norm"],
];

interface Config {
  architectures: string[];
  hidden_size: number;
  intermediate_size: number;
  layer_norm_eps: number;
  max_position_embeddings: number;
  num_attention_heads: number;
  num_hidden_layers: number;
  type_vocab_size: number;
}

/** Errors: file-unreadable by Node's own, unsupported-model for another architecture, invalid-data for a file that is none. */
export function writeEncoder(folder: string, out: string): void {
  const config = jsonOf<Config>(path.join(folder, "config.json"));
  if (!config.architectures.includes("BertModel")) {
    throw new LlamafuseError(
      "unsupported-model",
      `${folder} is a ${config.architectures.join(", ")}; this script writes BertModel. Use llama.cpp's convert_hf_to_gguf.py.`,
      { found: config.architectures, allowed: ["BertModel"] },
    );
  }
  const words = readFileSync(path.join(folder, "vocab.txt"), "utf8").trimEnd().split("\n");
  const specialId = (token: string) => field.uint32(words.indexOf(token));
  const metadata = {
    "general.architecture": field.string("bert"),
    "general.name": field.string(path.basename(out, ".gguf")),
    "bert.block_count": field.uint32(config.num_hidden_layers),
    "bert.context_length": field.uint32(config.max_position_embeddings),
    "bert.embedding_length": field.uint32(config.hidden_size),
    "bert.feed_forward_length": field.uint32(config.intermediate_size),
    "bert.attention.head_count": field.uint32(config.num_attention_heads),
    "bert.attention.layer_norm_epsilon": field.float32(config.layer_norm_eps),
    "bert.attention.causal": field.bool(false),
    "bert.pooling_type": field.uint32(poolingOf(folder)),
    "tokenizer.ggml.model": field.string("bert"),
    "tokenizer.ggml.pre": field.string("default"),
    "tokenizer.ggml.token_type_count": field.uint32(config.type_vocab_size),
    "tokenizer.ggml.tokens": field.array("string", words.map(phantom)),
    "tokenizer.ggml.token_type": field.array(
      "int32",
      words.map((word) => (SPECIAL.includes(word) ? CONTROL : NORMAL)),
    ),
    "tokenizer.ggml.bos_token_id": specialId("[CLS]"),
    "tokenizer.ggml.eos_token_id": specialId("[SEP]"),
    "tokenizer.ggml.unknown_token_id": specialId("[UNK]"),
    "tokenizer.ggml.seperator_token_id": specialId("[SEP]"),
    "tokenizer.ggml.padding_token_id": specialId("[PAD]"),
    "tokenizer.ggml.cls_token_id": specialId("[CLS]"),
    "tokenizer.ggml.mask_token_id": specialId("[MASK]"),
  };
  const tensors = readSafetensors(path.join(folder, "model.safetensors")).flatMap(renamed);
  writeGguf(out, { metadata, tensors });
}

/** llama.cpp's WordPiece marks where a word begins instead of where one goes on. */
function phantom(word: string): string {
  if (SPECIAL.includes(word)) return word;
  return word.startsWith("##") ? word.slice(2) : `\u2581${word}`;
}

function renamed({ name, shape, data }: SafeTensor): TensorToWrite[] {
  const plain = name
    .replace(/^bert\./, "")
    .replace(/\.gamma$/, ".weight")
    .replace(/\.beta$/, ".bias");
  const [, module, kind] = plain.match(/^(.*)\.(weight|bias)$/) ?? [];
  if (module === undefined) return [];
  const layer = module.match(/\.(\d+)\./)?.[1] ?? "";
  const [, ours] = NAMES.find(([theirs]) => theirs.replace("{layer}", layer) === module) ?? [];
  if (ours === undefined) return [];
  return [
    { name: `${ours.replace("{layer}", layer)}.${kind}`, type: "F32", shape: shape.toReversed(), data: () => [data] },
  ];
}

/** As sentence-transformers keeps it beside the model; the mean where nothing is said. */
function poolingOf(folder: string): number {
  const file = path.join(folder, "1_Pooling", "config.json");
  if (!existsSync(file)) return MEAN;
  return jsonOf<{ pooling_mode_cls_token?: boolean }>(file).pooling_mode_cls_token ? CLS : MEAN;
}

function jsonOf<Shape>(file: string): Shape {
  return JSON.parse(readFileSync(file, "utf8")) as Shape;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, out] = process.argv.slice(2);
  if (folder === undefined || out === undefined) {
    process.stderr.write("npx tsx scripts/write-encoder.ts FOLDER OUT.gguf\n");
    process.exit(2);
  }
  writeEncoder(folder, out);
}
