/**
 * Loads of a GPU library, one at a time in the whole process.
 *
 * The first use of a device initialises it, and ggml's Vulkan backend hands out a device that another thread is still
 * initialising: two loads at once call null pointers. So every thread that loads a model or makes a context on a GPU
 * library first takes a word of native memory. llama.cpp itself, which the process holds once, says where that word is:
 * its address is the user data of the log callback, which none of our callbacks reads.
 */
import { setTimeout } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { LlamafuseError } from "../errors.js";
import type { LlamaFunctions, Pointer } from "./bindings.js";
import koffi from "./koffi.js";

/** How often a waiting thread looks again; a load takes a hundred times as long. */
const LOOK_AGAIN_MS = 2;
const WORDS = 4;
/** The first two words, by which a thread knows the block that another one made. */
const MARK = [0x6c6c_616d, 0x6675_7365] as const;
const OWNER = 2;
const NOBODY = 0;

export class LoadTurns {
  readonly #words: Int32Array;
  /** Nobody else has this shared buffer: waiting on it is sleeping. */
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));

  constructor(readonly address: Pointer) {
    this.#words = new Int32Array(koffi.view(address, 4 * WORDS));
  }

  /**
   * Do `work` while no other thread of the process does any, and return what it returns. Blocks this thread until its
   * turn comes. `mayContinue` is asked while it waits. Error: aborted.
   */
  hold<T>(work: () => T, mayContinue: () => boolean = () => true): T {
    // A load within a load has the turn already.
    if (Atomics.load(this.#words, OWNER) === ownerOf(threadId)) return work();
    while (!this.#take()) {
      if (!mayContinue()) throw new LlamafuseError("aborted", "Stopped while waiting for another load to end.");
      Atomics.wait(this.#sleeper, 0, 0, LOOK_AGAIN_MS);
    }
    return this.#workThenRelease(work);
  }

  /** The same without blocking this thread while it waits: it may be the one that must notice a loader's death. */
  async holdLater<T>(work: () => T): Promise<T> {
    while (!this.#take()) await setTimeout(LOOK_AGAIN_MS);
    return this.#workThenRelease(work);
  }

  /** End the turn of a thread that died in it. Does nothing for a thread that has no turn. */
  release(thread: number): void {
    Atomics.compareExchange(this.#words, OWNER, ownerOf(thread), NOBODY);
  }

  #take(): boolean {
    return Atomics.compareExchange(this.#words, OWNER, NOBODY, ownerOf(threadId)) === NOBODY;
  }

  #workThenRelease<T>(work: () => T): T {
    try {
      return work();
    } finally {
      this.release(threadId);
    }
  }

  /** The turns that this process already has, or new ones. Route the log with their address to share them. */
  static ofProcess(functions: LlamaFunctions): LoadTurns {
    const address = new BigUint64Array(1);
    functions.logGet(new BigUint64Array(1), address);
    const found = address[0]!;
    if (found !== 0n && isMarked(found)) return new LoadTurns(found);
    const made = koffi.alloc("int32_t", WORDS) as unknown as Pointer;
    new Int32Array(koffi.view(made, 4 * WORDS)).set([...MARK, NOBODY, 0]);
    return new LoadTurns(made);
  }
}

function isMarked(address: Pointer): boolean {
  const words = new Int32Array(koffi.view(address, 4 * MARK.length));
  return MARK.every((word, index) => words[index] === word);
}

/** The main thread's id is 0. */
function ownerOf(thread: number): number {
  return thread + 1;
}
