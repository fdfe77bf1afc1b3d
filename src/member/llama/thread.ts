/** The thread behind a LlamaMember: start, commands, requests, end. */
import { Worker } from "node:worker_threads";
import { LlamafuseError } from "../../errors.js";
import type { SharedMemory } from "../../kernels/shared-memory.js";
import koffi from "../../llama/koffi.js";
import { loadLlama } from "../../llama/library.js";
import { onAbort } from "../../on-abort.js";
import { WORKER_OPTIONS, workerFile } from "../../package-files.js";
import { Channel, Command } from "./channel.js";
import { forget, remember } from "./exit-guard.js";
import type { LlamaMemberOptions } from "./load-options.js";
import type { Ready, Reply, RequestName, Requests, WorkerStart } from "./worker.js";

/** A single decode on a large model and a slow machine takes seconds; after ten minutes without progress it is hung. */
const DEFAULT_TIMEOUT_MS = 600_000;
/** Hold the main thread this long before waiting without blocking it: an answer wakes it faster so. */
const BLOCK_MS = 4;
/** How often load progress is passed on. */
const PROGRESS_INTERVAL_MS = 50;
/** How long a thread may take to free its model before it is terminated. */
const CLOSE_TIMEOUT_MS = 30_000;
/** The same for a thread that has been found hanging, and for the termination itself. */
const HUNG_CLOSE_TIMEOUT_MS = 2_000;

export class MemberThread {
  readonly channel = new Channel();
  readonly #worker: Worker;
  /** Eight bytes of native memory, the first of which stops a running decode. */
  readonly #stopFlag: bigint;
  #stopByte: Uint8Array;
  readonly #exited: Promise<void>;
  #death: Error | undefined;
  #closing = false;
  #isHung = false;
  readonly #timeoutMs: number;

  constructor(
    private readonly name: string,
    options: LlamaMemberOptions,
    shared: SharedMemory,
  ) {
    const llama = loadLlama({ gpu: options.gpu, logs: options.logs });
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#stopFlag = koffi.alloc("uint8_t", 8) as unknown as bigint;
    this.#stopByte = new Uint8Array(koffi.view(this.#stopFlag, 8));
    this.#stopByte.fill(0);
    const start: WorkerStart = {
      name,
      file: options.model,
      threads: options.threads ?? 1,
      gpuLayers: options.gpuLayers,
      contextSize: options.contextSize,
      batchSize: options.batchSize,
      stopFlag: this.#stopFlag,
      library: llama.files,
      memory: shared.memory,
      channel: this.channel.buffer,
    };
    this.#worker = new Worker(workerFile("member-worker"), {
      ...WORKER_OPTIONS,
      workerData: start,
      name: `llamafuse ${name}`,
    });
    const { threadId } = this.#worker;
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.channel.markEnded();
        llama.loadTurns?.release(threadId);
        forget(this);
        this.#stopByte = new Uint8Array(8);
        koffi.free(this.#stopFlag);
        resolve();
      });
    });
    this.#worker.on("error", (error) => {
      this.#death = error;
    });
    remember(this);
  }

  async ready(options: LlamaMemberOptions): Promise<Ready> {
    const forget = options.signal && onAbort(options.signal, () => this.stop());
    const timer =
      options.onProgress && setInterval(() => options.onProgress?.(this.channel.progress), PROGRESS_INTERVAL_MS);
    try {
      const ready = (await this.#reply()) as Ready;
      if (options.signal?.aborted) throw loadingStopped(this.name, options.signal);
      options.onProgress?.(1);
      return ready;
    } catch (error) {
      if (options.signal?.aborted) throw loadingStopped(this.name, options.signal);
      throw error;
    } finally {
      clearInterval(timer);
      forget?.();
    }
  }

  /** Send a hot-path command and wait for its answer. */
  async call(command: Command, length: number): Promise<void> {
    const { channel } = this;
    channel.send(command, length);
    const deadline = performance.now() + BLOCK_MS;
    // Let the other members' commands go out before this thread stands still.
    await undefined;
    // Members that run side by side share one such wait: their deadlines are the same.
    if (!channel.holdUntilAnswered(deadline - performance.now())) await this.#answered();
    if (channel.failed) throw LlamafuseError.from(channel.readError());
  }

  async #answered(): Promise<void> {
    const { channel } = this;
    let beat = channel.heartbeat;
    this.#worker.ref();
    try {
      while (!(await channel.answered(this.#timeoutMs))) {
        if (channel.ended) throw this.#diedError();
        if (channel.heartbeat === beat) throw this.#hungError();
        beat = channel.heartbeat;
      }
    } finally {
      this.#worker.unref();
    }
  }

  async request<N extends RequestName>(name: N, ask: Requests[N]["ask"]): Promise<Requests[N]["reply"]> {
    const reply = this.#reply();
    this.#worker.postMessage({ name, ask });
    this.channel.send(Command.message);
    return (await reply) as Requests[N]["reply"];
  }

  /** The next message of the worker; an error if it dies, or hangs. */
  #reply(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let beat = this.channel.heartbeat;
      this.#worker.ref();
      const finish = () => {
        this.#worker.unref();
        clearInterval(watch);
        this.#worker.off("message", onMessage);
        this.#worker.off("exit", onExit);
      };
      const onMessage = (message: Reply) => {
        finish();
        if ("error" in message) reject(LlamafuseError.from(message.error));
        else resolve(message.reply);
      };
      const onExit = () => {
        finish();
        reject(this.#diedError());
      };
      const watch = setInterval(() => {
        if (this.channel.heartbeat === beat) {
          finish();
          reject(this.#hungError());
        }
        beat = this.channel.heartbeat;
      }, this.#timeoutMs);
      this.#worker.on("message", onMessage);
      this.#worker.on("exit", onExit);
      if (this.channel.ended) onExit();
    });
  }

  /** Ask the worker to stop loading or decoding. */
  stop(): void {
    this.channel.stopRequested = true;
    this.#stopByte[0] = 1;
  }

  resume(): void {
    if (this.#closing) return;
    this.channel.stopRequested = false;
    this.#stopByte[0] = 0;
  }

  /** Stop, free the model, end the thread. A thread that does not answer is terminated; its memory is then lost. */
  async close(): Promise<void> {
    this.closeSoon();
    this.#worker.ref();
    await Promise.race([this.#exited, delay(this.#isHung ? HUNG_CLOSE_TIMEOUT_MS : CLOSE_TIMEOUT_MS)]);
    // Native code that never returns keeps its thread even so: do not wait for it for ever.
    if (!this.channel.ended) await Promise.race([this.#worker.terminate(), delay(HUNG_CLOSE_TIMEOUT_MS)]);
    else await this.#exited;
    this.#worker.unref();
  }

  closeSoon(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.stop();
    if (!this.channel.ended) this.channel.send(Command.close);
  }

  waitForEnd(milliseconds: number): void {
    this.channel.waitForEnd(milliseconds);
  }

  #diedError(): LlamafuseError {
    if (this.#closing) return disposedError(this.name);
    const reason = this.#death === undefined ? "its thread ended" : this.#death.message;
    return new LlamafuseError(
      "member-failed",
      `Member "${this.name}" stopped: ${reason}. Dispose the ensemble and make a new one.`,
      { member: this.name },
      this.#death,
    );
  }

  #hungError(): LlamafuseError {
    this.#isHung = true;
    return new LlamafuseError(
      "member-hung",
      `Member "${this.name}" made no progress for ${this.#timeoutMs / 1000} s. Dispose the ensemble, or raise timeoutMs for a slow model.`,
      { member: this.name, found: this.#timeoutMs, option: "timeoutMs" },
    );
  }
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

export function disposedError(name: string): LlamafuseError {
  return new LlamafuseError("disposed", `Member "${name}" has been disposed.`, { member: name });
}

export function loadingStopped(name: string, signal: AbortSignal): LlamafuseError {
  return new LlamafuseError("aborted", `Loading member "${name}" was stopped.`, { member: name }, signal.reason);
}
