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
import { Branches, scoresNoBranches, wrongFeedback } from "./branches.js";
import type { BeginResult, Feedback, MemberFacts, MemberPrompt, Preparation, PromptScore } from "./member.js";
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

/** Positions of a scored prompt whose logits are in memory at a time: 152,064 tokens take 10 MB. */
const SCORED_AT_ONCE = 16;

export class LlamaEngine {
  readonly model: LlamaModel;
  /** The one in use. */
  context: LlamaContext;
  readonly #single: LlamaContext;
  /** For branches; made when they are first prepared. */
  #several: LlamaContext | undefined;
  #threads: number;
  #branches: Branches | undefined;
  readonly preparer: Preparer;
  readonly #trail: TokenTrail;
  /** Tokens in llama.cpp's cache. */
  #cached = 0;
  decodeMs = 0;
  /** Spent on re-tokenising what was appended since the last advance. */
  #feedbackMs = 0;
  prepareMs = 0;
  decodedTokens = 0;
  /** Whether the last decode kept the hidden state. */
  #hasHidden = false;

  constructor(
    llama: Llama,
    kernels: Kernels,
    private readonly options: EngineOptions,
  ) {
    this.model = LlamaModel.load(llama, options.file, { gpuLayers: options.gpuLayers, onProgress: options.onProgress });
    let context: LlamaContext | undefined;
    try {
      const { vocabulary } = this.model.tokenizer;
      this.#threads = options.threads;
      context = this.#single = this.context = this.#makeContext(1);
      this.preparer = new Preparer(options.name, vocabulary, kernels, this.model.embeddingLength);
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
    return this.#trail.atFragmentStart && (this.#branches?.isAtPrompt ?? true);
  }

  prepare(preparation: Preparation): OutputRegions {
    this.#use(preparation.branches ?? 1);
    return this.preparer.configure(preparation);
  }

  #makeContext(sequences: number): LlamaContext {
    const { contextSize, batchSize, stopFlag } = this.options;
    const outputs = sequences === 1 ? SCORED_AT_ONCE : 1;
    return new LlamaContext(this.model, {
      contextSize,
      batchSize,
      stopFlag,
      sequences,
      outputs,
      threads: this.#threads,
    });
  }

  /** Decode in a context of so many sequences from now on. The other one is left as it is, so that it goes on alike. */
  #use(sequences: number): void {
    if (sequences === this.context.sequences) return;
    if (sequences > 1 && this.#several?.sequences !== sequences) {
      this.#several?.free();
      this.#several = undefined;
      this.#several = this.#makeContext(sequences);
    }
    this.context = sequences > 1 ? this.#several! : this.#single;
    this.#branches = undefined;
    this.#keep(0);
  }

  begin(prompt: MemberPrompt): BeginResult {
    this.#take(prompt);
    const { length } = this.#trail;
    const isBranching = this.context.sequences > 1;
    if (prompt.reuse !== true || isBranching) this.#trail.invalidateFrom(0);
    const reusedTokens = Math.min(this.#trail.firstChanged, length - 1, this.#cached);
    this.advance();
    if (isBranching) {
      this.#branches = new Branches(this.options.name, this.context, this.#trail.tokens);
      this.preparer.takeBranches(this.#branches.logits);
    }
    return { promptTokens: length, reusedTokens };
  }

  /** See Member.scorePrompt; null: the text at hand. */
  scorePrompt(prompt: MemberPrompt | null): PromptScore {
    const trail = this.#trail;
    if (this.context.sequences > 1) throw scoresNoBranches(this.options.name);
    if (prompt !== null) this.#take(prompt);
    else this.#requireRoom();
    this.#keep(0);
    const ids = trail.tokens.slice();
    const logProbs = new Float64Array(ids.length).fill(Number.NaN);
    try {
      for (let from = 0; from < ids.length; from += SCORED_AT_ONCE) this.#scoreFrom(from, ids, logProbs);
    } catch (error) {
      this.#keep(0);
      throw error;
    }
    this.#cached = ids.length;
    this.#hasHidden = false;
    trail.settle();
    this.advance();
    this.decodedTokens = ids.length;
    return { ids, logProbs };
  }

  /** Decode a few tokens, and say how probable each of their successors is. */
  #scoreFrom(from: number, ids: Int32Array, logProbs: Float64Array): void {
    const tokens = ids.subarray(from, from + SCORED_AT_ONCE);
    this.context.decode(tokens, from, { outputs: tokens.length, mayContinue: this.options.mayContinue });
    for (let place = 0; place < tokens.length; place++) {
      const next = from + place + 1;
      if (next < ids.length) logProbs[next] = this.preparer.logProbOf(this.context.logits(place), ids[next]);
    }
  }

  #take(prompt: MemberPrompt): void {
    this.#branches = undefined;
    this.#trail.begin(prompt);
    const { length } = this.#trail;
    if (length <= this.context.contextSize) return;
    throw new LlamafuseError(
      "context-overflow",
      `The prompt is ${length} tokens for member "${this.options.name}", whose context holds ${this.context.contextSize}. Shorten the prompt or raise contextSize (this model was trained for ${this.model.trainedContext}).`,
      { member: this.options.name, found: length, allowed: this.context.contextSize, option: "contextSize" },
    );
  }

  append(feedback: Feedback): void {
    const started = performance.now();
    const isBranching = this.context.sequences > 1;
    if ((feedback.kind === "branches") !== isBranching)
      throw wrongFeedback(this.options.name, feedback.kind, isBranching);
    if (feedback.kind === "branches") this.#branches?.replace(feedback.branches);
    else this.#trail.append(feedback);
    this.#feedbackMs += performance.now() - started;
  }

  advance(): void {
    if (this.#branches === undefined) this.#advanceText();
    else this.#advanceBranches(this.#branches);
  }

  #requireRoom(): void {
    const { length } = this.#trail;
    if (length <= this.context.contextSize) return;
    throw new LlamafuseError(
      "context-overflow",
      `Member "${this.options.name}" has reached the end of its context of ${this.context.contextSize} tokens. Raise contextSize or ask for fewer tokens.`,
      { member: this.options.name, found: length, allowed: this.context.contextSize, option: "contextSize" },
    );
  }

  #advanceText(): void {
    const trail = this.#trail;
    this.#requireRoom();
    const started = performance.now();
    this.decodedTokens = 0;
    const { wantsHidden } = this.preparer;
    const lacksHidden = wantsHidden && !this.#hasHidden;
    if (trail.firstChanged < trail.length || this.#cached !== trail.length || lacksHidden) this.#decode();
    // On a GPU the decode may still be running: reading the logits waits for it.
    const logits = this.context.logits();
    const decoded = performance.now();
    this.preparer.run(logits, wantsHidden ? this.context.hiddenState() : undefined);
    this.decodeMs = decoded - started;
    this.prepareMs = performance.now() - decoded + this.#feedbackMs;
    this.#feedbackMs = 0;
  }

  #advanceBranches(branches: Branches): void {
    const started = performance.now();
    this.decodedTokens = branches.decode(this.options.mayContinue);
    const { logits } = branches;
    const decoded = performance.now();
    this.preparer.run(logits[0]);
    this.preparer.takeBranches(logits);
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
    const hiddenState = this.preparer.wantsHidden;
    try {
      this.context.decode(trail.tokens.subarray(from), from, { hiddenState, mayContinue: this.options.mayContinue });
    } catch (error) {
      // Some batches may have been decoded; forget them, so that the next advance finds a cache it knows.
      this.#keep(from);
      throw error;
    }
    this.#cached = trail.length;
    this.#hasHidden = hiddenState;
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
    return this.#branches?.tokens ?? this.#trail.tokens.slice();
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
    this.#threads = threads;
    this.#single.setThreads(threads);
    this.#several?.setThreads(threads);
  }

  free(): void {
    this.#single.free();
    this.#several?.free();
    this.model.free();
  }
}
