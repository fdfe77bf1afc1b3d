/**
 * A llama.cpp context that several texts share: each is a sequence of it, and what they have to read is read in one
 * llama_decode. One buffer of cells for all of them (kv_unified), so that a text begins with another's cells without
 * copying any.
 *
 * The logits of a decode lie in llama.cpp's memory until the next one. So that a text finds its own there whoever has
 * decoded since, those that the next decode would take away are copied before it; where all texts go on in step, none are.
 */
import { LlamafuseError } from "../errors.js";
import { type ContextOptions, LlamaContext } from "./context.js";
import type { LlamaModel } from "./model.js";

/** What a text needs of the context that it is decoded in: a LlamaContext of one sequence, or one sequence of a shared one. */
export type TextContext = Pick<
  LlamaContext,
  | "model"
  | "contextSize"
  | "batchSize"
  | "vocabularySize"
  | "decode"
  | "logits"
  | "hiddenState"
  | "rollback"
  | "clear"
  | "setThreads"
  | "free"
>;

/** Tokens of one text in a decode of several; logits are wanted behind the last so many. */
export interface SharedReading {
  sequence: ContextSequence;
  tokens: Int32Array;
  /** The position of the first of them. */
  from: number;
  outputs: number;
}

export class SharedContext {
  readonly context: LlamaContext;
  readonly sequences: readonly ContextSequence[];
  /** Whose logits the last decode left in llama.cpp's memory. */
  readonly #holders = new Set<ContextSequence>();

  /** Errors: those of a LlamaContext. */
  constructor(model: LlamaModel, options: ContextOptions & { sequences: number }) {
    this.context = new LlamaContext(model, options);
    this.sequences = Array.from({ length: options.sequences }, (_, index) => new ContextSequence(this, index));
  }

  /** Decode them in one call: at most `batchSize` tokens, and an output for each sequence. Errors: those of a decode. */
  decode(readings: readonly SharedReading[], mayContinue: () => boolean): void {
    if (!mayContinue()) throw new LlamafuseError("aborted", "Stopped before a decode.");
    this.hand(readings.map(({ sequence }) => sequence));
    for (const { sequence } of readings) sequence.lieAt(0, 0);
    this.context.decodeTogether(readings.map((reading) => ({ ...reading, sequence: reading.sequence.index })));
    let first = 0;
    for (const { sequence, outputs } of readings) {
      sequence.lieAt(first, outputs);
      first += outputs;
    }
  }

  /** The next decode is these sequences': others keep a copy of what it takes away. */
  hand(to: readonly ContextSequence[]): void {
    for (const holder of this.#holders) if (!to.includes(holder)) holder.keep();
    this.#holders.clear();
    for (const sequence of to) this.#holders.add(sequence);
  }

  /** Nobody has a text: as the context was when it was made, to the cell. */
  clear(): void {
    this.#holders.clear();
    this.context.clear();
  }
}

export class ContextSequence implements TextContext {
  /** Outputs of its own last decode; `#first` is where they begin among those of the context's, if they still lie there. */
  #outputs = 0;
  #first: number | undefined;
  #kept: Float32Array[] = [];

  constructor(
    private readonly shared: SharedContext,
    readonly index: number,
  ) {}

  get model(): LlamaModel {
    return this.shared.context.model;
  }
  get contextSize(): number {
    return this.shared.context.contextSize;
  }
  get batchSize(): number {
    return this.shared.context.batchSize;
  }
  get vocabularySize(): number {
    return this.shared.context.vocabularySize;
  }

  /** Alone, without the other texts. See LlamaContext.decode. */
  decode(tokens: Int32Array, from: number, options: Parameters<LlamaContext["decode"]>[2] = {}): void {
    this.shared.hand([this]);
    this.lieAt(0, 0);
    this.shared.context.decode(tokens, from, { ...options, sequence: this.index });
    this.lieAt(0, Math.min(options.outputs ?? 1, tokens.length));
  }

  /** See LlamaContext.logits; valid until its own next decode, or anybody's. */
  logits(index = -1): Float32Array {
    const own = index < 0 ? index + this.#outputs : index;
    if (own < 0 || own >= this.#outputs) {
      throw new LlamafuseError("invalid-option", `Output ${index} of a decode that had ${this.#outputs}.`, {
        found: index,
        allowed: this.#outputs,
      });
    }
    return this.#first === undefined ? this.#kept[own] : this.shared.context.logits(this.#first + own);
  }

  /** Of its own last decode, if nobody has decoded since. */
  hiddenState(index = -1): Float32Array {
    return this.shared.context.hiddenState(index);
  }

  rollback(length: number): boolean {
    return this.shared.context.rollback(length, this.index);
  }

  clear(): void {
    this.rollback(0);
  }

  /** Hold the first `length` tokens that another holds, without computing anything, in the place of its own. */
  copy(other: ContextSequence, length: number): void {
    this.shared.context.fork(other.index, this.index, length);
  }

  /** Its outputs are so many of the context's last decode, from this one on. */
  lieAt(first: number, outputs: number): void {
    this.#first = first;
    this.#outputs = outputs;
  }

  /** Keep a copy of what the next decode takes away. */
  keep(): void {
    if (this.#first === undefined) return;
    for (let output = 0; output < this.#outputs; output++) {
      this.#kept[output] ??= new Float32Array(this.vocabularySize);
      this.#kept[output].set(this.shared.context.logits(this.#first + output));
    }
    this.#first = undefined;
  }

  setThreads(threads: number): void {
    this.shared.context.setThreads(threads);
  }

  /** The context goes with all of its sequences. */
  free(): void {
    this.shared.context.free();
  }
}
