/**
 * What single architectures assert or divide by, beyond what all of them do. Each rule stands for a line of llama.cpp
 * that would end the process; a key that is merely missing is left to llama.cpp, which says so and goes on.
 */
import type { Parameters } from "./parameters.js";

interface Shape {
  layers: number;
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

/** Multi-head latent attention: the part of a key without positions has at least one element. */
const latentKeys: Rule = (parameters) => {
  const key = parameters.uint32("attention.key_length_mla");
  const rotated = parameters.uint32("rope.dimension_count");
  if (key !== undefined && rotated !== undefined && key <= rotated) {
    parameters.refuse("attention.key_length_mla", key, `more than the ${rotated} rotated dimensions`);
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

const tokenShift =
  (count: number): Rule =>
  (parameters) => {
    parameters.optional("token_shift_count", count, count);
  };

const hrmStacks: Rule = (parameters, { layers }) => {
  const names = ["hrm.layers_per_stack", "hrm.h_cycles", "hrm.l_cycles"];
  const [stack, high, low] = names.map((name) => parameters.optional(name, 1, layers));
  if (stack === undefined || high === undefined || low === undefined) return;
  if (stack * high * (low + 1) !== layers) parameters.refuse("block_count", layers, `${stack * high * (low + 1)}`);
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

const negativeGate: Rule = (parameters) => {
  if (parameters.bool("kda.safe_gate") === false) parameters.refuse("kda.safe_gate", false, "true");
  const bound = parameters.float32("kda.gate_lower_bound");
  if (bound !== undefined && bound >= 0) parameters.refuse("kda.gate_lower_bound", bound, "a negative number");
};

const mixture: Rule = (parameters) => {
  parameters.required("expert_count", 1, 1024);
};

const groupedState = [atLeast(1, "ssm.conv_kernel", "ssm.state_size"), divides("ssm.time_step_rank", "ssm.inner_size")];

const RULES: readonly [string, readonly Rule[]][] = [
  [
    "mamba2 falcon-h1 nemotron_h nemotron_h_moe granitehybrid",
    [...groupedState, divides("ssm.group_count", "ssm.inner_size")],
  ],
  ["mamba jamba", [atLeast(1, "ssm.conv_kernel", "ssm.state_size", "ssm.inner_size", "ssm.time_step_rank")]],
  ["plamo2", [...groupedState]],
  ["jamba granitehybrid", [doubleWidth]],
  [
    "qwen3next qwen35 qwen35moe qwen4exp",
    [divides("ssm.group_count", "ssm.time_step_rank"), atLeast(1, "full_attention_interval")],
  ],
  ["minimax-01", [atLeast(1, "full_attention_interval")]],
  ["rwkv6 rwkv6qwen2 rwkv7 arwkv7", [rwkvHeads]],
  ["rwkv6 rwkv7", [tokenShift(2)]],
  ["rwkv6qwen2 arwkv7", [tokenShift(1)]],
  ["deepseek2 deepseek32 glm-dsa hy_v4 mistral4", [latentKeys]],
  [
    "deepseek4",
    [divides("attention.output_group_count", "attention.head_count"), atLeast(4, "hyper_connection.count")],
  ],
  ["bailingmoe2 glm4moe grovemoe smallthinker", [mixture]],
  ["grovemoe", [atLeast(1, "experts_per_group")]],
  ["hrm_text", [hrmStacks]],
  ["nanbeige", [loops]],
  ["gemma4", [sharedCaches]],
  ["lfm2 lfm2moe", [atLeast(2, "shortconv.l_cache")]],
  ["bailingmoe3", [negativeGate]],
  ["ernie4_5-moe", [atLeast(1, "interleave_moe_layer_step")]],
  ["minimax-m3", [atLeast(1, "attention.indexer.block_size")]],
];

/** Which layers see only a window: [every how many layers one sees all, whether the first one does]. */
const WINDOWS: Readonly<Record<string, { always: boolean; pattern?: number; fullFirst?: boolean }>> = {
  afmoe: { always: false, pattern: 4 },
  cohere2: { always: true, pattern: 4 },
  cohere2moe: { always: true, pattern: 4, fullFirst: true },
  "exaone-moe": { always: true, pattern: 4 },
  gemma2: { always: true, pattern: 2 },
  gemma3: { always: false, pattern: 6 },
  gemma3n: { always: true, pattern: 5 },
  gemma4: { always: true },
  "gpt-oss": { always: true, pattern: 2 },
  granite_swa: { always: true },
  laguna: { always: false, pattern: 4, fullFirst: true },
  maple: { always: true },
  mellum: { always: false, pattern: 4 },
  mimo2: { always: true },
  "muse-glimmer": { always: true, pattern: 4 },
  olmo2: { always: false, pattern: 4 },
  plamo3: { always: false, pattern: 8 },
  smallthinker: { always: false, pattern: 4, fullFirst: true },
  spark2_5: { always: true },
  step35: { always: true },
};

/** An architecture with sliding windows needs a layer that has one: llama.cpp asserts it when it makes the cache. */
function checkWindow(parameters: Parameters, layers: number): void {
  const rule = WINDOWS[parameters.architecture];
  if (rule === undefined) return;
  if (!rule.always && (parameters.uint32("attention.sliding_window") ?? 0) === 0) return;
  const name = "attention.sliding_window_pattern";
  const key = parameters.key(name);
  const isArray = parameters.metadata.entries.get(key)?.type === "array";
  if (!isArray && rule.pattern === undefined) return;
  const period = isArray ? 0 : (parameters.uint32(name) ?? rule.pattern!);
  const own = isArray ? parameters.metadata.array(key, ["bool", "uint32", "int32"]) : undefined;
  const slides = own === undefined ? slidingByPeriod(period, layers, rule.fullFirst ?? false) : hasTrue(own.numbers());
  if (!slides)
    parameters.refuse(name, own === undefined ? period : "false for every layer", "one sliding layer or more");
}

function slidingByPeriod(period: number, layers: number, fullFirst: boolean): boolean {
  if (period === 0) return true;
  return period > 1 && (!fullFirst || layers > 1);
}

function hasTrue(values: ArrayLike<number | bigint>): boolean {
  return Array.prototype.some.call(values, (value) => value !== 0);
}

export function checkArchitectureRules(parameters: Parameters, shape: Shape): void {
  for (const [architectures, rules] of RULES) {
    if (!architectures.split(" ").includes(parameters.architecture)) continue;
    for (const rule of rules) rule(parameters, shape);
  }
  checkWindow(parameters, shape.layers - (parameters.uint32("nextn_predict_layers") ?? 0));
}
