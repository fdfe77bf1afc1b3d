/** A llama.cpp context: key-value cache, decoding, logits and hidden states. */

import { LlamafuseError } from "../errors.js";
import { TokenBatch } from "./batch.js";
import type { Batch, Pointer } from "./bindings.js";
import koffi from "./koffi.js";
import { inLoadTurn } from "./library.js";
import { failedContext } from "./load-errors.js";
import type { LlamaModel } from "./model.js";
import { setAdapters, setContextParams } from "./model-params.js";
import type { LlamaParameters } from "./parameters.js";
import { ThreadPools } from "./thread-pools.js";

export interface ContextOptions extends Pick<LlamaParameters, "flashAttention" | "cacheType" | "ropeScaling"> {
  /** Tokens that fit one sequence; default 4096 or the trained context if that is smaller. */
  contextSize?: number;
  /** Tokens decoded at once in a prefill. */
  batchSize?: number;
  /** Independent sequences that share the cache; more than one allows `fork`. */
  sequences?: number;
  threads?: number;
  /** Positions of one decode at which logits are wanted; 1 suffices for step-by-step generation. */
  outputs?: number;
  /** Keep the last layer's hidden states beside the logits. */
  hiddenStates?: boolean;
  /** Address of a byte that stops a running decode when another thread makes it non-zero. */
  stopFlag?: Pointer;
  /** Asked while another thread loads on the same GPU; return false to stop waiting. */
  mayContinue?: () => boolean;
}

/** The default context where neither caller nor model asks for less: enough for a conversation, cheap in memory. */
const DEFAULT_CONTEXT_SIZE = 4096;
/** llama.cpp's own physical batch; larger ones cost memory, smaller ones speed. */
const DEFAULT_BATCH_SIZE = 512;
/** LLAMA_POOLING_TYPE_NONE */
const POOLING_NONE = 0;

export class LlamaContext {
  readonly contextSize: number;
  readonly batchSize: number;
  readonly sequences: number;
  readonly vocabularySize: number;
  /** Outputs of one sequence that one decode may ask for; llama.cpp ends the process beyond. */
  readonly #maxOutputs: number;
  #pointer: Pointer;
  #memory: Pointer;
  readonly #batch: TokenBatch;
  /** Outputs of the last decode. */
  #outputs = 0;
  /** Address → view of one output's logits. The buffer stays where it is between decodes, until it has to grow. */
  readonly #views = new Map<Pointer, Float32Array>();
  #stateAddress: Pointer = 0n;
  #stateView = new Float32Array(0);
  /** Whether every decode keeps hidden states, as the context was made to. */
  readonly #alwaysStates: boolean;
  /** Whether llama.cpp is set to keep them in the next decode. */
  #keepsStates: boolean;
  readonly #threadPools: ThreadPools;

  constructor(
    readonly model: LlamaModel,
    options: ContextOptions = {},
  ) {
    const { functions } = model.llama;
    const params = functions.defaultContextParams();
    const perSequence =
      options.contextSize ?? Math.min(DEFAULT_CONTEXT_SIZE, model.trainedContext || DEFAULT_CONTEXT_SIZE);
    this.sequences = options.sequences ?? 1;
    // One token of every sequence fits a batch.
    this.batchSize = Math.max(Math.min(options.batchSize ?? DEFAULT_BATCH_SIZE, perSequence), this.sequences);
    params.n_ctx = perSequence * this.sequences;
    params.n_batch = this.batchSize;
    params.n_ubatch = this.batchSize;
    params.n_seq_max = this.sequences;
    // One buffer for all sequences: a fork copies nothing.
    params.kv_unified = this.sequences > 1;
    // With hidden states llama.cpp puts out every token of a batch.
    this.#maxOutputs = options.hiddenStates ? this.batchSize : Math.min(options.outputs ?? 1, this.batchSize);
    params.n_outputs_max = Math.min(Math.max(this.#maxOutputs, this.sequences), this.batchSize);
    params.n_outputs_max_per_seq = this.#maxOutputs;
    // A file may name a pooling for sentence embeddings, with which there would be no state for each token.
    params.pooling_type = POOLING_NONE;
    params.n_threads = options.threads ?? 1;
    params.n_threads_batch = options.threads ?? 1;
    this.#alwaysStates = this.#keepsStates = options.hiddenStates ?? false;
    params.embeddings = this.#alwaysStates;
    params.no_perf = true;
    // The whole cache also for sliding-window layers, so that a rollback never misses what the window dropped.
    params.swa_full = true;
    setContextParams(params, options);
    const reader = model.llama.stopFlagReader;
    if (options.stopFlag !== undefined && reader !== null) {
      params.abort_callback = reader;
      params.abort_callback_data = options.stopFlag;
    }
    const pointer = inLoadTurn(model.llama, () => functions.contextInit(model.pointer, params), options.mayContinue);
    if (pointer === null) throw failedContext(model, params.n_ctx);
    this.#pointer = pointer;
    this.#memory = functions.memory(pointer);
    setAdapters(functions, pointer, model.adapters);
    this.contextSize = Math.min(perSequence, this.sequences > 1 ? perSequence : functions.contextSize(pointer));
    this.vocabularySize = model.tokenizer.vocabulary.size;

    this.#batch = new TokenBatch(functions, this.batchSize);
    this.#threadPools = new ThreadPools(model.llama);
    this.setThreads(options.threads ?? 1);
  }

  get pointer(): Pointer {
    if (this.#pointer === 0n) throw new LlamafuseError("disposed", "This context has been freed.");
    return this.#pointer;
  }

  /**
   * Decode tokens at positions from, from + 1, … of a sequence, in batches. Logits are kept for the last `outputs`
   * tokens (1 unless said). `mayContinue` is asked between batches. Errors: context-overflow, aborted, member-failed.
   *
   * `hiddenState`: keep the last token's, in a context made without hidden states. With them on, llama.cpp puts out every
   * token of a batch, so the tokens before the last are decoded ahead.
   */
  decode(
    tokens: Int32Array,
    from: number,
    options: { sequence?: number; outputs?: number; hiddenState?: boolean; mayContinue?: () => boolean } = {},
  ): void {
    const { functions } = this.model.llama;
    const sequence = options.sequence ?? 0;
    const keepsState = options.hiddenState === true;
    const last = tokens.length - 1;
    if (keepsState && !this.#alwaysStates && last > 0) {
      this.decode(tokens.subarray(0, last), from, { ...options, outputs: 0, hiddenState: false });
      this.decode(tokens.subarray(last), from + last, options);
      return;
    }
    this.#keepStates(this.#alwaysStates || keepsState);
    const outputs = Math.min(options.outputs ?? 1, tokens.length);
    this.#checkOutputs(outputs, this.#maxOutputs);
    if (from + tokens.length > this.contextSize) throw this.#overflow(from + tokens.length);
    const firstOutput = tokens.length - outputs;
    for (let start = 0, count = 0; start < tokens.length; start += count) {
      if (options.mayContinue !== undefined && !options.mayContinue())
        throw new LlamafuseError("aborted", "Stopped while decoding a prompt.");
      const left = tokens.length - start;
      // All outputs belong into the last batch: every batch forgets those of the one before.
      count = left <= this.batchSize ? left : Math.min(this.batchSize, left - outputs);
      for (let i = 0; i < count; i++) {
        this.#batch.set(i, tokens[start + i], from + start + i, sequence, start + i >= firstOutput);
      }
      this.#run(count, functions.decode);
    }
    this.#outputs = outputs;
  }

  /** Decode one token for each of several sequences at once: entry i, whose logits are output i. */
  decodeParallel(entries: readonly { sequence: number; token: number; position: number }[]): void {
    this.decodeTogether(
      entries.map(({ sequence, token, position }) => ({
        sequence,
        tokens: Int32Array.of(token),
        from: position,
        outputs: 1,
      })),
    );
  }

  /**
   * Decode tokens of several sequences in one batch, which has to hold them all. Logits are kept for the last `outputs`
   * tokens of each; they are the decode's outputs, one sequence's behind another's.
   */
  decodeTogether(parts: readonly { sequence: number; tokens: Int32Array; from: number; outputs: number }[]): void {
    this.#keepStates(this.#alwaysStates);
    const outputs = parts.reduce((sum, part) => sum + part.outputs, 0);
    this.#checkOutputs(outputs, Math.min(Math.max(this.#maxOutputs, this.sequences), this.batchSize));
    let entry = 0;
    for (const { sequence, tokens, from, outputs: own } of parts) {
      const firstOutput = tokens.length - own;
      for (let i = 0; i < tokens.length; i++) {
        this.#batch.set(entry++, tokens[i], from + i, sequence, i >= firstOutput);
      }
    }
    this.#run(entry, this.model.llama.functions.decode);
    this.#outputs = outputs;
  }

  /** Only where it changes something: llama.cpp builds its graph anew for the other setting. */
  #keepStates(on: boolean): void {
    if (on === this.#keepsStates) return;
    this.model.llama.functions.setEmbeddings(this.pointer, on);
    this.#keepsStates = on;
  }

  #overflow(found: number): LlamafuseError {
    return new LlamafuseError("context-overflow", `${found} tokens do not fit a context of ${this.contextSize}.`, {
      found,
      allowed: this.contextSize,
    });
  }

  #checkOutputs(outputs: number, allowed: number): void {
    if (outputs <= allowed) return;
    throw new LlamafuseError(
      "invalid-option",
      `Logits at ${outputs} positions of a context made for ${allowed}. Make it with outputs: ${outputs}.`,
      { found: outputs, allowed, option: "outputs" },
    );
  }

  #run(count: number, decode: (context: Pointer, batch: Batch) => number): void {
    const status = decode(this.pointer, this.#batch.ofSize(count));
    if (status === 0) return;
    if (status === 2) throw new LlamafuseError("aborted", "A running decode was stopped.");
    if (status === 1) throw this.#overflow(this.contextSize + count);
    throw new LlamafuseError("member-failed", `llama_decode failed with status ${status} on ${count} tokens.`, {
      found: status,
    });
  }

  /**
   * Logits of an output of the last decode (0 is the first one, -1 the last one): a view on llama.cpp's memory, valid
   * until the next decode.
   */
  logits(index = -1): Float32Array {
    const address = this.model.llama.functions.logitsAt(this.pointer, this.#fromLast(index));
    if (address === null)
      throw new LlamafuseError("member-failed", `llama.cpp has no logits at output ${index}.`, { found: index });
    let view = this.#views.get(address);
    if (view === undefined) {
      if (this.#views.size >= this.batchSize) this.#views.clear();
      view = new Float32Array(koffi.view(address, 4 * this.vocabularySize));
      this.#views.set(address, view);
    }
    return view;
  }

  /** The last layer's hidden state (after the final norm) at an output; a view, valid until the next decode. */
  hiddenState(index = -1): Float32Array {
    const address = this.model.llama.functions.embeddingsAt(this.pointer, this.#fromLast(index));
    if (address === null)
      throw new LlamafuseError(
        "invalid-option",
        "This context kept no hidden state: make it with hiddenStates: true, or decode with hiddenState: true.",
        { option: "hiddenStates" },
      );
    if (address !== this.#stateAddress) {
      this.#stateAddress = address;
      this.#stateView = new Float32Array(koffi.view(address, 4 * this.model.embeddingLength));
    }
    return this.#stateView;
  }

  /** llama.cpp counts from the front by tokens of the last batch, from the back by outputs. */
  #fromLast(index: number): number {
    if (index >= -this.#outputs && index < this.#outputs) return index < 0 ? index : index - this.#outputs;
    throw new LlamafuseError("invalid-option", `Output ${index} of a decode that had ${this.#outputs}.`, {
      found: index,
      allowed: this.#outputs,
    });
  }

  /** Drop a sequence's tokens from position `length` on. False if this kind of model cannot. */
  rollback(length: number, sequence = 0): boolean {
    return this.model.llama.functions.memoryRemove(this.#memory, sequence, length, -1);
  }

  /** Make `target` a copy of `source`'s first `length` tokens without computing anything. */
  fork(source: number, target: number, length: number): void {
    if (target >= this.sequences || source >= this.sequences) {
      throw new LlamafuseError(
        "invalid-option",
        `Sequence ${Math.max(source, target)} of a context that has ${this.sequences}.`,
        { found: target, allowed: this.sequences, option: "sequences" },
      );
    }
    this.model.llama.functions.memoryRemove(this.#memory, target, -1, -1);
    this.model.llama.functions.memoryCopy(this.#memory, source, target, 0, length);
  }

  clear(): void {
    this.model.llama.functions.memoryClear(this.#memory, false);
  }

  /** Use this many threads from now on. */
  setThreads(threads: number): void {
    const { functions } = this.model.llama;
    functions.setThreads(this.pointer, threads, threads);
    const pool = this.#threadPools.of(threads);
    if (pool === undefined) functions.detachThreadpool(this.pointer);
    else functions.attachThreadpool(this.pointer, pool, pool);
  }

  free(): void {
    if (this.#pointer === 0n) return;
    const pointer = this.#pointer;
    this.#pointer = 0n;
    this.#views.clear();
    this.#stateView = new Float32Array(0);
    this.#batch.free();
    this.model.llama.functions.contextFree(pointer);
    this.#threadPools.free();
  }
}
