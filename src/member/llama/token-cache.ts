/** What llama.cpp's cache of one sequence holds, and how it comes to hold other tokens: what stays is not decoded again. */
import type { LlamaContext } from "../../llama/context.js";

/** Positions whose logits are in memory at a time: those of 152,064 tokens take 10 MB. */
export const READ_AT_ONCE = 16;

export class TokenCache {
  #tokens = new Int32Array(256);
  #length = 0;
  /** Leading tokens that are those of the list that was given last. */
  #agreed = 0;
  /** Whether the context has the logits behind the last token. */
  #hasLogits = false;

  constructor(
    /** With `outputs: READ_AT_ONCE`, if the caller reads it. */
    readonly context: LlamaContext,
    /** Asked between the batches of a long decode. */
    private readonly mayContinue: () => boolean,
    /** Whose tokens all lists are: says how much of them has stayed as it was. Without it, each is compared as a whole. */
    private readonly source?: { takeUnchanged(): number },
  ) {}

  /** How many leading tokens of a list it holds. */
  shared(tokens: Int32Array): number {
    const most = Math.min(tokens.length, this.#length);
    let same = Math.min(this.#agreed, this.source?.takeUnchanged() ?? 0, most);
    while (same < most && this.#tokens[same] === tokens[same]) same++;
    this.#agreed = same;
    return same;
  }

  /** Whether it holds just these tokens, so that the context's logits are those behind the last of them. */
  holds(tokens: Int32Array): boolean {
    return this.#hasLogits && tokens.length === this.#length && this.shared(tokens) === tokens.length;
  }

  /**
   * Hold just these tokens; returns how many were decoded. The last one always is, so that there are logits to read.
   * Errors: those of LlamaContext.decode; it then holds what was shared.
   */
  hold(tokens: Int32Array, { hiddenState = false } = {}): number {
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
      visit(from++, this.context.logits());
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
    this.#length = 0;
    this.#hasLogits = false;
  }

  /** Drop everything from this index on, or everything where a recurrent state cannot go back. Returns what is kept. */
  #keep(length: number): number {
    if (length === this.#length) return length;
    return this.#drop(length);
  }

  #drop(length: number): number {
    if (length === 0 || !this.context.rollback(length)) {
      this.clear();
      return 0;
    }
    this.#length = length;
    this.#hasLogits = false;
    return length;
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
    this.#agreed = tokens.length;
    this.#hasLogits = options.outputs > 0;
  }
}
