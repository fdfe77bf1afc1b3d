/** What single architectures assert in llama.cpp: each of these files ended its process before it was checked for. */
import { describe, expect, it } from "vitest";
import { type Field, field } from "../../../scripts/lib/gguf-writer.js";
import { tinyModel, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { expectRefusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
let count = 0;

/** The tiny llama under another architecture's name; names without a dot at the front are the architecture's own. */
function renamed(architecture: string, fields: Record<string, Field | undefined>, without?: string): string {
  const metadata: Record<string, Field | undefined> = { "general.architecture": field.string(architecture) };
  for (const [key, value] of Object.entries(tinyModel({ layers: 4 }).metadata)) {
    if (!key.startsWith("llama.")) continue;
    metadata[key] = undefined;
    metadata[key.replace("llama", architecture)] = value;
  }
  for (const [name, value] of Object.entries(fields)) metadata[`${architecture}.${name}`] = value;
  const file = at(`${count++}.gguf`);
  writeTinyModel(file, { layers: 4, metadata, tensors: (list) => list.filter(({ name }) => name !== without) });
  return file;
}

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
      /inner_size" is 32; twice the embedding length/,
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
