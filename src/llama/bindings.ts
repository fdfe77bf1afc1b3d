/**
 * The part of llama.h (release v0.4.0) that Llamafuse calls. Struct layouts belong to that exact release: they are
 * filled from the library's own `*_default_params`, and `library.ts` checks the defaults before anything else runs.
 * Nothing outside this folder knows a struct.
 */
import koffi, { type LibraryHandle, type TypeObject } from "./koffi.js";
import { bindStates } from "./state-bindings.js";
import { bindVocabulary } from "./vocabulary-bindings.js";

/** An address in native memory; 0n or null is NULL. */
export type Pointer = bigint;

export interface ModelParams {
  n_gpu_layers: number;
  split_mode: number;
  load_mode: number;
  lazy_mode: number;
  main_gpu: number;
  devices: Pointer | null;
  tensor_split: Pointer | null;
  progress_callback: Pointer | null;
  vocab_only: boolean;
  check_tensors: boolean;
  use_extra_bufts: boolean;
  [other: string]: unknown;
}

export interface ContextParams {
  n_ctx: number;
  n_batch: number;
  n_ubatch: number;
  n_seq_max: number;
  n_outputs_max: number;
  n_outputs_max_per_seq: number;
  n_threads: number;
  n_threads_batch: number;
  pooling_type: number;
  flash_attn_type: number;
  rope_scaling_type: number;
  rope_freq_base: number;
  rope_freq_scale: number;
  yarn_orig_ctx: number;
  yarn_ext_factor: number;
  abort_callback: Pointer | null;
  abort_callback_data: Pointer | null;
  embeddings: boolean;
  offload_kqv: boolean;
  no_perf: boolean;
  swa_full: boolean;
  kv_unified: boolean;
  type_k: number;
  type_v: number;
  [other: string]: unknown;
}

export interface Batch {
  n_tokens: number;
  token: Pointer;
  embd: Pointer | null;
  pos: Pointer;
  n_seq_id: Pointer;
  seq_id: Pointer;
  logits: Pointer;
}

const modelParams = koffi.struct({
  devices: "void *",
  tensor_buft_overrides: "void *",
  n_gpu_layers: "int32_t",
  split_mode: "int32_t",
  load_mode: "int32_t",
  lazy_mode: "int32_t",
  main_gpu: "int32_t",
  tensor_split: "void *",
  progress_callback: "void *",
  progress_callback_user_data: "void *",
  kv_overrides: "void *",
  vocab_only: "bool",
  check_tensors: "bool",
  use_extra_bufts: "bool",
  no_host: "bool",
  no_alloc: "bool",
  load_mtp: "bool",
});

const contextParams = koffi.struct({
  n_ctx: "uint32_t",
  n_batch: "uint32_t",
  n_ubatch: "uint32_t",
  n_seq_max: "uint32_t",
  n_rs_seq: "uint32_t",
  n_outputs_max: "uint32_t",
  n_outputs_max_per_seq: "uint32_t",
  n_threads: "int32_t",
  n_threads_batch: "int32_t",
  ctx_type: "int32_t",
  rope_scaling_type: "int32_t",
  pooling_type: "int32_t",
  attention_type: "int32_t",
  flash_attn_type: "int32_t",
  rope_freq_base: "float",
  rope_freq_scale: "float",
  yarn_ext_factor: "float",
  yarn_attn_factor: "float",
  yarn_beta_fast: "float",
  yarn_beta_slow: "float",
  yarn_orig_ctx: "uint32_t",
  defrag_thold: "float",
  cb_eval: "void *",
  cb_eval_user_data: "void *",
  type_k: "int32_t",
  type_v: "int32_t",
  abort_callback: "void *",
  abort_callback_data: "void *",
  embeddings: "bool",
  offload_kqv: "bool",
  no_perf: "bool",
  op_offload: "bool",
  swa_full: "bool",
  kv_unified: "bool",
  samplers: "void *",
  n_samplers: "size_t",
  ctx_other: "void *",
});

const batch = koffi.struct({
  n_tokens: "int32_t",
  token: "void *",
  embd: "void *",
  pos: "void *",
  n_seq_id: "void *",
  seq_id: "void *",
  logits: "void *",
});

/** bool (*)(float progress, void *) */
export const progressCallback = koffi.proto("bool LlamafuseProgress(float progress, void *data)");

/** Bind the functions. A missing one throws koffi's error, which `library.ts` turns into one that says what to do. */
export function bindLlama(llama: LibraryHandle) {
  const bind = <T>(name: string, result: string | TypeObject, ...parameters: (string | TypeObject)[]) =>
    llama.func(name, result, parameters) as unknown as T;
  const pointer = "void *";
  return {
    ...bindStates(llama),
    ...bindVocabulary(llama),
    version: bind<() => string>("llama_version", "const char *"),
    backendInit: bind<() => void>("llama_backend_init", "void"),
    logSet: bind<(callback: Pointer | null, data: Pointer) => void>("llama_log_set", "void", pointer, pointer),
    logGet: bind<(callback: BigUint64Array, data: BigUint64Array) => void>("llama_log_get", "void", pointer, pointer),
    supportsGpuOffload: bind<() => boolean>("llama_supports_gpu_offload", "bool"),
    defaultModelParams: bind<() => ModelParams>("llama_model_default_params", modelParams),
    defaultContextParams: bind<() => ContextParams>("llama_context_default_params", contextParams),

    modelLoad: bind<(file: string, params: ModelParams) => Pointer | null>(
      "llama_model_load_from_file",
      pointer,
      "str",
      modelParams,
    ),
    modelFree: bind<(model: Pointer) => void>("llama_model_free", "void", pointer),
    modelVocab: bind<(model: Pointer) => Pointer>("llama_model_get_vocab", pointer, pointer),
    modelContextTrain: bind<(model: Pointer) => number>("llama_model_n_ctx_train", "int32_t", pointer),
    modelEmbedding: bind<(model: Pointer) => number>("llama_model_n_embd", "int32_t", pointer),
    modelLayers: bind<(model: Pointer) => number>("llama_model_n_layer", "int32_t", pointer),
    modelSize: bind<(model: Pointer) => number>("llama_model_size", "uint64_t", pointer),
    modelParameters: bind<(model: Pointer) => number>("llama_model_n_params", "uint64_t", pointer),
    modelDescription: bind<(model: Pointer, buffer: Uint8Array, size: number) => number>(
      "llama_model_desc",
      "int32_t",
      pointer,
      pointer,
      "size_t",
    ),
    modelMetaValue: bind<(model: Pointer, key: string, buffer: Uint8Array, size: number) => number>(
      "llama_model_meta_val_str",
      "int32_t",
      pointer,
      "str",
      pointer,
      "size_t",
    ),
    modelHasDecoder: bind<(model: Pointer) => boolean>("llama_model_has_decoder", "bool", pointer),
    modelHasEncoder: bind<(model: Pointer) => boolean>("llama_model_has_encoder", "bool", pointer),
    modelIsRecurrent: bind<(model: Pointer) => boolean>("llama_model_is_recurrent", "bool", pointer),
    modelIsHybrid: bind<(model: Pointer) => boolean>("llama_model_is_hybrid", "bool", pointer),

    maxDevices: bind<() => number>("llama_max_devices", "size_t"),
    supportsMlock: bind<() => boolean>("llama_supports_mlock", "bool"),
    adapterLoad: bind<(model: Pointer, file: string) => Pointer | null>(
      "llama_adapter_lora_init",
      pointer,
      pointer,
      "str",
    ),
    setAdapters: bind<(context: Pointer, adapters: BigUint64Array, count: number, scales: Float32Array) => number>(
      "llama_set_adapters_lora",
      "int32_t",
      pointer,
      pointer,
      "size_t",
      pointer,
    ),
    stateSize: bind<(context: Pointer) => number>("llama_state_get_size", "size_t", pointer),

    contextInit: bind<(model: Pointer, params: ContextParams) => Pointer | null>(
      "llama_init_from_model",
      pointer,
      pointer,
      contextParams,
    ),
    contextFree: bind<(context: Pointer) => void>("llama_free", "void", pointer),
    contextSize: bind<(context: Pointer) => number>("llama_n_ctx_seq", "uint32_t", pointer),
    setThreads: bind<(context: Pointer, threads: number, batchThreads: number) => void>(
      "llama_set_n_threads",
      "void",
      pointer,
      "int32_t",
      "int32_t",
    ),
    setEmbeddings: bind<(context: Pointer, on: boolean) => void>("llama_set_embeddings", "void", pointer, "bool"),
    attachThreadpool: bind<(context: Pointer, pool: Pointer | null, batchPool: Pointer | null) => void>(
      "llama_attach_threadpool",
      "void",
      pointer,
      pointer,
      pointer,
    ),
    detachThreadpool: bind<(context: Pointer) => void>("llama_detach_threadpool", "void", pointer),
    synchronize: bind<(context: Pointer) => void>("llama_synchronize", "void", pointer),
    batchInit: bind<(tokens: number, embedding: number, sequences: number) => Batch>(
      "llama_batch_init",
      batch,
      "int32_t",
      "int32_t",
      "int32_t",
    ),
    batchFree: bind<(batch: Batch) => void>("llama_batch_free", "void", batch),
    decode: bind<(context: Pointer, batch: Batch) => number>("llama_decode", "int32_t", pointer, batch),
    logitsAt: bind<(context: Pointer, index: number) => Pointer | null>(
      "llama_get_logits_ith",
      pointer,
      pointer,
      "int32_t",
    ),
    embeddingsAt: bind<(context: Pointer, index: number) => Pointer | null>(
      "llama_get_embeddings_ith",
      pointer,
      pointer,
      "int32_t",
    ),
    pooledEmbedding: bind<(context: Pointer, sequence: number) => Pointer | null>(
      "llama_get_embeddings_seq",
      pointer,
      pointer,
      "int32_t",
    ),
    memory: bind<(context: Pointer) => Pointer>("llama_get_memory", pointer, pointer),
    memoryClear: bind<(memory: Pointer, data: boolean) => void>("llama_memory_clear", "void", pointer, "bool"),
    memoryRemove: bind<(memory: Pointer, sequence: number, from: number, to: number) => boolean>(
      "llama_memory_seq_rm",
      "bool",
      pointer,
      "int32_t",
      "int32_t",
      "int32_t",
    ),
    memoryCopy: bind<(memory: Pointer, from: number, to: number, start: number, end: number) => void>(
      "llama_memory_seq_cp",
      "void",
      pointer,
      "int32_t",
      "int32_t",
      "int32_t",
      "int32_t",
    ),
  };
}

export type LlamaFunctions = ReturnType<typeof bindLlama>;
