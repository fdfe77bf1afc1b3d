/**
 * The memory that an ensemble's threads compute in: one shared WebAssembly memory, cut into regions by a bump allocator.
 *
 * Any thread that holds the `memory` may wrap it, allocate, and read what the others wrote: the allocator's only word
 * lies in the memory itself. Regions are never freed one by one; the whole memory goes when its last user does, as a rule to
 * the next who wants one: V8 does not count shared memory as garbage, and would let hundreds pile up before it collects any. A
 * user whose needs change between requests keeps its region and asks for another only when it has to be larger.
 *
 * The memory does no locking: who may write a region when is agreed between its users.
 */
import { LlamafuseError } from "../errors.js";
import { initialPages, maximumPages } from "./kernels.generated.js";
import { Memory, type WasmMemory } from "./webassembly.js";

const PAGE = 65536;
/** The first page is never given out: offset 0 can mean "no region", and the allocator keeps its word there. */
const FIRST_FREE = PAGE;
/** Growth in steps of 1 MiB, so that many small regions do not make many system calls. */
const GROWTH = 16 * PAGE;
/** Of memories that are kept for the next user, in all. Others are left to the garbage collector. */
const MOST_IDLE_BYTES = 64 * 2 ** 20;
/** Index of the word in which the allocator keeps the first free offset; 0 until the first allocation. */
const NEXT = 0;

const idle: SharedMemory[] = [];

export class SharedMemory {
  /** Post this to another thread and wrap it there with `new SharedMemory(memory)`. */
  readonly memory: WasmMemory;
  readonly #words: Int32Array;
  #users = 0;
  /** Whether it came from `take`: whoever made one holds it as long as he likes. */
  #isTaken = false;

  /** Without an argument, a new memory: 64 KiB that grow on demand up to 1 GiB of reserved addresses. */
  constructor(memory: WasmMemory = new Memory({ initial: initialPages, maximum: maximumPages, shared: true })) {
    this.memory = memory;
    this.#words = new Int32Array(memory.buffer, 0, 1);
  }

  /** A memory that all users have left, set to zero, or a new one. */
  static take(): SharedMemory {
    const taken = idle.pop() ?? new SharedMemory();
    taken.#isTaken = true;
    taken.uint8(0, taken.used).fill(0);
    return taken;
  }

  /** One that was taken is in use until all who called this have called the returned function; then it can be taken again. */
  use(): () => void {
    this.#users++;
    let uses = true;
    return () => {
      if (!uses) return;
      uses = false;
      if (--this.#users === 0 && this.#isTaken) keep(this);
    };
  }

  /**
   * Reserve a region and return its byte offset. New regions are zero. `align` is a power of two; the default suits
   * every kernel. Error: out-of-memory beyond 1 GiB.
   */
  allocate(bytes: number, align = 16): number {
    for (;;) {
      const next = Atomics.load(this.#words, NEXT);
      const start = Math.ceil(Math.max(next, FIRST_FREE) / align) * align;
      const end = start + bytes;
      if (end > maximumPages * PAGE) throw exhausted(bytes, start);
      this.#growTo(end);
      if (Atomics.compareExchange(this.#words, NEXT, next, end) === next) return start;
    }
  }

  /** Bytes in use, the reserved first page included. */
  get used(): number {
    return Math.max(Atomics.load(this.#words, NEXT), FIRST_FREE);
  }

  /** A view of `length` elements at a byte offset. It stays good when the memory grows. */
  float32(offset: number, length: number): Float32Array {
    return new Float32Array(this.#buffer(offset + 4 * length), offset, length);
  }

  float64(offset: number, length: number): Float64Array {
    return new Float64Array(this.#buffer(offset + 8 * length), offset, length);
  }

  int32(offset: number, length: number): Int32Array {
    return new Int32Array(this.#buffer(offset + 4 * length), offset, length);
  }

  uint32(offset: number, length: number): Uint32Array {
    return new Uint32Array(this.#buffer(offset + 4 * length), offset, length);
  }

  uint16(offset: number, length: number): Uint16Array {
    return new Uint16Array(this.#buffer(offset + 2 * length), offset, length);
  }

  uint8(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer(offset + length), offset, length);
  }

  /** The buffer, new enough to reach `end`: a thread may learn of another's growth late, and growing by 0 makes it look. */
  #buffer(end: number): SharedArrayBuffer {
    if (end > this.memory.buffer.byteLength) this.memory.grow(0);
    return this.memory.buffer;
  }

  #growTo(end: number): void {
    const missing = end - this.#buffer(end).byteLength;
    if (missing <= 0) return;
    const room = maximumPages * PAGE - this.memory.buffer.byteLength;
    try {
      this.memory.grow(Math.min(Math.ceil(missing / GROWTH) * GROWTH, room) / PAGE);
    } catch (cause) {
      // Another thread may have grown it to the maximum meanwhile, which is as good.
      if (this.#buffer(end).byteLength < end) throw exhausted(missing, this.memory.buffer.byteLength, cause);
    }
  }
}

function keep(shared: SharedMemory): void {
  const bytes = [...idle, shared].reduce((sum, { memory }) => sum + memory.buffer.byteLength, 0);
  if (bytes <= MOST_IDLE_BYTES) idle.push(shared);
}

function exhausted(bytes: number, used: number, cause?: unknown): LlamafuseError {
  const limit = maximumPages * PAGE;
  return new LlamafuseError(
    "out-of-memory",
    `The ensemble's shared memory cannot hold ${bytes} more bytes: ${used} are in use and its limit is ${limit}. ` +
      "Use fewer members, or members with smaller vocabularies.",
    { bytes, used, limit },
    cause,
  );
}
