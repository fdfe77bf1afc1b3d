/** The thread behind a LlamaMember: start, commands, requests, end. */
import type { Worker } from "node:worker_threads";
import { LlamafuseError } from "../../errors.js";
import type { SharedMemory } from "../../kernels/shared-memory.js";
import koffi from "../../llama/koffi.js";
import { type Llama, loadLlama } from "../../llama/library.js";
import { llamaParametersOf } from "../../llama/parameters.js";
import { Channel, Command } from "./channel.js";
import { forget, remember } from "./exit-guard.js";
import {
  CLOSE_TIMEOUT_MS,
  DEFAULT_TIMEOUT_MS,
  delay,
  disposedError,
  type EngineHost,
  HUNG_CLOSE_TIMEOUT_MS,
  hungError,
  stoppedError,
} from "./host.js";
import { keepThread, takeThread } from "./idle-threads.js";
import type { LlamaMemberOptions } from "./load-options.js";
import type { FromThread, Ready, RequestName, Requests, ServiceStart, ToThread } from "./protocol.js";

/** Hold the main thread this long before waiting without blocking it: an answer wakes it faster so. */
const BLOCK_MS = 4;

export class MemberThread implements EngineHost {
  readonly channel = new Channel();
  /** The channels of its slots, where it has several. */
  readonly slots: readonly SharedArrayBuffer[];
  readonly worker: Worker;
  readonly #name: string;
  readonly #ready: Promise<Ready>;
  /** Eight bytes of native memory, the first of which stops a running decode. */
  readonly #stopFlag: bigint;
  #stopByte: Uint8Array;
  /** The member is freed or its thread has exited; the thread is no longer this one's. */
  readonly #over: Promise<void>;
  #isOver = false;
  #death: Error | undefined;
  #closing = false;
  #isHung = false;
  readonly #timeoutMs: number;

  constructor(name: string, options: LlamaMemberOptions, shared: SharedMemory) {
    const llama = loadLlama({ gpu: options.gpu, logs: options.logs });
    this.#name = name;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#stopFlag = koffi.alloc("uint8_t", 8) as unknown as bigint;
    this.#stopByte = new Uint8Array(koffi.view(this.#stopFlag, 8));
    this.#stopByte.fill(0);
    const { slots = 1 } = options;
    this.slots = slots === 1 ? [] : Array.from({ length: slots }, () => new Channel().buffer);
    const start: ServiceStart = {
      name,
      file: options.model,
      threads: options.threads ?? 1,
      ...llamaParametersOf(options),
      contextSize: options.contextSize,
      batchSize: options.batchSize,
      stopFlag: this.#stopFlag,
      library: llama.files,
      memory: shared.memory,
      channel: this.channel.buffer,
      slots: this.slots,
    };
    this.worker = takeThread();
    this.#over = this.#whenOver(llama, shared.use());
    remember(this);
    this.#ready = this.#reply() as Promise<Ready>;
    // Whoever waits for it is told; nobody may.
    this.#ready.catch(() => {});
    this.worker.postMessage({ start } satisfies ToThread);
  }

  #whenOver({ loadTurns }: Llama, leaveMemory: () => void): Promise<void> {
    const { worker, channel } = this;
    const { threadId } = worker;
    return new Promise((resolve) => {
      const onMessage = (message: FromThread) => {
        if ("isFree" in message) end(true);
      };
      const onError = (error: Error) => {
        this.#death = error;
      };
      const onExit = () => {
        loadTurns?.release(threadId);
        end(false);
      };
      const end = (isSound: boolean) => {
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
        channel.markEnded();
        forget(this);
        this.#stopByte = new Uint8Array(8);
        koffi.free(this.#stopFlag);
        leaveMemory();
        this.#isOver = true;
        if (isSound) keepThread(worker);
        resolve();
      };
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    });
  }

  get ended(): boolean {
    return this.channel.ended;
  }

  ready(): Promise<Ready> {
    return this.#ready;
  }

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
    this.#keepsProcess(true);
    try {
      while (!(await channel.answered(this.#timeoutMs))) {
        if (channel.ended) throw this.#diedError();
        if (channel.heartbeat === beat) throw this.#hungError();
        beat = channel.heartbeat;
      }
    } finally {
      this.#keepsProcess(false);
    }
  }

  async request<N extends RequestName>(name: N, ask: Requests[N]["ask"], slot = 0): Promise<Requests[N]["reply"]> {
    const reply = this.#reply();
    if (!this.channel.ended) {
      this.worker.postMessage({ name, ask, slot } satisfies ToThread);
      this.channel.send(Command.message);
    }
    return (await reply) as Requests[N]["reply"];
  }

  /** The next reply of the worker; an error if it dies, or hangs. */
  #reply(): Promise<unknown> {
    const { worker, channel } = this;
    return new Promise((resolve, reject) => {
      let beat = channel.heartbeat;
      this.#keepsProcess(true);
      const finish = () => {
        this.#keepsProcess(false);
        clearInterval(watch);
        worker.off("message", onMessage).off("exit", onExit);
      };
      const onMessage = (message: FromThread) => {
        if ("isFree" in message) return onExit();
        finish();
        if ("error" in message) reject(LlamafuseError.from(message.error));
        else resolve(message.reply);
      };
      const onExit = () => {
        finish();
        reject(this.#diedError());
      };
      const watch = setInterval(() => {
        if (channel.heartbeat === beat) {
          finish();
          reject(this.#hungError());
        }
        beat = channel.heartbeat;
      }, this.#timeoutMs);
      worker.on("message", onMessage).on("exit", onExit);
      if (channel.ended) onExit();
    });
  }

  /** Whether the process waits for the thread. Another member's thread is none of this one's business. */
  #keepsProcess(does: boolean): void {
    if (this.#isOver) return;
    if (does) this.worker.ref();
    else this.worker.unref();
  }

  stop(): void {
    this.channel.stopRequested = true;
    this.#stopByte[0] = 1;
  }

  resume(): void {
    if (this.#closing) return;
    this.channel.stopRequested = false;
    this.#stopByte[0] = 0;
  }

  /** Stop and free the model. A thread that does not answer is terminated; its memory is then lost. */
  async close(): Promise<void> {
    this.closeSoon();
    this.#keepsProcess(true);
    await Promise.race([this.#over, delay(this.#isHung ? HUNG_CLOSE_TIMEOUT_MS : CLOSE_TIMEOUT_MS)]);
    // Native code that never returns keeps its thread even so: do not wait for it for ever.
    if (!this.channel.ended) await Promise.race([this.worker.terminate(), delay(HUNG_CLOSE_TIMEOUT_MS)]);
    else await this.#over;
    this.#keepsProcess(false);
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
    if (this.#closing) return disposedError(this.#name);
    return stoppedError(this.#name, this.#death?.message ?? "its thread ended", this.#death);
  }

  #hungError(): LlamafuseError {
    this.#isHung = true;
    return hungError(this.#name, this.#timeoutMs);
  }
}
