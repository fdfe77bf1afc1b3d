/**
 * llama.cpp, loaded once per process and bound once per thread.
 *
 * The main thread loads first: it registers the compute backends, which are global to the process. Worker threads then
 * bind the same library without registering anything.
 */

import { LlamafuseError } from "../errors.js";
import { bindLlama, type LlamaFunctions, type Pointer } from "./bindings.js";
import { findLibrary, type Gpu, type LibraryFiles, LLAMA_DIR_VARIABLE } from "./find-library.js";
import { bindGgml, type GgmlFunctions } from "./ggml-bindings.js";
import koffi, { type LibraryHandle } from "./koffi.js";
import { LoadTurns } from "./load-turns.js";

/** The llama.cpp release whose structs `bindings.ts` describes. */
export const LLAMA_RELEASE = "0.4.0";

/** ggml's numbers for a card and for graphics inside the processor. */
const GPU_TYPES: readonly number[] = [1, 2];

export interface Llama {
  files: LibraryFiles;
  functions: LlamaFunctions;
  ggml: GgmlFunctions;
  version: string;
  /** Write no log from now on. */
  mute(): void;
  /** On a GPU library: whose turn it is to load. */
  loadTurns?: LoadTurns;
  /** A C function that returns false if the first byte of its argument is 0; llama.cpp's abort callback. Null if none. */
  stopFlagReader: Pointer | null;
  /** Functions to make a thread pool, from the CPU backend; undefined where it has none. */
  threadpool?: { create(params: Uint8Array): Pointer; free(pool: Pointer): void };
}

let loaded: Llama | undefined;
/** Whether llama.cpp says nothing, whoever asks for its log. */
let isMuted = false;

/**
 * Load and bind llama.cpp in this thread. A second call returns the first call's library; asking for another GPU then
 * is an error, because a process can hold only one.
 */
export function loadLlama(options: { gpu?: Gpu; logs?: "silent" | "stderr" } = {}): Llama {
  const gpu = options.gpu ?? "auto";
  if (loaded !== undefined) {
    if (gpu !== "auto" && gpu !== loaded.files.gpu) {
      throw new LlamafuseError(
        "library",
        `llama.cpp is already loaded with gpu: ${loaded.files.gpu}; one process cannot also use gpu: ${gpu}. Start another process for it.`,
        {
          found: gpu,
          allowed: loaded.files.gpu,
          option: "gpu",
        },
      );
    }
    return loaded;
  }
  loaded = open(findLibrary(gpu), isMuted ? "silent" : (options.logs ?? "silent"), gpu);
  return loaded;
}

/** From now on llama.cpp writes no log in this process: a file is to be loaded whose texts a terminal may not see. */
export function muteLog(): void {
  isMuted = true;
  loaded?.mute();
}

/** Bind, in a worker thread, the library that the main thread has loaded. */
export function bindLoadedLlama(files: LibraryFiles): Llama {
  loaded ??= open(files, "unchanged", files.gpu);
  return loaded;
}

function open(files: LibraryFiles, logs: "silent" | "stderr" | "unchanged", wanted: Gpu): Llama {
  const cure = `Reinstall with "npm install", or unset ${LLAMA_DIR_VARIABLE}.`;
  let library: LibraryHandle;
  let functions: LlamaFunctions;
  let ggml: GgmlFunctions;
  try {
    library = koffi.load(files.llama);
    functions = bindLlama(library);
    ggml = bindGgml(koffi.load(files.ggml));
  } catch (cause) {
    throw new LlamafuseError(
      "library",
      `Cannot load llama.cpp from ${files.folder}: ${(cause as Error).message}. ${cure}`,
      { found: files.llama },
      cause,
    );
  }
  checkRelease(functions, files, cure);
  const turns = LoadTurns.ofProcess(functions);
  if (logs !== "unchanged") routeLogs(library, functions, logs, turns);
  if (ggml.backendCount() === 0 || logs !== "unchanged") registerBackends(files, functions, ggml);
  if (logs !== "unchanged") checkGpu(files, ggml, wanted);
  return {
    files,
    functions,
    ggml,
    version: functions.version(),
    mute: () => routeLogs(library, functions, "silent", turns),
    loadTurns: files.gpu === false ? undefined : turns,
    stopFlagReader: findStopFlagReader(),
    threadpool: findThreadpool(ggml),
  };
}

/** Struct layouts belong to one release: refuse any other, and any whose defaults do not read back as that release's. */
function checkRelease(functions: LlamaFunctions, files: LibraryFiles, cure: string): void {
  const version = functions.version();
  if (!version.startsWith(LLAMA_RELEASE)) {
    throw new LlamafuseError(
      "library",
      `${files.llama} is llama.cpp ${version}; this version of Llamafuse needs ${LLAMA_RELEASE}. ${cure}`,
      { found: version, allowed: LLAMA_RELEASE },
    );
  }
  const model = functions.defaultModelParams();
  const context = functions.defaultContextParams();
  const facts: [string, unknown, unknown][] = [
    ["model.n_gpu_layers", model.n_gpu_layers, -1],
    ["model.load_mode", model.load_mode, -1],
    ["model.vocab_only", model.vocab_only, false],
    ["model.use_extra_bufts", model.use_extra_bufts, true],
    ["context.n_ctx", context.n_ctx, 512],
    ["context.n_batch", context.n_batch, 2048],
    ["context.n_seq_max", context.n_seq_max, 1],
    ["context.pooling_type", context.pooling_type, -1],
    ["context.yarn_ext_factor", context.yarn_ext_factor, -1],
    ["model.main_gpu", model.main_gpu, 0],
    ["model.split_mode", model.split_mode, 1],
    ["context.flash_attn_type", context.flash_attn_type, -1],
    ["context.rope_scaling_type", context.rope_scaling_type, -1],
    ["context.type_k", context.type_k, 1],
    ["context.type_v", context.type_v, 1],
    ["context.offload_kqv", context.offload_kqv, true],
    ["context.no_perf", context.no_perf, true],
    ["context.kv_unified", context.kv_unified, false],
  ];
  for (const [name, found, expected] of facts) {
    if (found !== expected) {
      throw new LlamafuseError(
        "library",
        `${files.llama} says it is llama.cpp ${version}, but its default ${name} is ${found} instead of ${expected}: its structs have another layout. ${cure}`,
        { found, allowed: expected, name },
      );
    }
  }
}

/**
 * llama.cpp logs through one callback for the whole process, from any thread. A JavaScript callback could deadlock
 * (another thread's call would wait for this one's event loop), so silence is a native function that ignores its
 * arguments and has no effect: `llama_supports_mmap`. "stderr" is llama.cpp's own default.
 */
function routeLogs(
  library: LibraryHandle,
  functions: LlamaFunctions,
  logs: "silent" | "stderr",
  turns: LoadTurns,
): void {
  const callback = logs === "stderr" ? null : (library.symbol("llama_supports_mmap") as Pointer);
  functions.logSet(callback, turns.address);
}

function registerBackends(files: LibraryFiles, functions: LlamaFunctions, ggml: GgmlFunctions): void {
  functions.backendInit();
  if (ggml.backendCount() > 0 && ggml.deviceCount() > 0) return;
  ggml.loadBackends(files.folder);
  if (ggml.deviceCount() === 0) {
    throw new LlamafuseError(
      "library",
      `${files.folder} has no compute backend that runs on this machine (${process.platform}-${process.arch}). Reinstall with "npm install".`,
      { found: 0 },
    );
  }
}

/** A GPU that was asked for must be there; one that was only hoped for may be missing. */
function checkGpu(files: LibraryFiles, ggml: GgmlFunctions, wanted: Gpu): void {
  if (files.gpu === false) return;
  const count = ggml.deviceCount();
  for (let index = 0; index < count; index++) if (GPU_TYPES.includes(ggml.deviceType(ggml.deviceAt(index)))) return;
  if (wanted !== "auto") {
    throw new LlamafuseError(
      "library",
      `gpu: ${wanted} was asked for, and llama.cpp finds no such GPU here. Install its driver, or use gpu: "auto" or false.`,
      { found: count, option: "gpu" },
    );
  }
  files.gpu = false;
}

/**
 * llama.cpp asks its abort callback `bool (*)(void *)` between graph nodes. C's `strlen` is one: for a one-character
 * string it returns 1, for an empty one 0. So a single byte of native memory, written by any thread, stops a decode
 * without a JavaScript callback.
 */
function findStopFlagReader(): Pointer | null {
  for (const name of process.platform === "win32"
    ? ["ucrtbase.dll", "msvcrt.dll"]
    : [null, "libc.so.6", "libSystem.dylib"]) {
    try {
      return koffi.load(name).symbol("strlen") as Pointer;
    } catch {
      // Try the next; without one, a decode is stopped only between batches.
    }
  }
  return null;
}

function findThreadpool(ggml: GgmlFunctions): Llama["threadpool"] {
  for (let index = 0; index < ggml.backendCount(); index++) {
    const backend = ggml.backendAt(index);
    const create = ggml.procAddress(backend, "ggml_threadpool_new");
    const free = ggml.procAddress(backend, "ggml_threadpool_free");
    if (create === null || free === null) continue;
    return {
      create: koffi.decode(create, koffi.proto("void *LlamafuseThreadpoolNew(void *params)")),
      free: koffi.decode(free, koffi.proto("void LlamafuseThreadpoolFree(void *pool)")),
    };
  }
  return undefined;
}

/** Load a model or make a context: on a GPU library no two of these may overlap. See LoadTurns.hold. */
export function inLoadTurn<T>({ loadTurns }: Llama, work: () => T, mayContinue?: () => boolean): T {
  return loadTurns === undefined ? work() : loadTurns.hold(work, mayContinue);
}
