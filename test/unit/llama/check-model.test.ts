import { describe, expect, it } from "vitest";
import { type Field, field, type TensorToWrite } from "../../../scripts/lib/gguf-writer.js";
import { type TinyModelOptions, tinyModel, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import type { ErrorCode } from "../../../src/errors.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { quoted } from "../../../src/llama/checks/model-error.js";
import { once } from "../../support/once.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";
import { writeTinyEncoder } from "../../support/tiny-encoder.js";

const at = temporaryFolder();
let count = 0;

const model = once((options: TinyModelOptions) => writeTinyModel(at(`${count++}.gguf`), options)[0]!);

describe("a model that passes", () => {
  it("gives the facts of its file", async () => {
    const chatTemplate = "{{ messages[0].content }}";
    const file = model({
      tokenizer: "bpe",
      weights: "Q8_0",
      metadata: {
        "tokenizer.chat_template": field.string(chatTemplate),
        "tokenizer.ggml.add_bos_token": field.bool(true),
      },
    });
    expect(await checkModel(file)).toMatchObject({
      path: file,
      parts: [file],
      architecture: "llama",
      name: "random bpe 1",
      memory: "attention",
      quantization: "Q8_0",
      parameters: 39_072,
      contextLength: 128,
      embeddingLength: 32,
      layers: 2,
      headCount: 4,
      feedForward: 64,
      chatTemplate,
      tokenizer: {
        kind: "bpe",
        model: "gpt2",
        pre: "gpt-2",
        size: 320,
        bos: 319,
        eos: 319,
        addBos: true,
        addSpacePrefix: false,
      },
    });
  });

  it("takes llama.cpp's defaults where the file says nothing", async () => {
    const file = model({
      metadata: { "tokenizer.ggml.bos_token_id": undefined, "tokenizer.ggml.eos_token_id": undefined },
    });
    const { tokenizer } = await checkModel(file);
    expect(tokenizer).toMatchObject({ kind: "spm", bos: 1, eos: 2, addBos: true, addSpacePrefix: true });
  });

  it("takes an id of 2^32 - 1 as none, and ignores padding outside the vocabulary as llama.cpp does", async () => {
    const file = model({
      metadata: {
        "tokenizer.ggml.eot_token_id": field.uint32(0xffff_ffff),
        "tokenizer.ggml.padding_token_id": field.uint32(320),
      },
    });
    await expect(checkModel(file)).resolves.toBeDefined();
  });

  it("may have a vocabulary and no tensors where only its vocabulary is wanted", async () => {
    const file = model({ tensors: () => [] });
    await expectRefusal(() => checkModel(file), "invalid-model", /a vocabulary and no tensors/, file);
    const facts = { contextLength: 128, embeddingLength: 32, layers: 2, headCount: 4, feedForward: 64 };
    const nothing = { parameters: 0, quantization: "none" };
    const { tokenizer, ...vocabulary } = await checkModel(file, { vocabularyOnly: true });
    expect(tokenizer.size).toBe(320);
    expect(vocabulary).toMatchObject({ ...facts, ...nothing });
    // What it does not say in one number is 0, and its own weights are counted.
    const bare = model({
      metadata: {
        "llama.context_length": undefined,
        "llama.feed_forward_length": field.array("uint32", [64, 64]),
        "llama.block_count": field.int32(2),
      },
    });
    expect(await checkModel(bare, { vocabularyOnly: true })).toMatchObject({
      ...{ ...facts, contextLength: 0, feedForward: 0, layers: 0 },
      ...{ parameters: 39_072, quantization: "none" },
    });
  });

  it("says the width of the first layer that feeds forward, and 0 where none is said", async () => {
    for (const [value, wanted] of [
      [field.array("uint32", [0, 96]), 96],
      [field.array("uint32", [96, 64]), 96],
      [field.array("uint32", [0, 0]), 0],
      [undefined, 0],
    ] as const) {
      const file = model({ metadata: { "llama.feed_forward_length": value } });
      expect((await checkModel(file)).feedForward).toBe(wanted);
    }
  });

  it("is in the format that most of its elements are in", async () => {
    for (const weights of ["F32", "F16", "Q8_0"] as const)
      expect((await checkModel(model({ weights }))).quantization).toBe(weights);
    // Most tensors are F32 here, and most elements F16; then half of them each, where the first in the file counts.
    const only = (...names: string[]) => {
      const wanted = tinyModel({ weights: "F16" }).tensors;
      const half = (list: TensorToWrite[]) => list.map((own, at) => (names.includes(own.name) ? wanted[at]! : own));
      return model({ tensors: half });
    };
    expect((await checkModel(only("token_embd.weight", "output.weight"))).quantization).toBe("F16");
    expect((await checkModel(only("output.weight"))).quantization).toBe("F32");
  });

  it("may be an encoder, or any that llama.cpp knows, for what that is good for", async () => {
    const encoder = writeTinyEncoder(at("encoder.gguf"));
    expect((await checkModel(encoder, { embedding: true })).architecture).toBe("bert");
    expect((await checkModel(encoder, { vocabularyOnly: true })).architecture).toBe("bert");
    const bidirectional = model({ metadata: { "llama.attention.causal": field.bool(false) } });
    expect((await checkModel(bidirectional, { embedding: true })).architecture).toBe("llama");
    for (const options of [{ vocabularyOnly: true }, { embedding: true }]) {
      const unknown = model({ metadata: { "general.architecture": field.string("lama") } });
      await expectRefusal(() => checkModel(unknown, options), "unsupported-model", /"lama" \(a damaged/, unknown);
    }
    const clip = model({ metadata: { "general.architecture": field.string("t5") } });
    await expectRefusal(() => checkModel(clip, { embedding: true }), "unsupported-model", /encoder-decoder/, clip);
  });

  it("stops when its signal has fired", async () => {
    const file = model({});
    await expectRefusal(() => checkModel(file, { signal: AbortSignal.abort() }), "aborted", /stopped/, file);
  });
});

type Case = [string, TinyModelOptions, RegExp, ErrorCode?];
const only = (metadata: Record<string, Field | undefined>): TinyModelOptions => ({ metadata });
const u32 = (key: string, value: number) => only({ [key]: field.uint32(value) });

describe("an architecture is refused", () => {
  const named = (name: string): TinyModelOptions => ({
    metadata: Object.fromEntries([
      ["general.architecture", field.string(name)],
      ...Object.entries(tinyModel({}).metadata).flatMap(([key, value]) =>
        key.startsWith("llama.") ? [[key.replace("llama", name), value] as [string, Field]] : [],
      ),
    ]),
  });
  it.each<Case>([
    [
      "that is missing",
      only({ "general.architecture": undefined }),
      /"general\.architecture" is missing/,
      "invalid-model",
    ],
    [
      "that is no string",
      u32("general.architecture", 1),
      /is of type u32; llama\.cpp reads it as str/,
      "invalid-model",
    ],
    ["that is unknown", named("lama"), /"lama" \(a damaged "llama"\?\), which this release/],
    ["named like a property of objects", named("constructor"), /"constructor", which this release/],
    ["that encodes", named("bert"), /"bert": it encodes text into vectors.*Choose a model that writes/],
    ["that is an encoder-decoder", named("t5"), /encoder-decoder/],
    ["that is a projector", named("clip"), /mmproj/],
    ["that diffuses", named("dream"), /diffusion/],
    ["that drafts", named("eagle3"), /drafts for one larger model/],
    ["that speaks", named("wavtokenizer-dec"), /sound, not text/],
    ["whose attention is not causal", only({ "llama.attention.causal": field.bool(false) }), /cannot write any/],
  ])("%s", async (_, options, message, code = "unsupported-model") => {
    const file = model(options);
    await expectRefusal(() => checkModel(file), code, message, file);
  });
});

describe("a hyperparameter is refused", () => {
  it.each<Case>([
    ["context length 0", u32("llama.context_length", 0), /"llama\.context_length" is 0; 1 to 1073741824 is allowed/],
    ["no context length", only({ "llama.context_length": undefined }), /"llama\.context_length" is missing/],
    ["embedding length 0", u32("llama.embedding_length", 0), /"llama\.embedding_length" is 0/],
    ["0 layers", u32("llama.block_count", 0), /"llama\.block_count" is 0; 1 to 512/],
    ["513 layers", u32("llama.block_count", 513), /is 513; 1 to 512/],
    [
      "a signed number of layers",
      only({ "llama.block_count": field.int32(2) }),
      /of type i32; llama\.cpp reads it as u32/,
    ],
    ["more layers than tensors", u32("llama.block_count", 3), /layer 2 of 3 has no tensors/],
    ["prediction layers only", u32("llama.nextn_predict_layers", 2), /nextn_predict_layers" is 2; 0 to 1/],
    ["0 heads", u32("llama.attention.head_count", 0), /head_count" is 0; 1 or more/],
    ["0 key-value heads", u32("llama.attention.head_count_kv", 0), /head_count_kv" is 0; 1 or more/],
    ["key-value heads that do not divide", u32("llama.attention.head_count_kv", 3), /is 3; a divisor of the 4 heads/],
    [
      "heads that do not divide the embedding",
      u32("llama.attention.head_count", 6),
      /32 is not a multiple of its 6 heads/,
    ],
    [
      "heads of too few layers",
      only({ "llama.attention.head_count": field.array("uint32", [4]) }),
      /1 entries; .* each of the 2 layers/,
    ],
    [
      "heads that differ by layer",
      only({ "llama.attention.head_count_kv": field.array("uint32", [2, 4]) }),
      /is 2, 4; one number for all layers/,
    ],
    ["keys longer than values", u32("llama.attention.key_length", 16), /value_length" is 8; the key length 16/],
    ["positions for half a head", u32("llama.rope.dimension_count", 4), /dimension_count" is 4; the key length 8/],
    ["positions past the head", u32("llama.rope.dimension_count", 10), /dimension_count" is 10; 0 to 8/],
    [
      "an unknown scaling of positions",
      only({ "llama.rope.scaling.type": field.string("dynamic") }),
      /one of none, linear, yarn, longrope/,
    ],
    ["a rope base of 0", only({ "llama.rope.freq_base": field.float32(0) }), /freq_base" is 0; a positive number/],
    [
      "an infinite rope base",
      only({ "llama.rope.freq_base": field.float32(Infinity) }),
      /freq_base" is Infinity; a finite number/,
    ],
    [
      "an epsilon that is NaN",
      only({ "llama.attention.layer_norm_rms_epsilon": field.float32(Number.NaN) }),
      /epsilon" is NaN/,
    ],
    [
      "a negative epsilon",
      only({ "llama.attention.layer_norm_rms_epsilon": field.float32(-1e-5) }),
      /a number from 0 to 1/,
    ],
    ["used experts without experts", u32("llama.expert_used_count", 2), /is 2; 0 in a model without experts/],
    ["1025 experts", u32("llama.expert_count", 1025), /expert_count" is 1025; 0 to 1024/],
    [
      "more used experts than there are",
      only({ "llama.expert_count": field.uint32(4), "llama.expert_used_count": field.uint32(5) }),
      /used_count" is 5; 1 to 4/,
    ],
    [
      "expert groups that do not divide",
      only({
        "llama.expert_count": field.uint32(8),
        "llama.expert_used_count": field.uint32(2),
        "llama.expert_group_count": field.uint32(3),
      }),
      /is 3; a divisor of the 8 experts/,
    ],
    ["a pooling type of 9", u32("llama.pooling_type", 9), /pooling_type" is 9; 0 to 4/],
  ])("%s", async (_, options, message, code = "invalid-model") => {
    const file = model(options);
    await expectRefusal(() => checkModel(file), code, message, file);
  });
});

describe("a name out of a damaged file", () => {
  it("is cut after 60 characters, and harmless", () => {
    expect(quoted("a".repeat(60))).toBe(`"${"a".repeat(60)}"`);
    expect(quoted("a".repeat(61))).toBe(`"${"a".repeat(60)}…"`);
    expect(quoted('\u001b["')).toBe('"\\u001b[\\""');
  });
});
