/** How llama.cpp loads a model and runs it: the parameters that a member may set, as llama.cpp's users know them. */
import { z } from "zod";

/** Formats of the key-value cache → how ggml numbers them. */
export const CACHE_TYPES = {
  f32: 0,
  f16: 1,
  bf16: 30,
  q8_0: 8,
  q5_1: 7,
  q5_0: 6,
  q4_1: 3,
  q4_0: 2,
  iq4_nl: 20,
} as const;
export type CacheType = keyof typeof CACHE_TYPES;

/** As llama.cpp numbers LLAMA_ROPE_SCALING_TYPE. */
export const ROPE_SCALINGS = ["none", "linear", "yarn", "longrope"] as const;

/** More than any machine has; llama.cpp itself keeps room for 16. */
const MOST_DEVICES = 16;
const LARGEST = 2 ** 31 - 1;

const cacheType = z.enum(Object.keys(CACHE_TYPES) as [CacheType, ...CacheType[]]);
const device = z.string().min(1);
const loraAdapter = z.strictObject({ file: z.string().min(1), scale: z.number().optional() });

/** What a file or a program may say, checked; descriptions stand in the ensemble file's schema and the documentation. */
export const llamaParameters = z.strictObject({
  gpuLayers: z
    .union([z.int().min(0).max(LARGEST), z.literal("max")])
    .optional()
    .meta({ description: 'Layers on the GPU, the last ones first: a number, or "max" for all. Default "max".' }),
  device: z
    .union([device, z.array(device).min(1).max(MOST_DEVICES)])
    .optional()
    .meta({
      description: 'Device by name, such as "CUDA1", "Vulkan0" or "cpu", or a list of them. Default: all GPUs.',
    }),
  mainGpu: z
    .int()
    .min(0)
    .max(MOST_DEVICES - 1)
    .optional()
    .meta({
      description: "Put the whole model on this one of its devices, counted from 0. Default: divided over all.",
    }),
  tensorSplit: z
    .array(z.number().min(0))
    .min(1)
    .max(MOST_DEVICES)
    .optional()
    .meta({ description: "How many parts of the layers each of its devices takes: [3, 1]. Default: by free memory." }),
  flashAttention: z
    .union([z.boolean(), z.literal("auto")])
    .optional()
    .meta({ description: 'Flash attention: true, false or "auto" (default), which uses it where the device can.' }),
  cacheType: z
    .union([cacheType, z.strictObject({ k: cacheType.optional(), v: cacheType.optional() })])
    .optional()
    .meta({ description: 'Format of the key-value cache, or { k, v } for keys and values. Default "f16".' }),
  loraAdapters: z
    .array(z.union([z.string().min(1), loraAdapter]))
    .max(64)
    .optional()
    .meta({
      description: "LoRA adapters: GGUF files, or { file, scale }. A weight W becomes W + scale · alpha/rank · B·A.",
    }),
  ropeScaling: z
    .strictObject({
      type: z.enum(ROPE_SCALINGS).optional(),
      factor: z.number().positive().optional(),
      originalContext: z.int().min(1).max(LARGEST).optional(),
      frequencyBase: z.number().positive().optional(),
    })
    .optional()
    .meta({
      description:
        "Longer texts than trained for: { type, factor, originalContext, frequencyBase }. Default: the file's.",
    }),
  mmap: z
    .boolean()
    .optional()
    .meta({ description: "Map the file into memory instead of reading it. Default: llama.cpp chooses by device." }),
  mlock: z.boolean().optional().meta({ description: "Keep the weights in memory: never swapped out. Default false." }),
});

export type LlamaParameters = z.infer<typeof llamaParameters>;
export type LoraAdapter = z.infer<typeof loraAdapter>;
export type RopeScaling = NonNullable<LlamaParameters["ropeScaling"]>;

export const LLAMA_PARAMETER_NAMES = Object.keys(llamaParameters.shape) as (keyof LlamaParameters)[];

/** Of options that hold more, those that are llama.cpp's parameters. */
export function llamaParametersOf(options: LlamaParameters): LlamaParameters {
  return Object.fromEntries(
    LLAMA_PARAMETER_NAMES.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
}

/** Adapters with their files and scales. Default scale 1. */
export function loraAdaptersOf({ loraAdapters = [] }: LlamaParameters): Required<LoraAdapter>[] {
  return loraAdapters.map((adapter) =>
    typeof adapter === "string" ? { file: adapter, scale: 1 } : { file: adapter.file, scale: adapter.scale ?? 1 },
  );
}

/** Formats of keys and values; what is not said is llama.cpp's own f16. */
export function cacheTypesOf({ cacheType: given = "f16" }: LlamaParameters): { k: CacheType; v: CacheType } {
  return typeof given === "string" ? { k: given, v: given } : { k: given.k ?? "f16", v: given.v ?? "f16" };
}

/** A quantised format keeps 32 elements together. */
export function isQuantised(type: CacheType): boolean {
  return /q\d/.test(type);
}
