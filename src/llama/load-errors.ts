/** The errors of loads that failed: llama.cpp's own last words, what the load needs and what there is, and then a guess. */
import { LlamafuseError } from "../errors.js";
import type { ContextOptions } from "./context.js";
import { devicesOf, isGpu, meansCpu } from "./devices.js";
import { lastWords } from "./last-words.js";
import type { Llama } from "./library.js";
import { memoryNeeds } from "./memory-needs.js";
import type { LlamaModel, ModelOptions } from "./model.js";
import { type LlamaParameters, llamaParametersOf } from "./parameters.js";

const ABOUT_MEMORY = /alloc|memory|buffer|cudaMalloc|VRAM|ENOMEM|mmap failed|mlock/i;

/** A model that llama.cpp did not load. */
export function failedLoad(llama: Llama, file: string, options: ModelOptions): LlamafuseError {
  const { vocabularyOnly } = options;
  const words = lastWords(llama, { file, model: { ...llamaParametersOf(options), vocabularyOnly } });
  const usesGpu = llama.files.gpu !== false && options.gpuLayers !== 0 && !meansCpu(options.device);
  const isMemory = words === undefined ? usesGpu : ABOUT_MEMORY.test(words);
  const told = words === undefined ? "" : `: ${words}`;
  const details = { file, llama: words };
  if (isMemory) {
    const cure = usesGpu
      ? "Lower gpuLayers (0 keeps the model off the GPU), or"
      : "Choose a smaller model or quantisation, or";
    return new LlamafuseError(
      "out-of-memory",
      `llama.cpp could not load ${file}${told}. ${memoryWords(llama, file, options)} Most often memory is short. ${cure} run with fit: true.`,
      { ...details, option: "gpuLayers" },
    );
  }
  const guess =
    words === undefined
      ? "although its header is sound: a tensor or parameter does not suit its architecture, or memory ran out"
      : "Its header is sound: perhaps a tensor or parameter does not suit its architecture";
  return new LlamafuseError(
    "invalid-model",
    `llama.cpp could not load ${file}${told === "" ? ", " : `${told}. `}${guess}. Take another conversion of the model, or run with logs: "stderr" to see llama.cpp's whole log.`,
    details,
  );
}

/** An adapter that llama.cpp did not take for a model. */
export function failedAdapter(llama: Llama, file: string, options: ModelOptions, model: string): LlamafuseError {
  const words = lastWords(llama, { file: model, model: llamaParametersOf(options) });
  const told = words === undefined ? "" : `: ${words}`;
  return new LlamafuseError(
    "invalid-model",
    `llama.cpp could not use the LoRA adapter ${file}${told}. Most often it was trained for another model. Give adapters to the model that they name in general.base_model.`,
    { file, llama: words, option: "loraAdapters" },
  );
}

/** A context that llama.cpp did not make; `explainedContext` adds why. */
export function failedContext(model: LlamaModel, tokens: number): LlamafuseError {
  return new LlamafuseError(
    "out-of-memory",
    `llama.cpp could not make a context of ${tokens} tokens for ${model.file}. Most often memory is short. Use a smaller contextSize or fewer gpuLayers.`,
    { found: tokens, option: "contextSize" },
  );
}

/** The same error with llama.cpp's words, once the model is freed; any other error as it is. */
export function explainedContext(
  error: unknown,
  llama: Llama,
  file: string,
  options: LlamaParameters & Omit<ContextOptions, "stopFlag" | "mayContinue">,
): unknown {
  if (!(error instanceof LlamafuseError) || error.code !== "out-of-memory" || error.details.option !== "contextSize") {
    return error;
  }
  const { contextSize, batchSize, flashAttention, cacheType, ropeScaling } = options;
  const context = { contextSize, batchSize, flashAttention, cacheType, ropeScaling };
  const words = lastWords(llama, { file, model: llamaParametersOf(options), context });
  const [said] = error.message.split(". Most often");
  const isMemory = words === undefined || ABOUT_MEMORY.test(words);
  const guess = isMemory
    ? `${memoryWords(llama, file, options)} Most often memory is short. Use a smaller contextSize, fewer gpuLayers, or cacheType "q8_0".`
    : "Change the option that it names, or leave it out.";
  return new LlamafuseError(
    isMemory ? "out-of-memory" : "invalid-option",
    `${said}${words === undefined ? "" : `: ${words}`}. ${guess}`,
    { ...error.details, llama: words },
  );
}

/** What weights and cache need, and what memory there is. */
export function memoryWords(llama: Llama, file: string, options: LlamaParameters & { contextSize?: number }): string {
  let needs = "";
  try {
    const { weights, cache, contextSize } = memoryNeeds(file, options);
    needs = `Its weights need ${gibibytes(weights)}, a cache of ${contextSize} tokens ${gibibytes(cache)}. `;
  } catch {
    // A header that cannot be read a second time has been complained of before.
  }
  const gpus = devicesOf(llama.ggml).filter(isGpu);
  const cards = gpus.map(
    ({ name, freeBytes, totalBytes }) => `${name} ${gibibytes(freeBytes)} of ${gibibytes(totalBytes)}`,
  );
  return `${needs}Free: ${[...cards, `this machine ${gibibytes(process.availableMemory())}`].join(", ")}.`;
}

/** "1.5 GiB", "12 MiB". */
export function gibibytes(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  if (mebibytes >= 1000) return `${(mebibytes / 1024).toFixed(1)} GiB`;
  return `${mebibytes >= 10 ? mebibytes.toFixed(0) : mebibytes.toFixed(1)} MiB`;
}
