/**
 * One text of a GGUF model as a member, in the thread that runs it: context, token list and preparation put together.
 * `service.ts` serves it to the coordinator.
 */
import { LlamafuseError } from "../../errors.js";
import type { Kernels } from "../../kernels/kernels.js";
import type { Pointer } from "../../llama/bindings.js";
import { LlamaContext } from "../../llama/context.js";
import type { LlamaModel } from "../../llama/model.js";
import type { LlamaParameters } from "../../llama/parameters.js";
import type { ContextSequence } from "../../llama/shared-context.js";
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
import { TokenCache } from "./token-cache.js";

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
  /** The one in use. */
  #cache: TokenCache;
  readonly #single: TokenCache;
  readonly #checkpointBytes: number | undefined;
  /** For branches; made when they are first prepared. */
  #several: { cache: TokenCache; context: LlamaContext } | undefined;
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
    readonly model: LlamaModel,
    kernels: Kernels,
    private readonly options: EngineOptions,
    /** Of one sequence, or its sequence of one that others share. */
    private readonly context: LlamaContext | ContextSequence,
  ) {
    const { vocabulary } = model.tokenizer;
    this.#threads = options.threads;
    this.#text = new TextAtHand(model.tokenizer, new LogitReader(options.name, vocabulary, kernels));
    this.#single = this.#cache = new TokenCache(context, options.mayContinue, this.#text.trail);
    this.#checkpointBytes = this.#single.measureCheckpoint();
    this.preparer = new Preparer(options.name, vocabulary, kernels, model.embeddingLength);
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

  get #isBranching(): boolean {
    return this.#cache !== this.#single;
  }

  /** Decode in a context of so many sequences from now on. The other context stays as it is and continues unchanged. */
  #use(sequences: number): void {
    if (sequences === (this.#isBranching ? this.#several!.context.sequences : 1)) return;
    if (sequences > 1 && this.#several?.context.sequences !== sequences) {
      this.freeBranches();
      const options = { ...this.options, sequences, outputs: 1, threads: this.#threads };
      const context = new LlamaContext(this.model, options);
      this.#several = { context, cache: new TokenCache(context, this.options.mayContinue, this.#text.trail) };
    }
    this.#cache = sequences > 1 ? this.#several!.cache : this.#single;
    this.#branches = undefined;
    this.#cache.clear();
  }

  begin(prompt: MemberPrompt): BeginResult {
    const promptTokens = this.open(prompt);
    this.#advanceText({ isPrompt: true });
    if (this.#isBranching) {
      const { tokens } = this.#text.trail;
      this.#branches = new Branches(this.options.name, this.#several!.context, tokens, this.#cache.logits);
      this.preparer.takeBranches(this.#branches.logits);
    }
    return { promptTokens, reusedTokens: promptTokens - this.decodedTokens };
  }

  /** Hold a prompt, decoding nothing yet; returns its tokens. Errors: invalid-text, context-overflow. */
  open(prompt: MemberPrompt): number {
    const isOneText = !this.#isBranching || this.#branches?.isUntouched === true;
    this.#take(prompt);
    if (prompt.reuse !== true || !isOneText) this.#cache.clear();
    return this.#text.trail.length;
  }

  /** Whether what it has to decode may be decoded together with others'. */
  get mayShareDecode(): boolean {
    return !this.#isBranching && !this.preparer.wantsHidden && !this.#text.isExpecting;
  }

  /**
   * What an advance has to decode, for whoever decodes for several: the text's tokens, and from which of them on; undefined
   * where nothing has to be. Then comes `took`, once or more often, and `show`; or `drop`. Error: context-overflow.
   */
  missing(): { tokens: Int32Array; from: number } | undefined {
    this.#requireRoom();
    const from = this.#text.missing(this.#cache);
    return from === undefined ? undefined : { tokens: this.#text.trail.tokens, from };
  }

  /** Tokens of it were decoded from the index `from` on, with an output behind the last if `hasOutput`. */
  took(tokens: Int32Array, from: number, hasOutput: boolean): void {
    this.#cache.took(tokens, from, hasOutput ? 1 : 0);
  }

  /** They could not be decoded. */
  drop(from: number): void {
    this.#cache.drop(from);
  }

  /** Prepare the output of a text that was decoded so. Error: invalid-logits. */
  show(decodedTokens: number, decodeMs: number): void {
    const started = performance.now();
    this.decodedTokens = decodedTokens;
    this.preparer.run(this.#text.logits(this.#cache));
    this.decodeMs = decodeMs;
    this.prepareMs = performance.now() - started + this.#feedbackMs;
    this.#feedbackMs = 0;
  }

  /** Tokens at the beginning of its text that another's cells hold. */
  common(other: LlamaEngine): number {
    return this.#isBranching ? 0 : other.#single.common(this.#text.trail.tokens);
  }

  /** Begin with the first `length` tokens of another that shares the context. */
  copyBeginning(other: LlamaEngine, length: number): void {
    (this.context as ContextSequence).copy(other.context as ContextSequence, length);
    this.#single.takeFrom(other.#single, length);
  }

  /** Its cells are gone. */
  forget(): void {
    this.#single.clear();
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
    this.context.setThreads(threads);
    this.#several?.context.setThreads(threads);
  }

  freeBranches(): void {
    this.#several?.context.free();
    this.#several = undefined;
  }

  freeContext(): void {
    this.context.free();
  }
}
