/** What llama.cpp's cache of one sequence holds, and how it comes to hold other tokens: what stays is not decoded again. */
import type { LlamaContext } from "../../llama/context.js";
import { stateBytes } from "../../llama/sequence-state.js";
import type { RequiredText } from "../required-text.js";
import { Checkpoints } from "./checkpoints.js";

/** Positions whose logits are in memory at a time: those of 152,064 tokens take 10 MB. */
export const READ_AT_ONCE = 16;

/** Tokens that are compared at once. */
const BLOCK = 1024;

export class TokenCache {
  #tokens = new Int32Array(256);
  #length = 0;
  /** Whether there are logits behind the last token. */
  #hasLogits = false;
  /** These, where they are not the context's: of a checkpoint that it went back to. */
  #restored: Float32Array | undefined;
  #isMasked = false;
  /** Where llama.cpp cannot drop tokens. */
  readonly #checkpoints: Checkpoints | undefined;

  constructor(
    /** With `outputs: READ_AT_ONCE`, if the caller reads it. */
    readonly context: LlamaContext,
    /** Asked between the batches of a long decode. */
    private readonly mayContinue: () => boolean,
  ) {
    if (!context.model.canRollBack) this.#checkpoints = new Checkpoints(context);
  }

  /** The logits behind the last token; a view, valid until the next decode. */
  get logits(): Float32Array {
    return this.#restored ?? this.context.logits();
  }

  /** The logits at hand lack tokens that do not agree with what is required, until the next decode. */
  noteMask(required: RequiredText): void {
    this.#isMasked ||= !required.isEmpty;
  }

  /** Something else is required: logits that lack tokens have to be made again. */
  forgetMasked(): void {
    if (this.#isMasked) this.#hasLogits = false;
  }

  /**
   * Bytes of a checkpoint, where going back takes one. Reads a token to see, so to be asked before any text.
   * Errors: those of LlamaContext.decode.
   */
  measureCheckpoint(): number | undefined {
    if (this.#checkpoints === undefined) return undefined;
    this.hold(Int32Array.of(0));
    const bytes = stateBytes(this.context) + 4 * this.context.vocabularySize;
    this.clear();
    return bytes;
  }

  /**
   * It may have to go back here: where that takes a checkpoint, keep one. `stays`: however much is read behind it, until
   * another place stays.
   */
  mark({ stays = false } = {}): void {
    if (this.#checkpoints === undefined || this.#length === 0) return;
    const logits = this.#hasLogits && !this.#isMasked ? this.logits : undefined;
    this.#checkpoints.take(this.#length, logits, stays);
  }

  /** How many leading tokens of a list it holds. */
  shared(tokens: Int32Array): number {
    const most = Math.min(tokens.length, this.#length);
    let same = 0;
    // Memory is compared many times as fast as numbers, and a long text is as it was but for its end.
    while (same + BLOCK <= most && isSame(this.#tokens, tokens, same)) same += BLOCK;
    while (same < most && this.#tokens[same] === tokens[same]) same++;
    return same;
  }

  /** Whether it holds just these tokens, and the logits behind the last of them. */
  holds(tokens: Int32Array): boolean {
    return this.#hasLogits && tokens.length === this.#length && this.shared(tokens) === tokens.length;
  }

  /**
   * Hold just these tokens; returns how many were decoded. The last one always is, so that there are logits to read, but
   * where a checkpoint has them. Errors: those of LlamaContext.decode; it then holds what was shared.
   */
  hold(tokens: Int32Array, { hiddenState = false } = {}): number {
    const { length } = tokens;
    if (!hiddenState && this.#checkpoints?.knows(length) && this.shared(tokens) === length) {
      this.#drop(length);
      return 0;
    }
    const kept = this.#keep(Math.min(this.shared(tokens), tokens.length - 1));
    this.#decode(tokens, kept, { outputs: 1, hiddenState });
    return tokens.length - kept;
  }

  /**
   * Hold these tokens and hand over the logits behind each of them from the index `first` on, valid during the call;
   * returns how many were decoded. Errors: as `hold`, and those of `visit`.
   */
  read(tokens: Int32Array, first: number, visit: (index: number, logits: Float32Array) => void): number {
    let from = first;
    let kept = first + 1;
    if (this.holds(tokens.subarray(0, kept))) {
      visit(from++, this.logits);
    } else {
      kept = this.#keep(Math.min(this.shared(tokens), first));
      if (kept < first) this.#decode(tokens.subarray(0, first), kept, { outputs: 0 });
    }
    const most = Math.min(READ_AT_ONCE, this.context.batchSize);
    for (; from < tokens.length; from += most) {
      const until = Math.min(from + most, tokens.length);
      this.#decode(tokens.subarray(0, until), from, { outputs: until - from });
      for (let index = from; index < until; index++) visit(index, this.context.logits(index - from));
    }
    return tokens.length - kept;
  }

  clear(): void {
    this.context.clear();
    this.#checkpoints?.clear();
    this.#length = 0;
    this.#hasLogits = false;
    this.#restored = undefined;
    this.#isMasked = false;
  }

  /** Drop everything from this index on, or from the nearest checkpoint before it. Returns what is kept. */
  #keep(length: number): number {
    if (length === this.#length) return length;
    return this.#drop(length);
  }

  #drop(length: number): number {
    let kept = length;
    this.#restored = undefined;
    this.#isMasked = false;
    if (this.#checkpoints !== undefined && length > 0)
      ({ length: kept, logits: this.#restored } = this.#checkpoints.goBack(length));
    else if (!this.context.rollback(length)) kept = 0;
    if (kept === 0) {
      this.clear();
      return 0;
    }
    this.#length = kept;
    this.#hasLogits = this.#restored !== undefined;
    return kept;
  }

  /** Decode the tokens from the index `from` on; those before are held. */
  #decode(tokens: Int32Array, from: number, options: { outputs: number; hiddenState?: boolean }): void {
    try {
      this.context.decode(tokens.subarray(from), from, { ...options, mayContinue: this.mayContinue });
    } catch (error) {
      // Some batches may have been decoded; forget them, so that the next decode finds a cache that is known.
      this.#drop(from);
      throw error;
    }
    if (tokens.length > this.#tokens.length) {
      const larger = new Int32Array(2 * tokens.length);
      larger.set(this.#tokens.subarray(0, from));
      this.#tokens = larger;
    }
    this.#tokens.set(tokens.subarray(from), from);
    this.#length = tokens.length;
    this.#hasLogits = options.outputs > 0;
    this.#restored = undefined;
    this.#isMasked = false;
  }
}

/** Whether the blocks of two lists that start here are the same. */
function isSame(a: Int32Array, b: Int32Array, start: number): boolean {
  const [one, other] = [a, b].map(({ buffer, byteOffset }) => Buffer.from(buffer, byteOffset + 4 * start, 4 * BLOCK));
  return one.equals(other);
}
