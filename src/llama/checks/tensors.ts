/**
 * The tensors of a model, over all of its files: that llama.cpp can map them where they lie and compute with their
 * formats. It compares shapes itself and throws on a wrong one, but a format that an operation does not know ends the
 * process in the middle of the first decode.
 */
import type { GgufTensor } from "../gguf/tensors.js";
import type { GgufHeader } from "../gguf.js";
import { Cure, invalidModel } from "./model-error.js";

/** ggml asserts that a mapped tensor begins on this boundary. */
const BOUNDARY = 32;

/**
 * Matrices that are added, multiplied element by element, convolved or scanned, and not multiplied as matrices: ggml
 * does that in F32 alone. Vectors (norms, biases, scales) are F32 always.
 */
const ELEMENTWISE =
  /(_norm(_[a-z]+)?\.weight|\.bias)$|\.ssm_(a|d|conv1d(_[qkv])?)(\.weight)?$|\.shortconv\.conv\.weight$|\.ple_conv1d\.weight$|\.time_mix_(lerp_\w+|first|decay|ln|w0|a0|v0|k_k|k_a|r_k)(\.weight|\.bias)?$|\.channel_mix_lerp_[kr]\.weight$/;
/** Integer tables that are looked up: token → expert. */
const TABLES = /\.ffn_gate_tid2eid\.weight$/;

/** Architectures with layers that have no tensors of their own: they are run several times, or do nothing. */
const SHARED_LAYERS: ReadonlySet<string> = new Set(["deci"]);

/** Tensors that llama.cpp takes for optional when it loads a file and uses without asking when it runs. */
const COMPANIONS: readonly { architectures: string; having: string; needs: readonly string[] }[] = [
  { architectures: "phi3", having: "attn_norm.weight", needs: ["attn_qkv.weight", "attn_q.weight"] },
  {
    architectures: "mamba mamba2 jamba falcon-h1 granitehybrid nemotron_h nemotron_h_moe",
    having: "ssm_conv1d.weight",
    needs: ["ssm_conv1d.bias"],
  },
  { architectures: "qwen35 qwen35moe", having: "ssm_conv1d.weight", needs: ["attn_qkv.weight"] },
  { architectures: "qwen3next", having: "ssm_conv1d.weight", needs: ["attn_qkv.weight", "ssm_in.weight"] },
  { architectures: "qwen35 qwen35moe", having: "ssm_conv1d.weight", needs: ["attn_gate.weight"] },
  { architectures: "qwen3next", having: "ssm_conv1d.weight", needs: ["attn_gate.weight", "ssm_in.weight"] },
  {
    architectures: "rwkv6",
    having: "time_mix_w1.weight",
    needs: ["time_mix_lerp_fused.weight", "time_mix_lerp_w.weight"],
  },
];

export interface TensorFacts {
  /** Elements of all tensors. */
  parameters: number;
  /** The format that most elements are in: "Q4_K", "F16", … */
  quantization: string;
}

export function checkTensors(
  headers: readonly GgufHeader[],
  architecture: string,
  vocabularySize: number,
  embeddingLength: number,
): TensorFacts {
  const seen = new Map<string, string>();
  const elementsOf = new Map<string, number>();
  let parameters = 0;
  for (const { file, tensors } of headers) {
    for (const tensor of tensors) {
      const other = seen.get(tensor.name);
      if (other !== undefined) {
        throw invalidModel(file, `the tensor "${tensor.name}" is in ${other} too.`, Cure.download, {
          tensor: tensor.name,
        });
      }
      seen.set(tensor.name, file);
      checkPlace(file, tensor);
      checkFormat(file, tensor);
      if (tensor.name === "token_embd.weight") checkEmbedding(file, tensor, vocabularySize, embeddingLength);
      parameters += tensor.elements;
      elementsOf.set(tensor.type.name, (elementsOf.get(tensor.type.name) ?? 0) + tensor.elements);
    }
  }
  if (!SHARED_LAYERS.has(architecture)) requireLayers(headers[0]!, architecture, seen);
  requireCompanions(headers[0]!.file, architecture, seen);
  if (architecture === "chameleon") checkChameleonVocabulary(headers[0]!.file, vocabularySize);
  const [quantization] = [...elementsOf].reduce((most, entry) => (entry[1] > most[1] ? entry : most), ["F32", 0]);
  return { parameters, quantization };
}

function checkPlace(file: string, { name, offset }: GgufTensor): void {
  if (offset % BOUNDARY === 0) return;
  const problem = `tensor "${name}" begins at byte ${offset}; llama.cpp maps tensors at multiples of ${BOUNDARY}.`;
  throw invalidModel(file, problem, Cure.convert, { tensor: name, found: offset, allowed: BOUNDARY });
}

function checkFormat(file: string, { name, type, shape }: GgufTensor): void {
  if (TABLES.test(name)) return;
  const mustBeF32 = shape.length <= 1 || ELEMENTWISE.test(name);
  if (mustBeF32 ? type.name === "F32" : type.use === "float" || type.use === "quantised") return;
  const allowed = mustBeF32 ? "F32" : "F32, F16, BF16 or a quantised format";
  const problem = `tensor "${name}" is in the format ${type.name}; llama.cpp computes with it in ${allowed}.`;
  throw invalidModel(file, problem, Cure.convert, { tensor: name, found: type.name, allowed });
}

/** The embedding has a row for each token: the one mismatch that users make, by mixing files of two models. */
function checkEmbedding(file: string, { shape }: GgufTensor, vocabularySize: number, embeddingLength: number): void {
  if (shape[0] === embeddingLength && shape[1] === vocabularySize) return;
  const problem =
    `"token_embd.weight" is ${shape.join(" × ")}, but the model has embeddings of length ${embeddingLength} ` +
    `and ${vocabularySize} tokens.`;
  throw invalidModel(file, problem, Cure.convert, { found: shape, allowed: [embeddingLength, vocabularySize] });
}

/**
 * Each layer has tensors. Some files hold only the layers that predict further tokens, beside a model that has the
 * others; llama.cpp loads such a file and crashes when it runs.
 */
function requireLayers({ file, metadata }: GgufHeader, architecture: string, names: ReadonlyMap<string, string>): void {
  const present = new Set([...names.keys()].map((name) => /^blk\.(\d+)\./.exec(name)?.[1]));
  const layers =
    metadata.uint32(`${architecture}.block_count`)! - (metadata.uint32(`${architecture}.nextn_predict_layers`) ?? 0);
  for (let layer = 0; layer < layers; layer++) {
    if (present.has(String(layer))) continue;
    throw invalidModel(
      file,
      `layer ${layer} of ${layers} has no tensors.`,
      `The file is incomplete. ${Cure.download}`,
      {
        found: present.size,
        allowed: layers,
      },
    );
  }
}

/** A layer with the one tensor has one of the others; llama.cpp calls them optional and uses them all the same. */
function requireCompanions(file: string, architecture: string, names: ReadonlyMap<string, string>): void {
  for (const { architectures, having, needs } of COMPANIONS) {
    if (!architectures.split(" ").includes(architecture)) continue;
    for (const name of names.keys()) {
      const stem = /^blk\.\d+\./.exec(name)?.[0];
      if (stem === undefined || name !== stem + having || needs.some((need) => names.has(stem + need))) continue;
      const problem = `it has "${name}" without ${needs.map((need) => `"${stem}${need}"`).join(" or ")}.`;
      throw invalidModel(file, problem, Cure.convert, { tensor: name, allowed: needs });
    }
  }
}

/** Chameleon's graph silences its image tokens, which are the ids below this one, whether they exist or not. */
function checkChameleonVocabulary(file: string, size: number): void {
  const needed = 8196;
  if (size >= needed) return;
  throw invalidModel(
    file,
    `its vocabulary has ${size} tokens; Chameleon models have ${needed} or more.`,
    Cure.convert,
    {
      found: size,
      allowed: needed,
    },
  );
}
