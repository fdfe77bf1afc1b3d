/** A GGUF model in a worker thread of its own, seen from the coordinator. */

import path from "node:path";
import { LlamafuseError } from "../../errors.js";
import type { SharedMemory } from "../../kernels/shared-memory.js";
import { onAbort } from "../../on-abort.js";
import { Vocabulary } from "../../vocabulary/vocabulary.js";
import { checkDraft, checkPlaces } from "../check-places.js";
import { type EmbeddingLayer, type EmbeddingSource, ggufEmbeddings } from "../embeddings.js";
import { bytesOfFeedback, type Told } from "../feedback-bytes.js";
import type {
  Assessment,
  BeginResult,
  Draft,
  DraftOptions,
  Feedback,
  Lookup,
  Member,
  MemberFacts,
  MemberOutput,
  MemberPrompt,
  Place,
  Preparation,
  PromptScore,
  Prospect,
  TokenizeOptions,
  Verification,
} from "../member.js";
import { identityOfModel, type MemberIdentity, type ModelDescription } from "../model-identity.js";
import type { MemberOffers } from "../offers.js";
import { pooledLogit, Readings } from "../readings.js";
import { Command } from "./channel.js";
import { disposedError, type EngineHost, loadingStopped, whenReady } from "./host.js";
import type { LlamaMemberOptions } from "./load-options.js";
import { llamaOffers } from "./offers.js";
import { emptyOutput, viewOutput } from "./output.js";
import { PAYLOAD_BYTES, readIds, writeFeedback, writeStrings } from "./payload.js";
import { MemberProcess } from "./process.js";
import type { Ready, RequestName, Requests } from "./protocol.js";
import { SlotHost } from "./slot-host.js";
import { SlotGroup, SlotQueue } from "./slot-queue.js";
import { MemberThread } from "./thread.js";

/** Room for a byte string's header in the payload. */
const FEEDBACK_HEADER = 8;

export class LlamaMember implements Member {
  readonly kind = "llama";
  readonly name: string;
  readonly offers: MemberOffers;
  readonly facts: MemberFacts;
  readonly vocabulary: Vocabulary;
  readonly contextSize: number;
  /** See Member.slots; absent where it holds one text. */
  slots?: readonly LlamaMember[];
  atFragmentStart = false;
  readonly #output: MemberOutput;
  /** Whether the output is that of the present text. */
  #hasOutput = false;
  #queue: Told[] = [];
  readonly #readings: Readings;
  readonly #description: ModelDescription;
  #identity: MemberIdentity | undefined;
  #failure: LlamafuseError | undefined;
  #disposed = false;

  private constructor(
    name: string,
    readonly file: string,
    ready: Ready,
    private readonly host: EngineHost,
    private readonly shared: SharedMemory,
    readonly templateVariables: Readonly<Record<string, unknown>> | undefined,
    /** The first slot of the model, whose this one is as well. */
    first?: LlamaMember,
  ) {
    this.name = name;
    this.facts = first?.facts ?? ready.facts;
    this.#description = ready.description;
    this.vocabulary = first?.vocabulary ?? new Vocabulary(ready.vocabulary);
    this.offers = first?.offers ?? llamaOffers(file, this.vocabulary.size, ready.goingBack);
    this.contextSize = ready.contextSize;
    this.#readings = new Readings(this.vocabulary, (strings) => this.#firstTokens(strings));
    this.#output = emptyOutput(shared.float32(ready.logits, this.vocabulary.size));
  }

  /** Start a thread or process and load the model in it. Cancel with `signal`. */
  static async load(options: LlamaMemberOptions, shared: SharedMemory): Promise<LlamaMember> {
    const name = options.name ?? path.basename(options.model).replace(/\.gguf$/i, "");
    if (options.signal?.aborted) throw loadingStopped(name, options.signal);
    const host = options.isolate ? new MemberProcess(name, options, shared) : new MemberThread(name, options, shared);
    try {
      const ready = await whenReady(host, name, options);
      if (host instanceof MemberThread && ready.slots.length > 1)
        return LlamaMember.#inSlots(options, name, ready, host, shared);
      return new LlamaMember(name, options.model, ready, host, shared, options.templateVariables);
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  /** One for each text; the first of them. */
  static #inSlots(
    { model, templateVariables, group }: LlamaMemberOptions,
    name: string,
    ready: Ready,
    thread: MemberThread,
    shared: SharedMemory,
  ): LlamaMember {
    const queue = new SlotQueue(thread, group ?? new SlotGroup());
    const slots: LlamaMember[] = [];
    for (const [slot, logits] of ready.slots.entries()) {
      const host = new SlotHost(slot, thread.slots[slot], queue);
      slots.push(new LlamaMember(name, model, { ...ready, logits }, host, shared, templateVariables, slots[0]));
    }
    for (const each of slots) each.slots = slots;
    return slots[0];
  }

  get output(): MemberOutput {
    this.#checkOutput("output");
    return this.#output;
  }

  get hasOutput(): boolean {
    return this.#hasOutput && !this.#disposed && this.#failure === undefined;
  }

  async prepare(preparation: Preparation): Promise<void> {
    const output = this.#output;
    const regions = await this.#request("prepare", preparation);
    viewOutput(output, regions, this.shared, this.vocabulary.size);
    this.projectionOffset = regions.projection;
  }

  /** Where the projection lies in the shared memory, for kernels. */
  projectionOffset = 0;

  async begin(prompt: MemberPrompt, signal?: AbortSignal): Promise<BeginResult> {
    this.#check();
    this.#queue = [];
    return this.#read(() => this.#request("begin", prompt), signal);
  }

  async scorePrompt(prompt?: MemberPrompt, signal?: AbortSignal): Promise<PromptScore> {
    this.#check();
    if (prompt !== undefined) this.#queue = [];
    await this.#hand();
    return this.#read(() => this.#request("scorePrompt", prompt ?? null), signal);
  }

  /** A request that reads a prompt, and leaves an output. */
  async #read<T>(request: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const result = await this.#stoppable(() => {
      this.#hasOutput = false;
      return request();
    }, signal);
    this.#readOutput();
    return result;
  }

  /** A request that can be aborted while it is served. */
  async #stoppable<T>(request: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) {
      throw new LlamafuseError("aborted", "The request was aborted before it was begun.", {}, signal.reason);
    }
    const forget = signal && onAbort(signal, () => this.host.stop());
    try {
      return await request();
    } finally {
      forget?.();
      this.host.resume();
    }
  }

  append(feedback: Feedback): void {
    this.#check();
    this.#queue.push(feedback);
    this.atFragmentStart = false;
    this.#hasOutput = false;
  }

  expect(bytes: Uint8Array): void {
    this.#check();
    this.#queue.push({ kind: "expected", bytes });
  }

  async advance(): Promise<void> {
    this.#hasOutput = false;
    await this.#send(Command.advance, await this.#flush());
    this.#readOutput();
  }

  async draft(count: number, signal?: AbortSignal, options: DraftOptions = {}): Promise<Draft> {
    checkDraft(this.name, count, options, this.vocabulary.size);
    await this.#hand();
    return this.#stoppable(() => this.#request("draft", { count, options }), signal);
  }

  async verify(bytes: Uint8Array, places: readonly Place[], signal?: AbortSignal): Promise<Verification> {
    checkPlaces(this.name, bytes, places);
    await this.#hand();
    return this.#stoppable(() => this.#request("verify", { bytes, places }), signal);
  }

  async assess(prospects: readonly Prospect[], signal?: AbortSignal): Promise<Assessment> {
    await this.#hand();
    return this.#stoppable(() => this.#request("assess", prospects), signal);
  }

  async lookup(keys: readonly (Uint8Array | number)[]): Promise<Lookup[]> {
    this.#checkOutput("lookup()");
    const known = await this.#readings.of(keys, this.atFragmentStart);
    const { logits } = this.#output;
    return known.map(({ ids, own }) => ({ id: ids[0] ?? -1, own, logit: pooledLogit(logits, ids) }));
  }

  /** Ask the worker for the first tokens of these strings. */
  async #firstTokens(strings: readonly Uint8Array[]): Promise<number[]> {
    const { channel } = this.host;
    const length = writeStrings(channel.payloadView, channel.payload, strings);
    if (length < 0) {
      const half = strings.length >> 1;
      if (half === 0) {
        throw new LlamafuseError(
          "invalid-option",
          `A byte string of more than ${PAYLOAD_BYTES - FEEDBACK_HEADER} bytes cannot be looked up.`,
          { allowed: PAYLOAD_BYTES - FEEDBACK_HEADER },
        );
      }
      return [...(await this.#firstTokens(strings.slice(0, half))), ...(await this.#firstTokens(strings.slice(half)))];
    }
    await this.#send(Command.firstTokens, length);
    return readIds(channel.payloadView, strings.length);
  }

  async cachedTokens(): Promise<Int32Array> {
    // What is queued belongs to the list, though it is not decoded yet.
    await this.#hand();
    return this.#request("cachedTokens", null);
  }

  tokenize(text: Uint8Array, options: TokenizeOptions = {}): Promise<Int32Array> {
    return this.#request("tokenize", { text, ...options });
  }

  async setThreads(threads: number): Promise<void> {
    await this.#request("setThreads", threads);
  }

  identity(): MemberIdentity {
    return (this.#identity ??= identityOfModel(this.name, this.#description, this));
  }

  embeddings(layer: EmbeddingLayer): EmbeddingSource {
    return ggufEmbeddings(this.file, layer, this.vocabulary.size);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.host.close();
  }

  /** Tell the worker what is queued, without decoding it. */
  async #hand(): Promise<void> {
    const length = await this.#flush();
    if (length > 0) await this.#send(Command.append, length);
  }

  /** Write the queue into the payload; what does not fit goes ahead in commands of its own. Returns the bytes written. */
  async #flush(): Promise<number> {
    const { channel } = this.host;
    const queue = this.#queue;
    this.#queue = [];
    let length = 0;
    for (const feedback of queue) {
      const bytes = bytesOfFeedback(feedback);
      if (length > 0 && length + FEEDBACK_HEADER + bytes.length > PAYLOAD_BYTES) {
        await this.#send(Command.append, length);
        length = 0;
      }
      if (FEEDBACK_HEADER + bytes.length > PAYLOAD_BYTES) await this.#request("append", feedback);
      else length = writeFeedback(channel.payloadView, channel.payload, length, feedback.kind, bytes);
    }
    return length;
  }

  async #send(command: Command, length: number): Promise<void> {
    this.#check();
    try {
      await this.host.call(command, length);
    } catch (error) {
      throw this.#note(error);
    }
  }

  async #request<N extends RequestName>(name: N, ask: Requests[N]["ask"]): Promise<Requests[N]["reply"]> {
    this.#check();
    try {
      return await this.host.request(name, ask);
    } catch (error) {
      throw this.#note(error);
    }
  }

  #check(): void {
    if (this.#disposed) throw disposedError(this.name);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #checkOutput(what: string): void {
    this.#check();
    if (this.#hasOutput) return;
    throw new LlamafuseError(
      "member-failed",
      `Member "${this.name}" was asked for ${what} before begin(), or after append() before advance().`,
      { member: this.name },
    );
  }

  /** A dead or hanging thread stays so; whatever a dispose() interrupts fails because of it. */
  #note(error: unknown): unknown {
    if (this.#disposed) return disposedError(this.name);
    if (error instanceof LlamafuseError && (error.code === "member-hung" || this.host.ended)) this.#failure = error;
    return error;
  }

  #readOutput(): void {
    const { channel } = this.host;
    const output = this.#output;
    this.#hasOutput = true;
    this.atFragmentStart = channel.atFragmentStart;
    output.logNormaliser = channel.logNormaliser;
    output.endLogProb = channel.endLogProb;
    output.topCount = channel.topCount;
    output.decodeMs = channel.decodeMs;
    output.prepareMs = channel.prepareMs;
    output.decodedTokens = channel.decodedTokens;
  }
}
