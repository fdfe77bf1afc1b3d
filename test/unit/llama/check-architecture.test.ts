/** What single architectures assert in llama.cpp: each of these files ended its process before it was checked for. */
import { describe, expect, it } from "vitest";
import { type Field, field, type TensorToWrite } from "../../../scripts/lib/gguf-writer.js";
import { tinyModel, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { once } from "../../support/once.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let count = 0;
const LAYERS = 4;

/** The tiny llama under another architecture's name; names without a dot at the front are the architecture's own. */
const renamed = once(
  (
    architecture: string,
    fields: Record<string, Field | undefined>,
    without?: string,
    vocabularySize?: number,
  ): string => {
    const metadata: Record<string, Field | undefined> = { "general.architecture": field.string(architecture) };
    for (const [key, value] of Object.entries(tinyModel({ layers: LAYERS }).metadata)) {
      if (!key.startsWith("llama.")) continue;
      metadata[key] = undefined;
      metadata[key.replace("llama", architecture)] = value;
    }
    for (const [name, value] of Object.entries(fields)) metadata[`${architecture}.${name}`] = value;
    const file = at(`${count++}.gguf`);
    const tensors = (list: TensorToWrite[]) => list.filter(({ name }) => name !== without);
    writeTinyModel(file, { layers: LAYERS, metadata, tensors, ...(vocabularySize && { vocabularySize }) });
    return file;
  },
);

const u32 = field.uint32;
const list = (...values: number[]) => field.array("uint32", values);
const heads = { "attention.head_count_kv": u32(4) };
const someState = { "attention.head_count_kv": list(0, 2, 0, 2) };
const experts = { expert_count: u32(4), expert_used_count: u32(2) };
const state = (inner: number, size: number, rank: number, groups?: number) => ({
  "ssm.conv_kernel": u32(4),
  "ssm.inner_size": u32(inner),
  "ssm.state_size": u32(size),
  "ssm.time_step_rank": u32(rank),
  ...(groups !== undefined && { "ssm.group_count": u32(groups) }),
});

describe("an architecture's own rule", () => {
  it.each<[string, string, Record<string, Field | undefined>, RegExp]>([
    [
      "sliding layers without one",
      "gemma2",
      { "attention.sliding_window_pattern": u32(1) },
      /pattern" is 1; a period with a sliding layer/,
    ],
    [
      "a list of no sliding layers",
      "mellum",
      { "attention.sliding_window": u32(8), "attention.sliding_window_pattern": list(0, 0, 0, 0) },
      /true for a layer/,
    ],
    ["no full layer", "llama4", { "attention.sliding_window_pattern": u32(5) }, /pattern" is 5; 2 to 4/],
    ["no window at all", "afmoe", {}, /sliding_window" is missing/],
    ["no sections of positions", "qwen2vl", {}, /dimension_sections" is missing/],
    [
      "empty sections of positions",
      "qwen3vl",
      { "rope.dimension_sections": list(0, 0, 0, 4) },
      /0, 0, 0, 4; four sizes/,
    ],
    ["no experts", "glm4moe", { expert_count: u32(0) }, /expert_count" is 0; 1 to 1024/],
    ["no way to choose experts", "dots1", { ...heads, ...experts }, /expert_gating_func" is missing/],
    [
      "an unknown way to choose experts",
      "exaone-moe",
      { ...experts, expert_gating_func: u32(0) },
      /gating_func" is 0; 1 to 4/,
    ],
    [
      "groups that do not divide experts",
      "grovemoe",
      { ...experts, experts_per_group: u32(3) },
      /per_group" is 3; a divisor/,
    ],
    [
      "expert groups beside one expert",
      "hunyuan-dense",
      { expert_group_count: u32(2) },
      /group_count" is 2; 0 in a model/,
    ],
    [
      "shared key-value heads",
      "minicpm3",
      { "rope.dimension_count": u32(4) },
      /head_count_kv" is 2; 4, the number of heads/,
    ],
    ["latent keys that are all positions", "minicpm3", heads, /dimension_count" is 8; less than the key length 8/],
    [
      "several cached heads with latent attention",
      "deepseek2",
      { "attention.key_length_mla": u32(16) },
      /is 2; 1 with latent/,
    ],
    ["no layer without attention", "jamba", { ...state(64, 4, 2) }, /head_count_kv" is 2; 0 in some layers/],
    [
      "a state of another width",
      "jamba",
      { ...someState, ...state(32, 4, 2) },
      /inner_size" is 32; twice the embedding length \(64\)/,
    ],
    ["groups that do not divide the state", "mamba2", { ...state(64, 4, 8, 3) }, /group_count" is 3; a divisor/],
    ["no short convolution", "lfm2", { ...someState, "shortconv.l_cache": u32(1) }, /l_cache" is 1; 2 or more/],
    [
      "attention in every layer",
      "qwen3next",
      { ...state(32, 8, 4, 2), full_attention_interval: u32(1) },
      /interval" is 1; 2 to 4/,
    ],
    [
      "attention in no layer",
      "qwen3next",
      { ...state(32, 8, 4, 2), full_attention_interval: u32(5) },
      /interval" is 5; 2 to 4/,
    ],
    [
      "states that are not one a head",
      "qwen3next",
      { ...state(64, 8, 4, 2) },
      /inner_size" is 64; 32, a state for each head/,
    ],
    [
      "only layers that feed forward",
      "nemotron_h",
      { ...state(64, 4, 8, 1), ...someState },
      /feed_forward_length" is 64; 0 in layers/,
    ],
    [
      "heads that do not fill the embedding",
      "rwkv7",
      { "wkv.head_size": u32(5) },
      /head_size" is 5; a divisor of the embedding length 32/,
    ],
    [
      "another number of shifted tokens",
      "arwkv7",
      { "wkv.head_size": u32(8) },
      /token_shift_count" is 2; 1 is allowed/,
    ],
    ["loops past 512 layers", "nanbeige", { num_loops: u32(129) }, /num_loops" is 129; 1 to 128/],
    ["caches shared with nobody", "gemma4", { "attention.shared_kv_layers": u32(3) }, /shared_kv_layers" is 3; 0 to 2/],
    ["too small a vocabulary for its images", "chameleon", {}, /320 tokens; Chameleon models have 8196/],
  ])("%s (%s)", async (_, architecture, fields, message) => {
    const file = renamed(architecture, fields);
    await expectRefusal(() => checkModel(file), "invalid-model", message, file);
  });

  it.each<[string, string, Record<string, Field | undefined>, RegExp]>([
    ["a state that its heads do not divide", "mamba2", state(64, 4, 3), /time_step_rank" is 3; a divisor/],
    ["groups that do not divide the heads", "falcon-h1", state(64, 4, 2, 4), /group_count" is 4; a divisor/],
    ["no convolution", "mamba", { "ssm.conv_kernel": u32(0) }, /conv_kernel" is 0; 1 or more/],
    ["groups in plamo2", "plamo2", { ...someState, ...state(64, 4, 2, 1) }, /group_count" is 1; 0 to 0/],
    ["heads of rwkv6", "rwkv6", { "wkv.head_size": u32(8) }, /head_count" is 4; 0 to 0/],
    ["one shifted token", "rwkv7", { "wkv.head_size": u32(8), token_shift_count: u32(1) }, /shift_count" is 1; 2 is/],
    ["an open gate", "bailingmoe3", { ...someState, "kda.safe_gate": field.bool(false) }, /safe_gate" is false; true/],
    [
      "a gate that is bound above 0",
      "bailingmoe3",
      { ...someState, "kda.gate_lower_bound": field.float32(0) },
      /lower_bound" is 0; a negative number/,
    ],
    ["hyper-connections of three", "deepseek4", { "hyper_connection.count": u32(3) }, /count" is 3; 4 or more/],
    ["no step", "ernie4_5-moe", { interleave_moe_layer_step: u32(0) }, /step" is 0; 1 or more/],
    ["blocks of nothing", "minimax-m3", { "attention.indexer.block_size": u32(0) }, /block_size" is 0; 1 or more/],
    [
      "an indexing head too many",
      "minimax-m3",
      { "attention.indexer.head_count": u32(4) },
      /indexer\.head_count" is 4; 2, the number of key-value heads/,
    ],
    [
      "positions past the index",
      "minimax-m3",
      { "attention.indexer.head_count": u32(2), "attention.indexer.key_length": u32(7) },
      /indexer\.key_length" is 7; 8 or more/,
    ],
    [
      "layers listed as all alike",
      "minimax-01",
      { "attention.recurrent_layers": list(1, 1, 1, 1) },
      /recurrent_layers" is the same for all layers/,
    ],
    ["an interval that is not said and too long", "minimax-01", {}, /interval" is 8; 2 to 4/],
    [
      "attention in layers that predict alone",
      "jamba",
      { "attention.head_count_kv": list(2, 2, 2, 0), nextn_predict_layers: u32(1), ...state(64, 4, 2) },
      /head_count_kv" is 2; 0 in some layers/,
    ],
    [
      "attention only where layers feed forward",
      "nemotron_h",
      { ...state(64, 4, 8, 1), ...someState, feed_forward_length: list(0, 64, 0, 64) },
      /feed_forward_length" is 0; 0 in layers with attention/,
    ],
    [
      "a negative section",
      "qwen2vl",
      { "rope.dimension_sections": field.array("int32", [4, -1, 0, 0]) },
      /4, -1, 0, 0/,
    ],
    ["gemma4 of a layer", "gemma4", { block_count: u32(1) }, /block_count" is 1; 2 or more/],
  ])("%s (%s)", async (_, architecture, fields, message) => {
    const file = renamed(architecture, fields);
    await expectRefusal(() => checkModel(file), "invalid-model", message, file);
  });

  // The nearest file to each refused one that llama.cpp does run.
  it.each<[string, string, Record<string, Field | undefined>]>([
    ["every second layer slides", "gemma2", { "attention.sliding_window_pattern": u32(2) }],
    ["every layer slides", "gemma2", { "attention.sliding_window_pattern": u32(0) }],
    [
      "one listed layer slides",
      "mellum",
      { "attention.sliding_window": u32(8), "attention.sliding_window_pattern": list(0, 0, 0, 1) },
    ],
    [
      "mellum has no window, so its pattern says nothing",
      "mellum",
      { "attention.sliding_window_pattern": list(0, 0, 0, 0) },
    ],
    [
      "a list where a period is read",
      "gemma3",
      { "attention.sliding_window": u32(8), "attention.sliding_window_pattern": list(0, 0, 0, 0) },
    ],
    ["a full layer in four", "llama4", { "attention.sliding_window_pattern": u32(4) }],
    ["a full layer in two", "llama4", { "attention.sliding_window_pattern": u32(2) }],
    [
      "llama4 without windows",
      "llama4",
      { "attention.sliding_window": u32(0), "attention.sliding_window_pattern": u32(1) },
    ],
    ["a window", "afmoe", { "attention.sliding_window": u32(1) }],
    ["one section of positions", "qwen2vl", { "rope.dimension_sections": list(0, 0, 4, 0) }],
    ["experts", "glm4moe", { expert_count: u32(1024), expert_used_count: u32(1) }],
    ["experts chosen by softmax", "dots1", { ...heads, ...experts, expert_gating_func: u32(1) }],
    ["experts chosen by softplus", "exaone-moe", { ...experts, expert_gating_func: u32(4) }],
    ["no experts to choose", "dots1", heads],
    ["groups that divide the experts", "grovemoe", { ...experts, experts_per_group: u32(2) }],
    ["groups of experts that are not said", "grovemoe", experts],
    ["one expert, which is none", "hunyuan-dense", { expert_count: u32(1), expert_used_count: u32(1) }],
    ["keys with one pair without positions", "minicpm3", { ...heads, "rope.dimension_count": u32(6) }],
    ["latent attention with a head of its own", "deepseek2", { ...heads, "rope.dimension_count": u32(6) }],
    [
      "latent attention with one cached head",
      "deepseek2",
      { "attention.head_count_kv": u32(1), "attention.key_length_mla": u32(16) },
    ],
    ["layers of both kinds", "jamba", { ...someState, ...state(64, 4, 2) }],
    ["a last layer that attends", "jamba", { "attention.head_count_kv": list(0, 0, 0, 2), ...state(64, 4, 2) }],
    ["a state whose width is not said", "jamba", someState],
    ["groups that divide the state", "mamba2", state(64, 4, 8, 4)],
    ["a state without groups", "mamba2", state(64, 4, 8)],
    ["the shortest convolution", "lfm2", { ...someState, "shortconv.l_cache": u32(2) }],
    ["attention in every second layer", "qwen3next", { ...state(32, 8, 4, 2), full_attention_interval: u32(2) }],
    ["attention in one layer", "qwen3next", { ...state(32, 8, 4, 2), full_attention_interval: u32(4) }],
    ["attention in one layer by default", "qwen3next", state(32, 8, 4, 2)],
    ["attention in a listed layer", "minimax-01", { "attention.recurrent_layers": list(1, 1, 0, 1) }],
    ["a state whose heads are not said", "qwen3next", { ...state(32, 8, 4, 2), "ssm.time_step_rank": undefined }],
    [
      "layers of three kinds",
      "nemotron_h",
      { ...state(64, 4, 8, 1), ...someState, feed_forward_length: list(0, 0, 64, 64) },
    ],
    [
      "no layers that feed forward",
      "nemotron_h",
      { ...state(64, 4, 8, 1), ...someState, feed_forward_length: undefined },
    ],
    ["heads that fill the embedding", "rwkv7", { "wkv.head_size": u32(8), token_shift_count: u32(2) }],
    ["heads whose size is not said", "rwkv7", {}],
    ["one shifted token", "arwkv7", { "wkv.head_size": u32(32), token_shift_count: u32(1) }],
    [
      "no heads",
      "rwkv6",
      { "wkv.head_size": u32(8), "attention.head_count": u32(0), "attention.head_count_kv": undefined },
    ],
    ["loops of 512 layers", "nanbeige", { num_loops: u32(128) }],
    ["two caches for all", "gemma4", { "attention.shared_kv_layers": u32(2) }],
    ["a gate that is bound", "bailingmoe3", { ...someState, "kda.gate_lower_bound": field.float32(-1) }],
    [
      "four hyper-connections",
      "deepseek4",
      { ...heads, "hyper_connection.count": u32(4), "attention.output_group_count": u32(2) },
    ],
    ["no index", "minimax-m3", {}],
    ["one layer, the last of a period", "cohere2", { nextn_predict_layers: u32(3) }],
    ["a list where llama4 reads a period", "llama4", { "attention.sliding_window_pattern": list(1, 1, 1, 1) }],
    ["heads that cache by default", "dots1", { "attention.head_count_kv": undefined }],
    [
      "latent attention that caches by default",
      "deepseek2",
      { "attention.head_count_kv": undefined, "attention.key_length_mla": u32(16) },
    ],
    ["a state of no said width", "qwen3next", { ...state(32, 8, 4, 2), "ssm.inner_size": undefined }],
    ["a state of no said size", "qwen3next", { ...state(32, 8, 4, 2), "ssm.state_size": undefined }],
    ["no heads", "mamba", { "attention.head_count": undefined, "attention.head_count_kv": undefined }],
    [
      "layers without heads",
      "deci",
      { "attention.head_count": list(0, 4, 2, 4), "attention.head_count_kv": list(0, 2, 2, 1) },
    ],
    ["an index", "minimax-m3", { "attention.indexer.head_count": u32(2), "attention.indexer.key_length": u32(8) }],
  ])("allows: %s (%s)", async (_, architecture, fields) => {
    expect((await checkModel(renamed(architecture, fields))).architecture).toBe(architecture);
  });

  it.each([8195, 8196])("a vocabulary for chameleon's images has 8196 tokens: %d", async (size) => {
    const check = () => checkModel(renamed("chameleon", {}, undefined, size));
    if (size >= 8196) expect((await check()).tokenizer.size).toBe(size);
    else await expect(check()).rejects.toThrow(/8195 tokens; Chameleon models have 8196/);
  });

  it("no queries, which it calls optional (phi3)", async () => {
    const file = renamed("phi3", {}, "blk.1.attn_q.weight");
    const message = /"blk\.1\.attn_norm\.weight" without "blk\.1\.attn_qkv\.weight" or "blk\.1\.attn_q\.weight"/;
    await expectRefusal(() => checkModel(file), "invalid-model", message, file);
  });

  it.each(["qwen2", "qwen3", "gemma", "gemma2", "mistral3", "smollm3", "granite", "stablelm", "gpt2", "falcon"])(
    "%s has none that a llama's numbers break",
    async (architecture) => {
      expect((await checkModel(renamed(architecture, {}))).architecture).toBe(architecture);
    },
  );
});
