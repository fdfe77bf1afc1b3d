/**
 * A GGUF model as a member, in the thread that runs it: model, context, token list and preparation put together.
 * `member-worker.ts` serves one to the coordinator.
 */
import { LlamafuseError } from "../errors.js";
import type { Kernels } from "../kernels/kernels.js";
import type { Pointer } from "../llama/bindings.js";
import { LlamaContext } from "../llama/context.js";
import type { Llama } from "../llama/library.js";
import { LlamaModel } from "../llama/model.js";
import { isUtf8 } from "../vocabulary/utf8.js";
import type { BeginResult, Feedback, MemberFacts, MemberPrompt, Preparation } from "./member.js";
import { type OutputRegions, Preparer } from "./preparer.js";
import { TokenTrail } from "./token-trail.js";

export interface EngineOptions {
  name: string;
  file: string;
  threads: number;
  gpuLayers?: number | "max";
  contextSize?: number;
  batchSize?: number;
  stopFlag?: Pointer;
  onProgress?: (fraction: number) => boolean;
  /** Asked between the batches of a long decode. */
  mayContinue: () => boolean;
}

export class LlamaEngine {
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly preparer: Preparer;
  readonly #trail: TokenTrail;
  /** Tokens in llama.cpp's cache. */
  #cached = 0;
  decodeMs = 0;
  /** Spent on re-tokenising what was appended since the last advance. */
  #feedbackMs = 0;
  prepareMs = 0;
  decodedTokens = 0;

  constructor(
    llama: Llama,
    kernels: Kernels,
    private readonly options: EngineOptions,
  ) {
    this.model = LlamaModel.load(llama, options.file, { gpuLayers: options.gpuLayers, onProgress: options.onProgress });
    let context: LlamaContext | undefined;
    try {
      const { vocabulary } = this.model.tokenizer;
      context = this.context = new LlamaContext(this.model, {
        contextSize: options.contextSize,
        batchSize: options.batchSize,
        threads: options.threads,
        stopFlag: options.stopFlag,
      });
      this.preparer = new Preparer(options.name, vocabulary, kernels);
      this.#trail = new TokenTrail(this.model.tokenizer);
    } catch (error) {
      context?.free();
      this.model.free();
      throw error;
    }
  }

  get facts(): Omit<MemberFacts, "source"> {
    const { model } = this;
    return {
      description: model.description,
      architecture: model.metadata("general.architecture") ?? "unknown",
      parameters: model.parameters,
      bytes: model.bytes,
      trainedContext: model.trainedContext,
      embeddingLength: model.embeddingLength,
      layers: model.layers,
      chatTemplate: model.chatTemplate,
      bosText: model.tokenizer.bosText,
      eosText: model.tokenizer.eosText,
    };
  }

  get atFragmentStart(): boolean {
    return this.#trail.atFragmentStart;
  }

  prepare(preparation: Preparation): OutputRegions {
    return this.preparer.configure(preparation);
  }

  begin(prompt: MemberPrompt): BeginResult {
    this.#trail.begin(prompt);
    const { length } = this.#trail;
    if (length > this.context.contextSize) {
      throw new LlamafuseError(
        "context-overflow",
        `The prompt is ${length} tokens for member "${this.options.name}", whose context holds ${this.context.contextSize}. Shorten the prompt or raise contextSize (this model was trained for ${this.model.trainedContext}).`,
        { member: this.options.name, found: length, allowed: this.context.contextSize, option: "contextSize" },
      );
    }
    if (prompt.reuse !== true) this.#trail.invalidateFrom(0);
    const reusedTokens = Math.min(this.#trail.firstChanged, length - 1, this.#cached);
    this.advance();
    return { promptTokens: length, reusedTokens };
  }

  append(feedback: Feedback): void {
    const started = performance.now();
    this.#trail.append(feedback);
    this.#feedbackMs += performance.now() - started;
  }

  advance(): void {
    const trail = this.#trail;
    if (trail.length > this.context.contextSize) {
      throw new LlamafuseError(
        "context-overflow",
        `Member "${this.options.name}" has reached the end of its context of ${this.context.contextSize} tokens. Raise contextSize or ask for fewer tokens.`,
        {
          member: this.options.name,
          found: trail.length,
          allowed: this.context.contextSize,
          option: "contextSize",
        },
      );
    }
    const started = performance.now();
    this.decodedTokens = 0;
    if (trail.firstChanged < trail.length || this.#cached !== trail.length) this.#decode();
    // On a GPU the decode may still be running: reading the logits waits for it.
    const logits = this.context.logits();
    const decoded = performance.now();
    this.preparer.run(logits);
    this.decodeMs = decoded - started;
    this.prepareMs = performance.now() - decoded + this.#feedbackMs;
    this.#feedbackMs = 0;
  }

  /** Bring the cache up to the token list: roll back to the first changed token, decode the rest. */
  #decode(): void {
    const trail = this.#trail;
    // The last token is always decoded, so that there are logits to read.
    const keep = Math.min(trail.firstChanged, trail.length - 1, this.#cached);
    const from = keep < this.#cached ? this.#keep(keep) : keep;
    try {
      this.context.decode(trail.tokens.subarray(from), from, { mayContinue: this.options.mayContinue });
    } catch (error) {
      // Some batches may have been decoded; forget them, so that the next advance finds a cache it knows.
      this.#keep(from);
      throw error;
    }
    this.#cached = trail.length;
    this.decodedTokens = trail.length - from;
    trail.settle();
  }

  /** Drop everything from this position on, or everything where a recurrent state cannot go back. Returns what is kept. */
  #keep(length: number): number {
    if (length === 0 || !this.context.rollback(length)) {
      this.context.clear();
      length = 0;
    }
    this.#cached = length;
    this.#trail.invalidateFrom(length);
    return length;
  }

  /** The first token of a string's tokenisation as the text to come, or -1. */
  firstToken(bytes: Uint8Array): number {
    return this.#trail.encodeNext(bytes).at(0) ?? -1;
  }

  cachedTokens(): Int32Array {
    return this.#trail.tokens.slice();
  }

  tokenize(text: Uint8Array, options: { parseSpecial?: boolean; addBos?: boolean }): Int32Array {
    if (!isUtf8(text)) {
      throw new LlamafuseError("invalid-text", "The text to tokenise is not UTF-8. Convert it to UTF-8 first.");
    }
    return this.model.tokenizer.encode(text, {
      parseSpecial: options.parseSpecial ?? false,
      addBos: options.addBos ?? false,
    });
  }

  setThreads(threads: number): void {
    this.context.setThreads(threads);
  }

  free(): void {
    this.context.free();
    this.model.free();
  }
}
