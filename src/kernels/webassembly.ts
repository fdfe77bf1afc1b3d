/**
 * The part of the WebAssembly API that the kernels use. TypeScript declares that API with the browser's DOM only, which
 * a Node library should not pull in.
 */

/** A `WebAssembly.Memory` made with `shared: true`. It may be posted to another thread, which then sees the same bytes. */
export interface WasmMemory {
  /** Fixed in length: a later growth shows in a new object here, and views on the old one stay good for what they cover. */
  readonly buffer: SharedArrayBuffer;
  /** Grow by pages of 64 KiB; returns the pages before. Throws a RangeError beyond the maximum. */
  grow(pages: number): number;
}

/** Memory of one thread. */
interface OwnMemory {
  readonly buffer: ArrayBuffer;
}

interface WebAssemblyApi {
  Memory: (new (limits: {
    initial: number;
    maximum: number;
    shared: true;
  }) => WasmMemory) &
    (new (limits: {
      initial: number;
      maximum: number;
    }) => OwnMemory);
  Module: new (binary: Uint8Array) => object;
  Instance: new (module: object, imports: { env: { memory: WasmMemory | OwnMemory } }) => { exports: object };
}

export const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
export const OwnMemory: new (limits: { initial: number; maximum: number }) => OwnMemory = Memory;
