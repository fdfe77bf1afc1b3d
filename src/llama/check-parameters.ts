/** Parameters against the files that they go with, before native code sees either. */
import { LlamafuseError } from "../errors.js";
import type { ModelFile } from "./check-model.js";
import { invalidModel, quoted, unsupportedModel } from "./checks/model-error.js";
import { readAllHeaders } from "./checks/split-files.js";
import type { GgufTensor } from "./gguf/tensors.js";
import { cacheTypesOf, isQuantised, type LlamaParameters, loraAdaptersOf } from "./parameters.js";

/** Elements of a quantised cache that are stored together: a head must be made of whole ones. */
const CACHE_BLOCK = 32;

/** Errors: invalid-option for a cache that the model's heads do not fit; those of an adapter's file. */
export function checkParameters(model: ModelFile, options: LlamaParameters): void {
  const { k, v } = cacheTypesOf(options);
  const [keys, values] = headLengths(model);
  for (const [name, type, length] of [
    ["K", k, keys],
    ["V", v, values],
  ] as const) {
    if (!isQuantised(type) || length % CACHE_BLOCK === 0) continue;
    throw new LlamafuseError(
      "invalid-option",
      `${model.path}: cacheType ${type} for ${name} needs heads of a multiple of ${CACHE_BLOCK}; this model's have ${length}. Use "f16" or "bf16".`,
      { option: "cacheType", found: type, allowed: ["f32", "f16", "bf16"], file: model.path },
    );
  }
  for (const { file } of loraAdaptersOf(options)) checkAdapter(file, model);
}

function headLengths({ gguf: { metadata }, architecture, embeddingLength, headCount }: ModelFile): [number, number] {
  const each = headCount > 0 ? Math.floor(embeddingLength / headCount) : 0;
  const read = (name: string) => metadata.uint32(`${architecture}.attention.${name}`) ?? each;
  return [read("key_length"), read("value_length")];
}

const CURE = "Give a LoRA adapter in GGUF (llama.cpp's convert_lora_to_gguf.py) that was trained for this model.";

/**
 * A LoRA adapter's file, and that it fits a model: W is [in, out], A [in, rank], B [rank, out]; of the token embedding A
 * and B are the other way round, as llama.cpp reads them.
 * Errors: file-unreadable, invalid-model, unsupported-model, which name the tensor.
 */
export function checkAdapter(file: string, model: ModelFile): void {
  const [{ metadata, tensors }] = readAllHeaders(file, () => {}) as [ReturnType<typeof readAllHeaders>[0]];
  const type = metadata.string("general.type");
  if (type !== "adapter")
    throw unsupportedModel(file, `it is no LoRA adapter: its general.type is ${quoted(type ?? "missing")}.`, CURE, {
      found: type,
      allowed: "adapter",
    });
  const kind = metadata.string("adapter.type");
  if (kind !== "lora")
    throw unsupportedModel(
      file,
      `it is an adapter of the type ${quoted(kind ?? "missing")}; "lora" is supported.`,
      CURE,
      { found: kind, allowed: "lora" },
    );
  const architecture = metadata.string("general.architecture");
  if (architecture !== model.architecture) {
    throw unsupportedModel(
      file,
      `it is for the architecture ${quoted(architecture ?? "missing")}; ${model.path} is ${quoted(model.architecture)}.`,
      CURE,
      { found: architecture, allowed: model.architecture },
    );
  }
  // llama.cpp ends the process where it is of another type.
  metadata.float32("adapter.lora.alpha");
  const shapes = new Map(
    readAllHeaders(model.path, () => {})
      .flatMap((header) => header.tensors)
      .map(({ name, shape }) => [name, shape]),
  );
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  for (const tensor of tensors) {
    if (tensor.name.endsWith("_norm.weight")) continue;
    checkPair(file, tensor, byName, shapes);
  }
}

function checkPair(
  file: string,
  { name, type }: GgufTensor,
  tensors: ReadonlyMap<string, GgufTensor>,
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  const [, weight = "", side] = /^(.*)\.lora_([ab])$/.exec(name) ?? [];
  if (side === undefined)
    throw invalidModel(file, `the tensor ${quoted(name)} is no part of a LoRA adapter.`, CURE, { tensor: name });
  if (type.use !== "float")
    throw invalidModel(
      file,
      `the tensor ${quoted(name)} is in the format ${type.name}; F32, F16 or BF16 is allowed.`,
      CURE,
      { tensor: name, found: type.name },
    );
  if (side === "b" && tensors.has(`${weight}.lora_a`)) return;
  const [a, b] = ["a", "b"].map((each) => tensors.get(`${weight}.lora_${each}`)?.shape);
  if (a === undefined || b === undefined)
    throw invalidModel(file, `${quoted(weight)} has A or B and not both.`, CURE, { tensor: name });
  const shape = shapes.get(weight);
  if (shape === undefined)
    throw invalidModel(file, `it changes ${quoted(weight)}, which the model does not have.`, CURE, { tensor: name });
  const isEmbedding = weight === "token_embd.weight";
  const fits = isEmbedding
    ? shape[0] === (b[1] ?? 1) && shape[1] === (a[1] ?? 1) && a[0] === b[0]
    : shape[0] === a[0] && (shape[1] ?? 1) === (b[1] ?? 1) && (a[1] ?? 1) === b[0];
  if (fits) return;
  const shown = (sizes: readonly number[]) => sizes.join(" × ");
  throw invalidModel(
    file,
    `A (${shown(a)}) and B (${shown(b)}) do not fit ${quoted(weight)}, which is ${shown(shape)}.`,
    CURE,
    {
      tensor: name,
      found: [a, b],
      allowed: shape,
    },
  );
}
