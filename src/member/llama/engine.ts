/**
 * A GGUF model as a member, in the thread that runs it: model, context, token list and preparation put together.
 * `member-worker.ts` serves one to the coordinator.
 */
import { LlamafuseError } from "../../errors.js";
import type { Kernels } from "../../kernels/kernels.js";
import type { Pointer } from "../../llama/bindings.js";
import { LlamaContext } from "../../llama/context.js";
import type { Llama } from "../../llama/library.js";
import { explainedContext } from "../../llama/load-errors.js";
import { LlamaModel } from "../../llama/model.js";
import type { LlamaParameters } from "../../llama/parameters.js";
import { isUtf8 } from "../../vocabulary/utf8.js";
import { Branches, readsNoBranches, wrongFeedback } from "../branches.js";
import { checkBegun } from "../check-places.js";
import type {
  Assessment,
  BeginResult,
  Draft,
  DraftOptions,
  Feedback,
  MemberFacts,
  MemberPrompt,
  Place,
  Preparation,
  PromptScore,
  Prospect,
  TokenizeOptions,
  Verification,
} from "../member.js";
import type { ModelDescription } from "../model-identity.js";
import type { GoingBack } from "../offers.js";
import { mostCheckpoints } from "./checkpoints.js";
import { LogitReader } from "./logit-reader.js";
import type { OutputRegions } from "./output-room.js";
import { Preparer } from "./preparer.js";
import { TextAtHand } from "./text-at-hand.js";
import { READ_AT_ONCE, TokenCache } from "./token-cache.js";

export interface EngineOptions extends LlamaParameters {
  name: string;
  file: string;
  threads: number;
  contextSize?: number;
  batchSize?: number;
  stopFlag?: Pointer;
  onProgress?: (fraction: number) => boolean;
  /** Asked between the batches of a long decode. */
  mayContinue: () => boolean;
}

export class LlamaEngine {
  readonly model: LlamaModel;
  /** The one in use. */
  #cache: TokenCache;
  readonly #single: TokenCache;
  readonly #checkpointBytes: number | undefined;
  /** For branches; made when they are first prepared. */
  #several: TokenCache | undefined;
  #threads: number;
  #branches: Branches | undefined;
  readonly preparer: Preparer;
  readonly #text: TextAtHand;
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
    this.model = LlamaModel.load(llama, options.file, options);
    let single: TokenCache | undefined;
    try {
      const { vocabulary } = this.model.tokenizer;
      this.#threads = options.threads;
      this.#text = new TextAtHand(this.model.tokenizer, new LogitReader(options.name, vocabulary, kernels));
      single = this.#single = this.#cache = this.#makeCache(1);
      this.#checkpointBytes = single.measureCheckpoint();
      this.preparer = new Preparer(options.name, vocabulary, kernels, this.model.embeddingLength);
    } catch (error) {
      single?.context.free();
      this.model.free();
      throw explainedContext(error, llama, options.file, options);
    }
  }

  get description(): ModelDescription {
    const { description, parameters, bytes, layers, embeddingLength } = this.model;
    const architecture = this.model.metadata("general.architecture") ?? "unknown";
    return { description, architecture, costs: { parameters, weightBytes: bytes, layers }, embeddingLength };
  }

  get facts(): MemberFacts {
    const { model } = this;
    return {
      trainedContext: model.trainedContext,
      embeddingLength: model.embeddingLength,
      chatTemplate: model.chatTemplate,
      bosText: model.tokenizer.bosText,
      eosText: model.tokenizer.eosText,
    };
  }

  get goingBack(): GoingBack {
    const bytes = this.#checkpointBytes;
    const tokens = Number.POSITIVE_INFINITY;
    if (bytes === undefined) return { tokens, decodes: "changed" };
    return { tokens, decodes: "behind-checkpoint", checkpoints: { bytes, most: mostCheckpoints(bytes) } };
  }

  get contextSize(): number {
    return this.#cache.context.contextSize;
  }

  get atFragmentStart(): boolean {
    return this.#text.trail.atFragmentStart && (this.#branches?.isAtPrompt ?? true);
  }

  prepare(preparation: Preparation): OutputRegions {
    this.#use(preparation.branches ?? 1);
    return this.preparer.configure(preparation);
  }

  #makeCache(sequences: number): TokenCache {
    const { mayContinue } = this.options;
    const outputs = sequences === 1 ? READ_AT_ONCE : 1;
    const options = { ...this.options, sequences, outputs, threads: this.#threads };
    return new TokenCache(new LlamaContext(this.model, options), mayContinue, this.#text.trail);
  }

  get #isBranching(): boolean {
    return this.#cache.context.sequences > 1;
  }

  /** Decode in a context of so many sequences from now on. The other context stays as it is and continues unchanged. */
  #use(sequences: number): void {
    if (sequences === this.#cache.context.sequences) return;
    if (sequences > 1 && this.#several?.context.sequences !== sequences) {
      this.#several?.context.free();
      this.#several = undefined;
      this.#several = this.#makeCache(sequences);
    }
    this.#cache = sequences > 1 ? this.#several! : this.#single;
    this.#branches = undefined;
    this.#cache.clear();
  }

  begin(prompt: MemberPrompt): BeginResult {
    const isOneText = !this.#isBranching || this.#branches?.isUntouched === true;
    this.#take(prompt);
    const { tokens } = this.#text.trail;
    if (prompt.reuse !== true || !isOneText) this.#cache.clear();
    this.#advanceText({ isPrompt: true });
    if (this.#isBranching) {
      this.#branches = new Branches(this.options.name, this.#cache.context, tokens, this.#cache.logits);
      this.preparer.takeBranches(this.#branches.logits);
    }
    return { promptTokens: tokens.length, reusedTokens: tokens.length - this.decodedTokens };
  }

  /** See Member.scorePrompt; null: the text at hand. */
  scorePrompt(prompt: MemberPrompt | null): PromptScore {
    if (this.#isBranching) throw readsNoBranches(this.options.name);
    if (prompt !== null) this.#take(prompt);
    else this.#requireRoom();
    const score = this.#text.score(this.#cache);
    this.#advanceText({ isPrompt: true });
    this.decodedTokens = score.ids.length;
    return score;
  }

  draft(count: number, options: DraftOptions): Draft {
    this.#checkCanLookAhead();
    return this.#text.draft(count, options, this.#cache);
  }

  verify(bytes: Uint8Array, places: readonly Place[]): Verification {
    this.#checkCanLookAhead();
    return this.#text.verify(bytes, places, this.#cache);
  }

  assess(prospects: readonly Prospect[]): Assessment {
    this.#checkCanLookAhead();
    return this.#text.assess(prospects, this.#cache);
  }

  #checkCanLookAhead(): void {
    if (this.#isBranching) throw readsNoBranches(this.options.name);
    checkBegun(this.options.name, this.#text.trail.length);
    this.#requireRoom();
  }

  #take(prompt: MemberPrompt): void {
    this.#branches = undefined;
    this.#text.begin(prompt);
    const { length } = this.#text.trail;
    if (length <= this.contextSize) return;
    throw new LlamafuseError(
      "context-overflow",
      `The prompt is ${length} tokens for member "${this.options.name}"; its context holds ${this.contextSize}. Shorten the prompt or raise contextSize (this model was trained for ${this.model.trainedContext}).`,
      { member: this.options.name, found: length, allowed: this.contextSize, option: "contextSize" },
    );
  }

  /** See Member.expect. */
  expect(bytes: Uint8Array): void {
    if (!this.#isBranching) this.#text.expect(bytes);
  }

  append(feedback: Feedback): void {
    const started = performance.now();
    if ((feedback.kind === "branches") !== this.#isBranching)
      throw wrongFeedback(this.options.name, feedback.kind, this.#isBranching);
    if (feedback.kind === "branches") this.#branches?.replace(feedback.branches);
    else this.#text.append(feedback);
    this.#feedbackMs += performance.now() - started;
  }

  advance(): void {
    if (this.#branches === undefined) this.#advanceText();
    else this.#advanceBranches(this.#branches);
  }

  #requireRoom(): void {
    const { length } = this.#text.trail;
    if (length <= this.contextSize) return;
    throw new LlamafuseError(
      "context-overflow",
      `Member "${this.options.name}" has reached the end of its context of ${this.contextSize} tokens. Raise contextSize or ask for fewer tokens.`,
      { member: this.options.name, found: length, allowed: this.contextSize, option: "contextSize" },
    );
  }

  #advanceText({ isPrompt = false } = {}): void {
    this.#requireRoom();
    const started = performance.now();
    const { wantsHidden } = this.preparer;
    this.decodedTokens = this.#text.decode(this.#cache, wantsHidden);
    this.#text.mark(this.#cache, isPrompt);
    // On a GPU the decode may still be running: reading the logits waits for it.
    const logits = this.#text.logits(this.#cache);
    const decoded = performance.now();
    this.preparer.run(logits, wantsHidden ? this.#cache.context.hiddenState() : undefined);
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

  /** The first token of a string's tokenisation as the text to come, or -1. */
  firstToken(bytes: Uint8Array): number {
    return this.#text.trail.encodeNext(bytes).at(0) ?? -1;
  }

  cachedTokens(): Int32Array {
    return this.#branches?.tokens ?? this.#text.trail.tokens.slice();
  }

  tokenize(text: Uint8Array, { parseSpecial = false, addBos = false, letters }: TokenizeOptions): Int32Array {
    if (!isUtf8(text)) {
      throw new LlamafuseError("invalid-text", "The text to tokenise is not UTF-8. Convert it to UTF-8 first.");
    }
    return this.model.tokenizer.encode(text, { parseSpecial, addBos, letters });
  }

  setThreads(threads: number): void {
    this.#threads = threads;
    this.#single.context.setThreads(threads);
    this.#several?.context.setThreads(threads);
  }

  free(): void {
    this.#single.context.free();
    this.#several?.context.free();
    this.model.free();
  }
}
