/** ggml's pools of threads for one context, so that a decode starts no threads. */
import type { Pointer } from "./bindings.js";
import type { Llama } from "./library.js";

/** Bytes that hold `struct ggml_threadpool_params`, and where its `poll` field lies behind the 512-entry CPU mask. */
const PARAMS_BYTES = 1024;
const POLL_OFFSET = 512 + 4 + 4;

export class ThreadPools {
  /** By number of threads. Kept until the context is gone: its backend pauses the last pool when it is given another. */
  readonly #pools = new Map<number, Pointer>();

  constructor(private readonly llama: Llama) {}

  /** The pool of so many threads; undefined where none is needed, or the library has none. */
  of(threads: number): Pointer | undefined {
    const { threadpool } = this.llama;
    if (threads === 1 || threadpool === undefined) return undefined;
    let pool = this.#pools.get(threads);
    if (pool === undefined) {
      pool = threadpool.create(this.#paramsFor(threads));
      this.#pools.set(threads, pool);
    }
    return pool;
  }

  #paramsFor(threads: number): Uint8Array {
    const params = Buffer.alloc(PARAMS_BYTES);
    this.llama.ggml.threadpoolParamsInit(params, threads);
    // No spinning between steps: members in turn would take each other's cores.
    params.writeUInt32LE(0, POLL_OFFSET);
    return params;
  }

  /** When the context is gone. */
  free(): void {
    for (const pool of this.#pools.values()) this.llama.threadpool?.free(pool);
    this.#pools.clear();
  }
}
