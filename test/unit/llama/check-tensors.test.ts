/** The tensors of a model: their formats, shapes and places, and which of them a layer needs. */
import { describe, expect, it } from "vitest";
import { field, type TensorToWrite, writeGguf } from "../../../scripts/lib/gguf-writer.js";
import { type TinyModelOptions, tinyModel, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { once } from "../../support/once.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let count = 0;
const model = once((options: TinyModelOptions) => writeTinyModel(at(`${count++}.gguf`), options)[0]!);

type Case = [string, TinyModelOptions, RegExp];

describe("a tensor is refused", () => {
  const format = (name: string, type: string, bytes: number): TinyModelOptions => ({
    tensors: (list) =>
      list.map((tensor) => (tensor.name === name ? { ...tensor, type, data: () => [new Uint8Array(bytes)] } : tensor)),
  });
  it.each<Case>([
    [
      "a norm in F16",
      format("output_norm.weight", "F16", 64),
      /"output_norm\.weight" is in the format F16; .* in F32\./,
    ],
    ["a norm of integers", format("blk.0.attn_norm.weight", "I32", 128), /format I32/],
    [
      "a matrix of integers",
      format("blk.0.attn_q.weight", "I32", 4096),
      /format I32; .* F32, F16, BF16 or a quantised/,
    ],
    ["a matrix in a format of intermediate results", format("blk.0.attn_q.weight", "Q8_1", 1152), /format Q8_1/],
    [
      "an embedding of another width",
      { tensors: () => tinyModel({ dim: 64 }).tensors },
      /"token_embd\.weight" is 64 × 320.*embeddings of length 32/,
    ],
    [
      "an embedding of another vocabulary",
      { tensors: () => tinyModel({ vocabularySize: 330 }).tensors },
      /"token_embd\.weight" is 32 × 330.*320 tokens/,
    ],
  ])("%s", async (_, options, message) => {
    const file = model(options);
    await expectRefusal(() => checkModel(file), "invalid-model", message, file);
  });

  const extra = (name: string, type = "F32", shape = [4], bytes = 4 * shape.reduce((a, b) => a * b)) =>
    ({ name, type, shape, data: () => [new Uint8Array(bytes)] }) satisfies TensorToWrite;
  const named = (architecture: string, ...more: TensorToWrite[]): TinyModelOptions => ({
    layers: 11,
    metadata: Object.fromEntries([
      ["general.architecture", field.string(architecture)],
      ...Object.entries(tinyModel({ layers: 11 }).metadata).flatMap(([key, value]) =>
        key.startsWith("llama.") ? [[key.replace("llama.", `${architecture}.`), value] as const] : [],
      ),
    ]),
    tensors: (list) => [...list, ...more],
  });
  const without = ({ tensors, ...options }: TinyModelOptions, layer: string): TinyModelOptions => ({
    ...options,
    tensors: (list) => tensors!(list.filter(({ name }) => !name.startsWith(layer))),
  });

  it.each<Case>([
    [
      "a state's convolution without its bias",
      named("mamba2", extra("blk.10.ssm_conv1d.weight")),
      /"blk\.10\.ssm_conv1d\.weight" without "blk\.10\.ssm_conv1d\.bias"\./,
    ],
    [
      "one whose bias is another layer's",
      named("mamba2", extra("blk.10.ssm_conv1d.weight"), extra("blk.1.ssm_conv1d.bias")),
      /without "blk\.10\.ssm_conv1d\.bias"/,
    ],
    [
      "a convolution in F16",
      named("llama", extra("blk.0.ssm_conv1d.weight", "F16", [4, 4], 32)),
      /format F16; .* in F32\./,
    ],
    [
      "a table of a format for matrices",
      named("llama", extra("blk.0.ffn_gate_tid2eid.bias", "I32", [4, 4])),
      /format I32/,
    ],
    ["a layer missing", without(named("llama"), "blk.10."), /layer 10 of 11 has no tensors/],
    [
      "a layer whose tensors are another part's",
      without(named("llama", extra("v.blk.10.weight")), "blk.10."),
      /layer 10 of 11/,
    ],
  ])("%s", async (_, options, message) => {
    const file = model(options);
    await expectRefusal(() => checkModel(file), "invalid-model", message, file);
  });

  it.each<[string, TinyModelOptions]>([
    ["a bias for its convolution", named("mamba2", extra("blk.10.ssm_conv1d.weight"), extra("blk.10.ssm_conv1d.bias"))],
    ["a convolution outside of layers", named("mamba2", extra("x.blk.1.ssm_conv1d.weight"))],
    ["a convolution that others do not ask about", named("llama", extra("blk.1.ssm_conv1d.weight"))],
    ["one of two companions", named("qwen3next", extra("blk.1.ssm_conv1d.weight"), extra("blk.1.ssm_in.weight"))],
    ["a table of integers", named("llama", extra("blk.1.ffn_gate_tid2eid.weight", "I32", [4, 4]))],
    ["a matrix of one row in F16", named("llama", extra("blk.1.x.weight", "F16", [4, 1], 8))],
    ["a layer that does nothing", without(named("deci"), "blk.10.")],
  ])("but not %s", async (_, options) => {
    const architecture = options.metadata!["general.architecture"]!.value;
    expect((await checkModel(model(options))).architecture).toBe(architecture);
  });

  it("that two parts have", async () => {
    const both = (list: TensorToWrite[]) => [...list, { ...list[0]! }];
    const parts = writeTinyModel(at("twice.gguf"), { parts: 2, tensors: both });
    const message = /the tensor "token_embd\.weight" is in .*00001-of-00002\.gguf too/;
    await expectRefusal(() => checkModel(parts[0]!), "invalid-model", message, parts[1]!);
  });

  it("data off the boundary of 32 bytes", async () => {
    const file = at("unaligned.gguf");
    writeGguf(file, { ...tinyModel({ weights: "F16", dim: 8, heads: 2 }), alignment: 8 });
    await expectRefusal(() => checkModel(file), "invalid-model", /llama\.cpp maps tensors at multiples of 32/, file);
  });
});
