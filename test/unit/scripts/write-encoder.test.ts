import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { writeEncoder } from "../../../scripts/write-encoder.js";
import { GgufEmbedder } from "../../../src/before/embedders/gguf.js";
import { drawNormal } from "../../../src/learning/draws.js";
import { rowOf } from "../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../src/random.js";
import { refusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const DIM = 32;
const FEED_FORWARD = 64;
const WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "dog", "##s", "sat"];
const at = temporaryFolder();

/** A BERT of one layer and random numbers, as Hugging Face keeps it. */
function writeFolder(name: string, architecture = "BertModel"): string {
  const folder = at(name);
  mkdirSync(folder);
  const config = {
    architectures: [architecture],
    hidden_size: DIM,
    intermediate_size: FEED_FORWARD,
    layer_norm_eps: 1e-12,
    max_position_embeddings: 64,
    num_attention_heads: 4,
    num_hidden_layers: 1,
    type_vocab_size: 2,
  };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(path.join(folder, "vocab.txt"), `${WORDS.join("\n")}\n`);
  const layer = "encoder.layer.0";
  const shapes: Record<string, number[]> = {
    "embeddings.word_embeddings.weight": [WORDS.length, DIM],
    "embeddings.token_type_embeddings.weight": [2, DIM],
    "embeddings.position_embeddings.weight": [64, DIM],
    "embeddings.LayerNorm.weight": [DIM],
    "embeddings.LayerNorm.bias": [DIM],
    "pooler.dense.weight": [DIM, DIM],
  };
  const linear = (module: string, outputs: number, inputs: number) => {
    shapes[`${layer}.${module}.weight`] = [outputs, inputs];
    shapes[`${layer}.${module}.bias`] = [outputs];
  };
  for (const part of ["self.query", "self.key", "self.value", "output.dense"]) linear(`attention.${part}`, DIM, DIM);
  linear("intermediate.dense", FEED_FORWARD, DIM);
  linear("output.dense", DIM, FEED_FORWARD);
  for (const norm of ["attention.output.LayerNorm", "output.LayerNorm"]) {
    shapes[`${layer}.${norm}.weight`] = [DIM];
    shapes[`${layer}.${norm}.bias`] = [DIM];
  }
  writeFileSync(path.join(folder, "model.safetensors"), safetensors(shapes));
  return folder;
}

function safetensors(shapes: Record<string, number[]>): Buffer {
  const random = new RandomGenerator(1);
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const parts: Buffer[] = [];
  let place = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => drawNormal(random));
    header[name] = { dtype: "F32", shape, data_offsets: [place, place + values.byteLength] };
    place += values.byteLength;
    parts.push(Buffer.from(values.buffer));
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts]);
}

it("writes a BERT that llama.cpp embeds texts with", async () => {
  const file = at("encoder.gguf");
  writeEncoder(writeFolder("bert"), file);
  const embedder = await GgufEmbedder.open(file, { gpu: false });
  try {
    const vectors = await embedder.embed(["the cats sat", "the cats sat", "dog"]);
    const [first, again, other] = [0, 1, 2].map((row) => Array.from(rowOf(vectors, row)));
    expect(embedder.dimension).toBe(DIM);
    expect(Math.hypot(...first)).toBeCloseTo(1, 5);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  } finally {
    await embedder.dispose();
  }
});

it("names another architecture, and a file that is not safetensors", async () => {
  const other = writeFolder("other", "RobertaModel");
  expect((await refusal(() => writeEncoder(other, at("never.gguf")))).message).toContain("RobertaModel");
  const broken = writeFolder("broken");
  writeFileSync(path.join(broken, "model.safetensors"), "no");
  expect((await refusal(() => writeEncoder(broken, at("never.gguf")))).message).toContain("is not a safetensors file");
});
