/** A GGUF model in a worker thread of its own, seen from the coordinator. */
import { createRequire } from "node:module";
import path from "node:path";
import { Worker } from "node:worker_threads";
import koffi from "koffi";
import { LlamafuseError } from "../errors.js";
import type { SharedMemory } from "../kernels/shared-memory.js";
import type { Gpu } from "../llama/find-library.js";
import { loadLlama } from "../llama/library.js";
import { Vocabulary } from "../vocabulary/vocabulary.js";
import { Channel, Command, PAYLOAD_BYTES, readLookups, writeFeedback, writeKeys } from "./channel.js";
import { forget, remember } from "./exit-guard.js";
import type {
  BeginResult,
  Feedback,
  Lookup,
  Member,
  MemberFacts,
  MemberOutput,
  MemberPrompt,
  Preparation,
} from "./member.js";
import type { Ready, Reply, RequestName, Requests, WorkerStart } from "./member-worker.js";

export interface LlamaMemberOptions {
  /** Path of a GGUF file that `checkModel` has passed. */
  model: string;
  /** Default: the file's name without its ending. */
  name?: string;
  threads?: number;
  gpuLayers?: number | "max";
  /** Tokens that fit; default 4096 or what the model was trained for if that is less. */
  contextSize?: number;
  batchSize?: number;
  gpu?: Gpu;
  logs?: "silent" | "stderr";
  /** A member that shows no sign of work for so long has hung. Default 10 minutes. */
  timeoutMs?: number;
  /** 0 … 1 while the weights load. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
}

/** A single decode on a large model and a slow machine takes seconds; ten minutes without a sign is no decode. */
const DEFAULT_TIMEOUT_MS = 600_000;
/** Sleep this long in the main thread before waiting without blocking it: sleeping wakes fastest. */
const BLOCK_MS = 1;
/** How often load progress is passed on. */
const PROGRESS_INTERVAL_MS = 50;
/** Room for a byte string's header in the payload. */
const FEEDBACK_HEADER = 8;

export class LlamaMember implements Member {
  readonly name: string;
  readonly facts: MemberFacts;
  readonly vocabulary: Vocabulary;
  readonly contextSize: number;
  readonly output: MemberOutput;
  atFragmentStart = false;
  #queue: Feedback[] = [];
  #failure: LlamafuseError | undefined;
  #disposed = false;

  private constructor(
    name: string,
    source: string,
    ready: Ready,
    private readonly thread: MemberThread,
    private readonly shared: SharedMemory,
  ) {
    this.name = name;
    this.facts = { ...ready.facts, source };
    this.vocabulary = new Vocabulary(ready.vocabulary);
    this.contextSize = ready.contextSize;
    this.output = {
      logNormaliser: 0,
      endLogProb: Number.NEGATIVE_INFINITY,
      topCount: 0,
      topIds: new Int32Array(0),
      topLogits: new Float32Array(0),
      projection: new Float64Array(0),
      decodeMs: 0,
      prepareMs: 0,
      decodedTokens: 0,
    };
  }

  /** Start a thread and load the model in it. Cancel with `signal`. */
  static async load(options: LlamaMemberOptions, shared: SharedMemory): Promise<LlamaMember> {
    const name = options.name ?? path.basename(options.model).replace(/\.gguf$/i, "");
    options.signal?.throwIfAborted();
    const thread = new MemberThread(name, options, shared);
    try {
      const ready = await thread.ready(options);
      return new LlamaMember(name, options.model, ready, thread, shared);
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  async prepare(preparation: Preparation): Promise<void> {
    const regions = await this.#request("prepare", preparation);
    this.output.topIds = this.shared.int32(regions.topIds, regions.top);
    this.output.topLogits = this.shared.float32(regions.topLogits, regions.top);
    this.output.projection = this.shared.float64(regions.projection, regions.projectionSize);
    this.projectionOffset = regions.projection;
  }

  /** Where the projection lies in the shared memory, for kernels. */
  projectionOffset = 0;

  async begin(prompt: MemberPrompt, signal?: AbortSignal): Promise<BeginResult> {
    this.#queue = [];
    const stop = () => this.thread.stop();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      signal?.throwIfAborted();
      const { atFragmentStart, ...result } = await this.#request("begin", prompt);
      this.atFragmentStart = atFragmentStart;
      this.#readOutput();
      return result;
    } finally {
      signal?.removeEventListener("abort", stop);
      this.thread.resume();
    }
  }

  append(feedback: Feedback): void {
    this.#queue.push(feedback);
    this.atFragmentStart = false;
  }

  async advance(): Promise<void> {
    await this.#send(Command.advance, await this.#flush());
    this.#readOutput();
  }

  async lookup(keys: readonly (Uint8Array | number)[]): Promise<Lookup[]> {
    const { channel } = this.thread;
    const length = writeKeys(channel.payloadView, channel.payload, keys);
    if (length < 0) {
      const half = keys.length >> 1;
      if (half === 0) {
        throw new LlamafuseError(
          "invalid-option",
          `A byte string of more than ${PAYLOAD_BYTES - FEEDBACK_HEADER} bytes cannot be looked up.`,
          { allowed: PAYLOAD_BYTES - FEEDBACK_HEADER },
        );
      }
      return [...(await this.lookup(keys.slice(0, half))), ...(await this.lookup(keys.slice(half)))];
    }
    await this.#send(Command.lookup, length);
    return readLookups(channel.payloadView, keys.length);
  }

  async cachedTokens(): Promise<Int32Array> {
    // What is queued belongs to the list, though it is not decoded yet.
    const length = await this.#flush();
    if (length > 0) await this.#send(Command.append, length);
    return this.#request("cachedTokens", null);
  }

  tokenize(text: Uint8Array, options: { parseSpecial?: boolean; addBos?: boolean } = {}): Promise<Int32Array> {
    return this.#request("tokenize", { text, ...options });
  }

  async setThreads(threads: number): Promise<void> {
    await this.#request("setThreads", threads);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.thread.close();
  }

  /** Write the queue into the payload; what does not fit goes ahead in commands of its own. Returns the bytes written. */
  async #flush(): Promise<number> {
    const { channel } = this.thread;
    let length = 0;
    for (const feedback of this.#queue) {
      const bytes = feedback.kind === "tokens" ? new Uint8Array(Int32Array.from(feedback.ids).buffer) : feedback.bytes;
      for (let start = 0; start < bytes.length; ) {
        if (length + FEEDBACK_HEADER + Math.min(bytes.length - start, 4) > PAYLOAD_BYTES) {
          await this.#send(Command.append, length);
          length = 0;
        }
        // Token ids are four bytes each: cut between them.
        const room = (PAYLOAD_BYTES - length - FEEDBACK_HEADER) & ~3;
        const part = bytes.subarray(start, start + room);
        length = writeFeedback(channel.payloadView, channel.payload, length, feedback.kind, part);
        start += part.length;
      }
    }
    this.#queue = [];
    return length;
  }

  async #send(command: Command, length: number): Promise<void> {
    this.#check();
    try {
      await this.thread.call(command, length);
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  async #request<N extends RequestName>(name: N, ask: Requests[N]["ask"]): Promise<Requests[N]["reply"]> {
    this.#check();
    try {
      return await this.thread.request(name, ask);
    } catch (error) {
      this.#note(error);
      throw error;
    }
  }

  #check(): void {
    if (this.#disposed)
      throw new LlamafuseError("disposed", `Member "${this.name}" has been disposed.`, { member: this.name });
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A dead or hanging thread stays so. */
  #note(error: unknown): void {
    if (error instanceof LlamafuseError && (error.code === "member-hung" || this.thread.channel.ended))
      this.#failure = error;
  }

  #readOutput(): void {
    const { channel } = this.thread;
    const { output } = this;
    output.logNormaliser = channel.logNormaliser;
    output.endLogProb = channel.endLogProb;
    output.topCount = channel.topCount;
    output.decodeMs = channel.decodeMs;
    output.prepareMs = channel.prepareMs;
    output.decodedTokens = channel.decodedTokens;
  }
}

/** The thread behind a member: start, commands, requests, end. */
class MemberThread {
  readonly channel = new Channel();
  readonly #worker: Worker;
  /** Eight bytes of native memory, the first of which stops a running decode. */
  readonly #stopFlag: bigint;
  #stopByte: Uint8Array;
  readonly #exited: Promise<void>;
  #death: Error | undefined;
  #closing = false;
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
    // By the package's own name, so that sources under test and the built package start the same built worker.
    this.#worker = new Worker(createRequire(import.meta.url).resolve("llamafuse/member-worker"), {
      workerData: start,
      name: `llamafuse ${name}`,
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.channel.markEnded();
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
    const stop = () => this.stop();
    options.signal?.addEventListener("abort", stop, { once: true });
    const timer =
      options.onProgress && setInterval(() => options.onProgress?.(this.channel.progress), PROGRESS_INTERVAL_MS);
    try {
      const ready = (await this.#reply()) as Ready;
      options.onProgress?.(1);
      return ready;
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error;
    } finally {
      clearInterval(timer);
      options.signal?.removeEventListener("abort", stop);
    }
  }

  /** Send a hot-path command and wait for its answer. */
  async call(command: Command, length: number): Promise<void> {
    const { channel } = this;
    channel.send(command, length);
    if (!channel.sleepUntilAnswered(BLOCK_MS)) await this.#answered();
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
    if (!this.#closing) {
      this.#closing = true;
      this.stop();
      if (!this.channel.ended) this.channel.send(Command.close);
    }
    const timer = setTimeout(() => void this.#worker.terminate(), CLOSE_TIMEOUT_MS);
    this.#worker.ref();
    await this.#exited;
    clearTimeout(timer);
  }

  /** For process exit, where nothing asynchronous runs any more: stop and block until the model is freed. */
  closeNow(milliseconds: number): void {
    this.stop();
    if (!this.channel.ended) this.channel.send(Command.close);
    this.channel.waitForEnd(milliseconds);
  }

  #diedError(): LlamafuseError {
    const reason = this.#death === undefined ? "its thread ended" : this.#death.message;
    return new LlamafuseError(
      "member-failed",
      `Member "${this.name}" is gone: ${reason}. Dispose the ensemble and make a new one.`,
      { member: this.name },
      this.#death,
    );
  }

  #hungError(): LlamafuseError {
    return new LlamafuseError(
      "member-hung",
      `Member "${this.name}" gave no sign of work for ${this.#timeoutMs / 1000} s. Dispose the ensemble; raise timeoutMs if the model is that slow.`,
      { member: this.name, found: this.#timeoutMs, option: "timeoutMs" },
    );
  }
}

/** How long a thread may take to free its model before it is terminated. */
const CLOSE_TIMEOUT_MS = 30_000;
