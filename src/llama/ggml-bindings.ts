/** The part of ggml's backend registry (ggml-backend.h, of the llama.cpp release in bindings.ts) that Llamafuse calls. */

import type { Pointer } from "./bindings.js";
import type { LibraryHandle } from "./koffi.js";

/** A missing function throws koffi's error, as in `bindLlama`. */
export function bindGgml(ggml: LibraryHandle) {
  const bind = <T>(name: string, result: string, ...parameters: string[]) =>
    ggml.func(name, result, parameters) as unknown as T;
  return {
    loadBackends: bind<(folder: string) => void>("ggml_backend_load_all_from_path", "void", "str"),
    backendCount: bind<() => number>("ggml_backend_reg_count", "size_t"),
    backendAt: bind<(index: number) => Pointer>("ggml_backend_reg_get", "void *", "size_t"),
    deviceCount: bind<() => number>("ggml_backend_dev_count", "size_t"),
    deviceAt: bind<(index: number) => Pointer>("ggml_backend_dev_get", "void *", "size_t"),
    // These live in libggml-base, which libggml brings along.
    deviceType: bind<(device: Pointer) => number>("ggml_backend_dev_type", "int32_t", "void *"),
    deviceName: bind<(device: Pointer) => string>("ggml_backend_dev_name", "const char *", "void *"),
    deviceDescription: bind<(device: Pointer) => string>("ggml_backend_dev_description", "const char *", "void *"),
    deviceMemory: bind<(device: Pointer, free: BigUint64Array, total: BigUint64Array) => void>(
      "ggml_backend_dev_memory",
      "void",
      "void *",
      "void *",
      "void *",
    ),
    backendName: bind<(backend: Pointer) => string>("ggml_backend_reg_name", "const char *", "void *"),
    procAddress: bind<(backend: Pointer, name: string) => Pointer | null>(
      "ggml_backend_reg_get_proc_address",
      "void *",
      "void *",
      "str",
    ),
    threadpoolParamsInit: bind<(params: Uint8Array, threads: number) => void>(
      "ggml_threadpool_params_init",
      "void",
      "void *",
      "int32_t",
    ),
  };
}

export type GgmlFunctions = ReturnType<typeof bindGgml>;
