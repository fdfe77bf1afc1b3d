/**
 * Two things of ggml that offline work needs as much as decoding does: reading rows of any number format, and matrix
 * products at the speed of the machine's vector units. Both are llama.cpp's own code, so a row read here is to the last
 * bit the row that the model computes with.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { LlamafuseError } from "../errors.js";
import type { Pointer } from "./bindings.js";
import type { LibraryFiles } from "./find-library.js";
import koffi, { type LibraryHandle } from "./koffi.js";

const F32 = 0;
/** Room for the descriptions of three tensors and a small graph. */
const CONTEXT_BYTES = 1 << 20;
/** ggml needs aligned buffers; a cache line is enough for every backend of the CPU. */
const ALIGNMENT = 64n;
const CPU_DEVICE = 0;

/** `ggml_init_params` and the head of `ggml_type_traits` of the pinned release. */
const initParams = koffi.struct({ mem_size: "size_t", mem_buffer: "void *", no_alloc: "bool" });
const typeTraits = koffi.struct({
  type_name: "const char *",
  blck_size: "int64_t",
  blck_size_interleave: "int64_t",
  type_size: "size_t",
  is_quantized: "bool",
  to_float: "void *",
});
const toFloat = koffi.proto("void LlamafuseToFloat(const void *from, void *to, int64_t elements)");
const setThreads = koffi.proto("void LlamafuseSetBackendThreads(void *backend, int threads)");

/** Floats in native memory, which all threads of the process can see by their address. */
export interface NativeFloats {
  /** To be freed with `freeFloats`; not aligned. */
  allocation: Pointer;
  /** The aligned start of the values. */
  address: Pointer;
  length: number;
}

export function allocateFloats(length: number): NativeFloats {
  const allocation = koffi.alloc("uint8_t", 4 * length + Number(ALIGNMENT)) as unknown as Pointer;
  const address = ((allocation + ALIGNMENT - 1n) / ALIGNMENT) * ALIGNMENT;
  return { allocation, address, length };
}

/** A view of native floats, from whichever thread. It must not outlive them. */
export function viewFloats({ address, length }: NativeFloats): Float32Array {
  return new Float32Array(koffi.view(address, 4 * length));
}

export function freeFloats({ allocation }: NativeFloats): void {
  koffi.free(allocation);
}

export type GgmlMath = ReturnType<typeof bindGgmlMath>;

let bound: GgmlMath | undefined;

/** The functions, bound once a thread. llama.cpp must have been loaded in this thread (see library.ts). */
export function ggmlMath(files: LibraryFiles): GgmlMath {
  bound ??= bindGgmlMath(files);
  return bound;
}

function bindGgmlMath(files: LibraryFiles) {
  const registry = koffi.load(files.ggml);
  // Most of these live in libggml-base, through which not every platform finds them by libggml.
  const baseName = readdirSync(files.folder).find((name) => /^(lib)?ggml-base\.(so|dylib|dll)/.test(name));
  const base = baseName === undefined ? registry : koffi.load(path.join(files.folder, baseName));
  const bindIn =
    (library: LibraryHandle) =>
    <T>(name: string, result: string, ...parameters: (string | typeof initParams)[]) =>
      library.func(name, result, parameters) as unknown as T;
  const bind = bindIn(base);
  const pointer = "void *";
  const init = bind<(params: object) => Pointer>("ggml_init", pointer, initParams);
  const free = bind<(context: Pointer) => void>("ggml_free", "void", pointer);
  // Fills the tables that half-precision formats are read with.
  free(init({ mem_size: 1024, mem_buffer: null, no_alloc: true }));
  return {
    init,
    free,
    typeTraits: bind<(type: number) => Pointer | null>("ggml_get_type_traits", pointer, "int32_t"),
    newTensor: bind<(context: Pointer, type: number, columns: number, rows: number) => Pointer>(
      "ggml_new_tensor_2d",
      pointer,
      pointer,
      "int32_t",
      "int64_t",
      "int64_t",
    ),
    multiply: bind<(context: Pointer, a: Pointer, b: Pointer) => Pointer>(
      "ggml_mul_mat",
      pointer,
      pointer,
      pointer,
      pointer,
    ),
    newGraph: bind<(context: Pointer) => Pointer>("ggml_new_graph", pointer, pointer),
    expand: bind<(graph: Pointer, tensor: Pointer) => void>("ggml_build_forward_expand", "void", pointer, pointer),
    backendOf: bindIn(registry)<(device: number, parameters: null) => Pointer | null>(
      "ggml_backend_init_by_type",
      pointer,
      "int32_t",
      pointer,
    ),
    backendFree: bind<(backend: Pointer) => void>("ggml_backend_free", "void", pointer),
    backendDevice: bind<(backend: Pointer) => Pointer>("ggml_backend_get_device", pointer, pointer),
    deviceRegistry: bind<(device: Pointer) => Pointer>("ggml_backend_dev_backend_reg", pointer, pointer),
    procAddress: bind<(registry: Pointer, name: string) => Pointer | null>(
      "ggml_backend_reg_get_proc_address",
      pointer,
      pointer,
      "str",
    ),
    compute: bind<(backend: Pointer, graph: Pointer) => number>(
      "ggml_backend_graph_compute",
      "int32_t",
      pointer,
      pointer,
    ),
    wrap: bind<(address: Pointer, bytes: number) => Pointer>(
      "ggml_backend_cpu_buffer_from_ptr",
      pointer,
      pointer,
      "size_t",
    ),
    unwrap: bind<(buffer: Pointer) => void>("ggml_backend_buffer_free", "void", pointer),
    place: bind<(buffer: Pointer, tensor: Pointer, address: Pointer) => number>(
      "ggml_backend_tensor_alloc",
      "int32_t",
      pointer,
      pointer,
      pointer,
    ),
  };
}

/**
 * The numbers of whole blocks of a format, as float32. Shapes: bytes uint8[elements / blockElements · blockBytes].
 * LlamafuseError "unsupported-model" for a format that holds no numbers to compute with.
 */
export function dequantise(math: GgmlMath, type: number, bytes: Uint8Array, elements: number): Float32Array {
  const out = new Float32Array(elements);
  if (type === F32) {
    new Uint8Array(out.buffer).set(bytes.subarray(0, 4 * elements));
    return out;
  }
  const traits = math.typeTraits(type);
  const convert = traits === null ? null : (koffi.decode(traits, typeTraits) as { to_float: Pointer | null }).to_float;
  if (convert === null) {
    throw new LlamafuseError("unsupported-model", `llama.cpp cannot read embeddings of the format number ${type}.`, {
      found: type,
    });
  }
  koffi.decode(convert, toFloat)(bytes, out, elements);
  return out;
}

/**
 * C = A·Bᵀ in float32, again and again with the same A (n × d): C (m × n) for B (m × d), m ≤ `capacity`. Owns its part of
 * native memory; call `free`.
 */
export class Multiplier {
  /** Write B here, row by row. */
  readonly input: Float32Array;
  /** C, row by row. */
  readonly output: Float32Array;
  readonly #input: NativeFloats;
  readonly #output: NativeFloats;
  readonly #backend: Pointer;
  readonly #buffers: Pointer[];

  constructor(
    private readonly math: GgmlMath,
    private readonly a: NativeFloats,
    private readonly width: number,
    capacity: number,
    threads = 1,
  ) {
    const backend = math.backendOf(CPU_DEVICE, null);
    if (backend === null) throw new LlamafuseError("library", "llama.cpp has no CPU backend. Reinstall it.");
    this.#backend = backend;
    const address = math.procAddress(math.deviceRegistry(math.backendDevice(backend)), "ggml_backend_set_n_threads");
    if (address !== null) koffi.decode(address, setThreads)(backend, threads);
    this.#input = allocateFloats(capacity * width);
    this.#output = allocateFloats(capacity * (a.length / width));
    this.input = viewFloats(this.#input);
    this.output = viewFloats(this.#output);
    this.#buffers = [a, this.#input, this.#output].map((floats) => math.wrap(floats.address, 4 * floats.length));
  }

  /** Fill `output` with the products for the first `rows` rows of `input`. */
  multiply(rows: number): void {
    const { math, width } = this;
    const context = math.init({ mem_size: CONTEXT_BYTES, mem_buffer: null, no_alloc: true });
    try {
      const a = math.newTensor(context, F32, width, this.a.length / width);
      const b = math.newTensor(context, F32, width, rows);
      const c = math.multiply(context, a, b);
      const places: [Pointer, NativeFloats][] = [
        [a, this.a],
        [b, this.#input],
        [c, this.#output],
      ];
      for (const [index, [tensor, { address }]] of places.entries()) math.place(this.#buffers[index], tensor, address);
      const graph = math.newGraph(context);
      math.expand(graph, c);
      const status = math.compute(this.#backend, graph);
      if (status !== 0) {
        throw new LlamafuseError("out-of-memory", `A matrix product in llama.cpp ended with status ${status}.`, {
          found: status,
        });
      }
    } finally {
      math.free(context);
    }
  }

  free(): void {
    for (const buffer of this.#buffers) this.math.unwrap(buffer);
    freeFloats(this.#input);
    freeFloats(this.#output);
    this.math.backendFree(this.#backend);
  }
}
