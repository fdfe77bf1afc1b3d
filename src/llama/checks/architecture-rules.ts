/**
 * What single architectures assert or divide by, beyond what all of them do. Each rule stands for a line of llama.cpp
 * that would end the process; a key that is merely missing is left to llama.cpp, which reports it and continues.
 */
import type { Parameters } from "./parameters.js";
import { checkSlidingWindow } from "./sliding-window.js";

interface Shape {
  layers: number;
  /** Layers that compute the next token; the others predict further ones and are not run. */
  trunk: number;
  embeddingLength: number;
}

type Rule = (parameters: Parameters, shape: Shape) => void;

/** The value is this or more. */
const atLeast =
  (lowest: number, ...names: string[]): Rule =>
  (parameters) => {
    for (const name of names) parameters.optional(name, lowest);
  };

/** One value divides another; both are positive. */
const divides =
  (divisor: string, name: string): Rule =>
  (parameters) => {
    const value = parameters.optional(name, 1);
    const by = parameters.optional(divisor, 1);
    if (value !== undefined && by !== undefined && value % by !== 0) {
      parameters.refuse(divisor, by, `a divisor of "${parameters.key(name)}" (${value})`);
    }
  };

/** Latent attention: the part of a key that has no position has one element at least. */
const latentKeys: Rule = (parameters, { embeddingLength, layers }) => {
  const [heads] = parameters.perLayer("attention.head_count", layers)!;
  const key =
    parameters.uint32("attention.key_length_mla") ??
    parameters.uint32("attention.key_length") ??
    Math.floor(embeddingLength / heads);
  const rotated = parameters.uint32("rope.dimension_count") ?? key;
  if (key <= rotated) parameters.refuse("rope.dimension_count", rotated, `less than the key length ${key}`);
};

/** Every head has keys and values of its own. */
const ownKeys: Rule = (parameters, { layers }) => {
  const heads = parameters.perLayer("attention.head_count", layers);
  const cached = parameters.perLayer("attention.head_count_kv", layers);
  // checkHeads has refused files without a number of heads.
  const bad = cached?.find((count, layer) => count !== heads![layer]);
  if (bad !== undefined) parameters.refuse("attention.head_count_kv", bad, `${heads![0]}, the number of heads`);
};

/** Latent attention caches one head that all heads share; its older form caches every head. */
const latentCache: Rule = (parameters, shape) => {
  if (parameters.uint32("attention.key_length_mla") === undefined) return ownKeys(parameters, shape);
  const cached = parameters.perLayer("attention.head_count_kv", shape.layers)?.find((count) => count !== 1);
  if (cached !== undefined) parameters.refuse("attention.head_count_kv", cached, "1 with latent attention");
};

/**
 * Hybrids have a cache for layers with attention and one for layers without; llama.cpp asserts that neither is empty.
 * Which layer is which: those without key-value heads have no attention.
 */
const bothKindsByHeads: Rule = (parameters, { layers, trunk }) => {
  const name = "attention.head_count_kv";
  const counts = parameters.perLayer(name, layers)?.slice(0, trunk);
  const kinds = new Set((counts ?? [1]).map((count) => count > 0));
  if (kinds.size < 2) parameters.refuse(name, counts?.[0], "0 in some layers and not in others");
};

/** Nemotron-H has a third kind, layers that only feed forward. */
const nemotronKinds: Rule = (parameters, { layers, trunk }) => {
  const counts = parameters.perLayer("attention.head_count_kv", layers)?.slice(0, trunk) ?? [];
  const forward = parameters.perLayer("feed_forward_length", layers) ?? new Array<number>(layers).fill(0);
  const kinds = new Set(counts.filter((_, layer) => forward[layer] === 0).map((count) => count > 0));
  if (kinds.size === 2) return;
  parameters.refuse("feed_forward_length", forward[0], "0 in layers with attention and in layers with a state");
};

/** The same where every n-th layer has attention, unless the file lists the layers. */
const bothKindsByInterval =
  (byDefault: number): Rule =>
  (parameters, { layers, trunk }) => {
    const listed = parameters.perLayer("attention.recurrent_layers", layers)?.slice(0, trunk);
    if (listed === undefined) {
      const interval = parameters.uint32("full_attention_interval") ?? byDefault;
      if (interval < 2 || interval > trunk) parameters.refuse("full_attention_interval", interval, `2 to ${trunk}`);
    } else if (new Set(listed.map((value) => value !== 0)).size < 2) {
      parameters.refuse("attention.recurrent_layers", "the same for all layers", "some layers and not others");
    }
  };

/** State-space layers are twice as wide as the embedding. */
const doubleWidth: Rule = (parameters, { embeddingLength }) => {
  const inner = parameters.uint32("ssm.inner_size");
  if (inner !== undefined && inner !== 2 * embeddingLength) {
    parameters.refuse("ssm.inner_size", inner, `twice the embedding length (${2 * embeddingLength})`);
  }
};

/** The embedding is cut into whole heads. */
const rwkvHeads: Rule = (parameters, { embeddingLength }) => {
  const size = parameters.optional("wkv.head_size", 1);
  if (size !== undefined && embeddingLength % size !== 0) {
    parameters.refuse("wkv.head_size", size, `a divisor of the embedding length ${embeddingLength}`);
  }
};

/** The state is one square for each head. */
const stateOfHeads: Rule = (parameters) => {
  const [inner, size, heads] = ["ssm.inner_size", "ssm.state_size", "ssm.time_step_rank"].map((name) =>
    parameters.uint32(name),
  );
  if (inner === undefined || size === undefined || heads === undefined || size * heads === inner) return;
  parameters.refuse("ssm.inner_size", inner, `${size * heads}, a state for each head,`);
};

/** How many earlier tokens a layer mixes in; llama.cpp takes 2 where the file does not say. */
const tokenShift =
  (count: number): Rule =>
  (parameters) => {
    const said = parameters.uint32("token_shift_count") ?? 2;
    if (said !== count) parameters.refuse("token_shift_count", said, `${count}`);
  };

/** Layers that are run several times count each time. */
const loops: Rule = (parameters, { layers }) => {
  parameters.optional("num_loops", 1, Math.floor(512 / layers));
};

/** The last layers share the caches of two before them. */
const sharedCaches: Rule = (parameters, { layers }) => {
  parameters.between("block_count", layers, 2, 0xffff_ffff);
  parameters.optional("attention.shared_kv_layers", 0, layers - 2);
};

/** Positions of images rotate sections of a head; their sizes are divided by, so one of the first three is positive. */
const ropeSections: Rule = (parameters) => {
  const sections = parameters.perLayer("rope.dimension_sections", 4);
  if (sections === undefined || sections.some((size) => size < 0) || sections.slice(0, 3).every((size) => size === 0)) {
    parameters.refuse(
      "rope.dimension_sections",
      sections?.join(", "),
      "four sizes with a positive one in the first three",
    );
  }
};

const negativeGate: Rule = (parameters) => {
  if (parameters.bool("kda.safe_gate") === false) parameters.refuse("kda.safe_gate", false, "true");
  const bound = parameters.float32("kda.gate_lower_bound") ?? -1;
  if (bound >= 0) parameters.refuse("kda.gate_lower_bound", bound, "a negative number");
};

/** How experts are chosen: 1 softmax, 2 sigmoid, 3 softmax of weights, 4 square root of softplus. */
const gating: Rule = (parameters) => {
  parameters.optional("expert_gating_func", 1, 4);
};

/** The same where llama.cpp has no default. */
const gatingSaid: Rule = (parameters) => {
  if ((parameters.uint32("expert_count") ?? 0) > 0) parameters.required("expert_gating_func", 1, 4);
};

/** Sparse attention: one indexing head for each cached head, and positions fit its keys. */
const indexer: Rule = (parameters) => {
  const cached = parameters.uint32("attention.head_count_kv");
  const heads = parameters.uint32("attention.indexer.head_count");
  if (heads !== undefined && heads !== cached) {
    parameters.refuse("attention.indexer.head_count", heads, `${cached}, the number of key-value heads,`);
  }
  parameters.optional("attention.indexer.key_length", parameters.uint32("rope.dimension_count") ?? 1);
};

const mixture: Rule = (parameters) => {
  parameters.required("expert_count", 1, 1024);
};

const groupedState = [atLeast(1, "ssm.conv_kernel", "ssm.state_size"), divides("ssm.time_step_rank", "ssm.inner_size")];

const RULES: readonly [string, readonly Rule[]][] = [
  [
    "mamba2 falcon-h1 nemotron_h nemotron_h_moe granitehybrid",
    [...groupedState, divides("ssm.group_count", "ssm.inner_size"), divides("ssm.group_count", "ssm.time_step_rank")],
  ],
  ["mamba jamba", [atLeast(1, "ssm.conv_kernel", "ssm.state_size", "ssm.inner_size", "ssm.time_step_rank")]],
  ["plamo2", [...groupedState, (parameters) => void parameters.optional("ssm.group_count", 0, 0)]],
  ["jamba granitehybrid", [doubleWidth]],
  ["granitehybrid jamba lfm2 lfm2moe plamo2 kimi-linear kimi-k3 bailingmoe3", [bothKindsByHeads]],
  ["nemotron_h nemotron_h_moe", [nemotronKinds]],
  [
    "qwen3next qwen35 qwen35moe qwen4exp",
    [divides("ssm.group_count", "ssm.time_step_rank"), stateOfHeads, bothKindsByInterval(4)],
  ],
  ["minimax-01", [bothKindsByInterval(8)]],
  ["rwkv6 rwkv6qwen2 rwkv7 arwkv7", [rwkvHeads]],
  ["rwkv6 rwkv7", [tokenShift(2)]],
  ["rwkv6qwen2 arwkv7", [tokenShift(1)]],
  ["deepseek2 deepseek32 glm-dsa mistral4 minicpm3", [latentKeys]],
  ["deepseek2 deepseek32 glm-dsa mistral4", [latentCache]],
  ["minicpm3 olmoe dots1 deepseek2-ocr", [ownKeys]],
  [
    "deepseek4",
    [divides("attention.output_group_count", "attention.head_count"), atLeast(4, "hyper_connection.count")],
  ],
  ["bailingmoe2 glm4moe grovemoe smallthinker lfm2moe qwen35moe qwen4exp", [mixture]],
  ["dots1 minimax-m2 smallthinker", [gatingSaid]],
  ["grovemoe", [divides("experts_per_group", "expert_count")]],
  [
    "bailingmoe2 bailingmoe3 deepseek32 deepseek4 dots3note exaone-moe kimi-k3 kimi-linear lfm2moe minimax-m3",
    [gating],
  ],
  ["qwen2vl qwen3vl qwen3vlmoe qwen35 qwen35moe qwen4exp paddleocr", [ropeSections]],
  ["nanbeige", [loops]],
  ["gemma4", [sharedCaches]],
  ["lfm2 lfm2moe", [atLeast(2, "shortconv.l_cache")]],
  ["bailingmoe3", [negativeGate]],
  ["afmoe", [(parameters) => void parameters.required("attention.sliding_window", 1, 0xffff_ffff)]],
  ["rwkv6", [(parameters) => void parameters.optional("attention.head_count", 0, 0)]],
  ["ernie4_5-moe", [atLeast(1, "interleave_moe_layer_step")]],
  ["minimax-m3", [atLeast(1, "attention.indexer.block_size"), indexer]],
];

export function checkArchitectureRules(
  parameters: Parameters,
  model: { layers: number; embeddingLength: number },
): void {
  const shape = { ...model, trunk: model.layers - (parameters.uint32("nextn_predict_layers") ?? 0) };
  for (const [architectures, rules] of RULES) {
    if (!architectures.split(" ").includes(parameters.architecture)) continue;
    for (const rule of rules) rule(parameters, shape);
  }
  checkSlidingWindow(parameters, shape.trunk);
}
