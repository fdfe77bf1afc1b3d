/** From a member's parameters to llama.cpp's structs. */
import { LlamafuseError } from "../errors.js";
import type { ContextParams, LlamaFunctions, ModelParams, Pointer } from "./bindings.js";
import { devicesNamed, gpusOf, meansCpu } from "./devices.js";
import koffi from "./koffi.js";
import type { Llama } from "./library.js";
import { CACHE_TYPES, cacheTypesOf, type LlamaParameters, ROPE_SCALINGS } from "./parameters.js";

/** LLAMA_SPLIT_MODE_NONE: the whole model on `main_gpu`. */
const SPLIT_NONE = 0;
/** LLAMA_LOAD_MODE by whether the file is mapped and whether it is locked. */
const LOAD_MODES = { auto: -1, read: 0, map: 1, readLock: 2, mapLock: 3 } as const;

/** Do `work` with the parameters; what they point to lives so long. Errors: invalid-option for a device that is not there. */
export function withModelParams<T>(llama: Llama, options: LlamaParameters, work: (params: ModelParams) => T): T {
  const params = llama.functions.defaultModelParams();
  const hasGpu = llama.files.gpu !== false && !meansCpu(options.device);
  params.n_gpu_layers = hasGpu ? layersOf(options) : 0;
  params.load_mode = loadModeOf(options);
  const kept: Pointer[] = [];
  try {
    if (options.device !== undefined) {
      const pointers = devicesNamed(llama.ggml, options.device).map(({ pointer }) => pointer);
      kept.push(nativeArray("void *", new BigUint64Array([...pointers, 0n])));
      params.devices = kept.at(-1)!;
    }
    const count = hasGpu ? deviceCount(llama, options) : 0;
    if (count === 0 && options.mainGpu !== undefined) throw noGpu("mainGpu", options.mainGpu);
    if (count === 0 && options.tensorSplit !== undefined) throw noGpu("tensorSplit", options.tensorSplit);
    if (options.mainGpu !== undefined && hasGpu) {
      if (options.mainGpu >= count) throw tooMany("mainGpu", options.mainGpu, count, `0 to ${count - 1}`);
      params.split_mode = SPLIT_NONE;
      params.main_gpu = options.mainGpu;
    }
    if (options.tensorSplit !== undefined && hasGpu) {
      if (options.tensorSplit.length > count)
        throw tooMany("tensorSplit", options.tensorSplit, count, `${count} numbers`);
      const shares = new Float32Array(Math.max(llama.functions.maxDevices(), options.tensorSplit.length));
      shares.set(options.tensorSplit);
      kept.push(nativeArray("float", shares));
      params.tensor_split = kept.at(-1)!;
    }
    return work(params);
  } finally {
    for (const pointer of kept) koffi.free(pointer);
  }
}

/** -1 means all layers. */
function layersOf({ gpuLayers = "max" }: LlamaParameters): number {
  return gpuLayers === "max" ? -1 : gpuLayers;
}

function loadModeOf({ mmap, mlock = false }: LlamaParameters): number {
  if (mlock) return mmap === false ? LOAD_MODES.readLock : LOAD_MODES.mapLock;
  return mmap === undefined ? LOAD_MODES.auto : mmap ? LOAD_MODES.map : LOAD_MODES.read;
}

function deviceCount({ ggml }: Llama, { device }: LlamaParameters): number {
  return device === undefined ? gpusOf(ggml).length : typeof device === "string" ? 1 : device.length;
}

function tooMany(option: string, found: unknown, count: number, allowed: string): LlamafuseError {
  const text = `${option} is ${JSON.stringify(found)}, but the member has ${count} ${count === 1 ? "GPU" : "GPUs"}; allowed is ${allowed}.`;
  return new LlamafuseError("invalid-option", text, { option, found, allowed });
}

function noGpu(option: string, found: unknown): LlamafuseError {
  return new LlamafuseError(
    "invalid-option",
    `${option} is ${JSON.stringify(found)}, but the member runs on no GPU. Leave it out, or choose another gpu or device.`,
    { option, found, allowed: "nothing without a GPU" },
  );
}

/** A copy in native memory; free it with koffi. */
function nativeArray(type: string, values: BigUint64Array | Float32Array): Pointer {
  const pointer = koffi.alloc(type, values.length) as unknown as Pointer;
  new Uint8Array(koffi.view(pointer, values.byteLength)).set(new Uint8Array(values.buffer, 0, values.byteLength));
  return pointer;
}

/** Set those of a context's parameters that a member may choose. */
export function setContextParams(params: ContextParams, options: LlamaParameters): void {
  const { flashAttention = "auto", ropeScaling = {} } = options;
  const { k, v } = cacheTypesOf(options);
  params.flash_attn_type = flashAttention === "auto" ? -1 : Number(flashAttention);
  params.type_k = CACHE_TYPES[k];
  params.type_v = CACHE_TYPES[v];
  const { type, factor, originalContext, frequencyBase } = ropeScaling;
  if (type !== undefined) params.rope_scaling_type = ROPE_SCALINGS.indexOf(type);
  if (factor !== undefined) params.rope_freq_scale = 1 / factor;
  if (originalContext !== undefined) params.yarn_orig_ctx = originalContext;
  if (frequencyBase !== undefined) params.rope_freq_base = frequencyBase;
}

/** Adapters that a model has loaded, with their scales. */
export interface LoadedAdapters {
  pointers: BigUint64Array;
  scales: Float32Array;
}

/** Make a context add them to its weights. */
export function setAdapters(functions: LlamaFunctions, context: Pointer, { pointers, scales }: LoadedAdapters): void {
  if (pointers.length > 0) functions.setAdapters(context, pointers, pointers.length, scales);
}
