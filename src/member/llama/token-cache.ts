/** What llama.cpp's cache of one sequence holds, and how it comes to hold other tokens: what stays is not decoded again. */
import { LlamaContext } from "../../llama/context.js";
import { stateBytes } from "../../llama/sequence-state.js";
import type { TextContext } from "../../llama/shared-context.js";
import { Checkpoints } from "./checkpoints.js";

/** Positions whose logits are in memory at a time: those of 152,064 tokens take 10 MB. */
export const READ_AT_ONCE = 16;

export class TokenCache {
  #tokens = new Int32Array(256);
  #length = 0;
  /** Leading tokens that are those of the list that was given last. */
  #agreed = 0;
  /** How many of the tokens `logits` stand behind: all but those that were read ahead. */
  #place = 0;
  /** Whether there are logits behind these. */
  #hasLogits = false;
  /** The last decode's outputs stand behind the last so many tokens. */
  #outputs = 0;
  /** Logits behind single tokens, as they were when they were kept. */
  #kept: KeptLogits | undefined;
  /** These, where they are not the context's: of a checkpoint that it went back to. */
  #restored: Float32Array | undefined;
  /** Where llama.cpp cannot drop tokens. */
  readonly #checkpoints: Checkpoints | undefined;

  constructor(
    /** With `outputs: READ_AT_ONCE`, if the caller reads it. */
    readonly context: TextContext,
    /** Asked between the batches of a long decode. */
    private readonly mayContinue: () => boolean,
    /** Whose tokens all lists are: says how much of them has stayed as it was. Without it, each is compared as a whole. */
    private readonly source?: { takeUnchanged(): number },
  ) {
    // Models that need them never share a context.
    if (!context.model.canRollBack && context instanceof LlamaContext) this.#checkpoints = new Checkpoints(context);
  }

  /** The logits behind the text at hand; a view, valid until the next decode. */
  get logits(): Float32Array {
    return this.#restored ?? this.#kept?.behind(this.#place) ?? this.context.logits(this.#place - 1 - this.#length);
  }

  /** Keep a copy of the logits behind the text at hand, for `hold` to come back to while what stands before stays. */
  keepLogits(): void {
    // Checkpoints have them.
    if (this.#checkpoints !== undefined) return;
    this.#kept ??= new KeptLogits(this.context.vocabularySize);
    this.#kept.add(this.#place, this.logits);
  }

  /**
   * Bytes of a checkpoint, where going back takes one. Reads a token to see, so to be asked before any text.
   * Errors: those of LlamaContext.decode.
   */
  measureCheckpoint(): number | undefined {
    if (this.#checkpoints === undefined) return undefined;
    this.hold(Int32Array.of(0));
    const bytes = stateBytes(this.#checkpoints.context) + 4 * this.context.vocabularySize;
    this.clear();
    return bytes;
  }

  /**
   * It may have to go back here: where that takes a checkpoint, keep one. `stays`: however much is read behind it, until
   * another place stays.
   */
  mark({ stays = false } = {}): void {
    if (this.#checkpoints === undefined || this.#length === 0) return;
    const logits = this.#hasLogits ? this.logits : undefined;
    this.#checkpoints.take(this.#length, logits, stays);
  }

  /** Keep a checkpoint at these tokens, where going back takes one; returns how many were decoded. Errors: as `hold`. */
  markAt(tokens: Int32Array): number {
    if (this.#checkpoints === undefined) return 0;
    const decoded = this.hold(tokens);
    this.mark();
    return decoded;
  }

  /** How many leading tokens of a list it holds. */
  shared(tokens: Int32Array): number {
    const most = Math.min(tokens.length, this.#length);
    let same = Math.min(this.#agreed, this.source?.takeUnchanged() ?? 0, most);
    while (same < most && this.#tokens[same] === tokens[same]) same++;
    this.#agreed = same;
    return same;
  }

  /** Whether it stands at these tokens, with the logits behind the last of them. */
  holds(tokens: Int32Array): boolean {
    return this.#hasLogits && tokens.length === this.#place && this.shared(tokens) === tokens.length;
  }

  /**
   * Stand at these tokens; returns how many were decoded. The last one always is, so that there are logits to read, but
   * where it was read ahead or a checkpoint has them. `ahead`: tokens that begin with these and may come to be held, at
   * most READ_AT_ONCE − 1 more, to be read in the same decode. Errors: those of LlamaContext.decode; it then holds what
   * was shared.
   */
  hold(tokens: Int32Array, { hiddenState = false, ahead = tokens } = {}): number {
    const { length } = tokens;
    if (!hiddenState && this.#standAt(tokens)) return 0;
    // What cannot be taken back is not read before it is said.
    const read = this.#checkpoints === undefined && !hiddenState ? ahead : tokens;
    const kept = this.#keep(Math.min(this.shared(read), length - 1));
    this.#decode(read, kept, { outputs: read.length - length + 1, hiddenState });
    this.#place = length;
    return read.length - kept;
  }

  /**
   * For whoever decodes the texts of several caches at once: the index from which these tokens have to be decoded, what is
   * behind it being dropped; undefined where nothing has to be. Then comes `took`, or `drop`.
   */
  missing(tokens: Int32Array): number | undefined {
    return this.#standAt(tokens) ? undefined : this.#keep(Math.min(this.shared(tokens), tokens.length - 1));
  }

  /** These tokens were decoded from the index `from` on, with so many outputs behind the last of them. */
  took(tokens: Int32Array, from: number, outputs: number): void {
    if (tokens.length > this.#tokens.length) {
      const larger = new Int32Array(2 * tokens.length);
      larger.set(this.#tokens.subarray(0, from));
      this.#tokens = larger;
    }
    this.#tokens.set(tokens.subarray(from), from);
    this.#length = this.#place = this.#agreed = tokens.length;
    this.#outputs = outputs;
    this.#hasLogits = outputs > 0;
    this.#restored = undefined;
  }

  /** How many tokens a list has in common with what it holds, nothing being changed. */
  common(tokens: Int32Array): number {
    const most = Math.min(tokens.length, this.#length);
    let same = 0;
    while (same < most && this.#tokens[same] === tokens[same]) same++;
    return same;
  }

  /** Hold the first `length` tokens of another cache, whose context this one's has copied. */
  takeFrom(other: TokenCache, length: number): void {
    this.#kept?.dropBehind(0);
    this.took(other.#tokens.subarray(0, length), 0, 0);
    this.#agreed = 0;
  }

  #standAt(tokens: Int32Array): boolean {
    const { length } = tokens;
    if (this.#goTo(tokens)) return true;
    if (!this.#checkpoints?.knows(length) || this.shared(tokens) < length) return false;
    this.drop(length);
    return true;
  }

  /** Stand at these tokens where their logits are known and nothing has to be decoded. */
  #goTo(tokens: Int32Array): boolean {
    const { length } = tokens;
    if (this.#restored !== undefined || this.shared(tokens) < length) return false;
    if (length <= this.#length - this.#outputs && this.#kept?.behind(length) === undefined) return false;
    this.#place = length;
    this.#hasLogits = true;
    return true;
  }

  /**
   * Hold these tokens and hand over the logits behind each of them from the index `first` on, valid during the call;
   * returns how many were decoded. Errors: as `hold`, and those of `visit`.
   */
  read(tokens: Int32Array, first: number, visit: (index: number, logits: Float32Array) => void): number {
    let from = first;
    if (this.holds(tokens.subarray(0, first + 1))) visit(from++, this.logits);
    while (from < tokens.length && this.#goTo(tokens.subarray(0, from + 1))) visit(from++, this.logits);
    if (from >= tokens.length) return 0;
    const kept = this.#keep(Math.min(this.shared(tokens), from));
    if (kept < from) this.#decode(tokens.subarray(0, from), kept, { outputs: 0 });
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
    this.#kept?.dropBehind(0);
    this.#length = this.#place = this.#outputs = 0;
    this.#hasLogits = false;
    this.#restored = undefined;
  }

  /** Drop everything from this index on, or from the nearest checkpoint before it. Returns what is kept. */
  #keep(length: number): number {
    if (length === this.#length) return length;
    return this.drop(length);
  }

  /** Drop everything from this index on, whatever of it was decoded. Returns what is kept. */
  drop(length: number): number {
    let kept = length;
    this.#restored = undefined;
    if (this.#checkpoints !== undefined && length > 0)
      ({ length: kept, logits: this.#restored } = this.#checkpoints.goBack(length));
    else if (!this.context.rollback(length)) kept = 0;
    if (kept === 0) {
      this.clear();
      return 0;
    }
    this.#length = this.#place = kept;
    this.#outputs = 0;
    this.#kept?.dropBehind(kept);
    this.#hasLogits = this.#restored !== undefined;
    return kept;
  }

  /** Decode the tokens from the index `from` on; those before are held. */
  #decode(tokens: Int32Array, from: number, options: { outputs: number; hiddenState?: boolean }): void {
    try {
      this.context.decode(tokens.subarray(from), from, { ...options, mayContinue: this.mayContinue });
    } catch (error) {
      // Some batches may have been decoded; forget them, so that the next decode finds a cache that is known.
      this.drop(from);
      throw error;
    }
    this.took(tokens, from, options.outputs);
  }
}

/** Copies of the logits behind places of a text; the oldest gives way. */
class KeptLogits {
  readonly #rows: { place: number; logits: Float32Array }[] = [];
  #next = 0;

  constructor(private readonly size: number) {}

  add(place: number, logits: Float32Array): void {
    const row = (this.#rows[this.#next] ??= { place, logits: new Float32Array(this.size) });
    row.place = place;
    row.logits.set(logits);
    this.#next = (this.#next + 1) % READ_AT_ONCE;
  }

  behind(place: number): Float32Array | undefined {
    return this.#rows.find((row) => row.place === place)?.logits;
  }

  /** Forget those behind more than so many tokens. */
  dropBehind(length: number): void {
    for (const row of this.#rows) if (row.place > length) row.place = -1;
  }
}
