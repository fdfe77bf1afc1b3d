/**
 * What a member has been told, as its own tokens: feedback in, the shortest change of its token list out.
 *
 * Text feedback is canonical: after every append the list equals the tokenizer's own encoding of the text since the
 * last special token, behind the tokens up to there. Three things are ours, not the tokenizer's:
 * - Bytes at the end that do not yet make a whole UTF-8 character are encoded by longest match over the vocabulary's
 *   byte strings, until the character is complete and takes its canonical form.
 * - Bytes that no character can hold take the longest match for good, and the text behind them starts anew, without the
 *   tokenizer's space. A byte for which the vocabulary has no token is left out, as llama.cpp leaves it out.
 * - Where the text starts right after a special token and the vocabulary puts a space before the first word, that
 *   space is the tokenizer's: the text "Hello" becomes the token "▁Hello".
 *
 * Only the text behind the last place where no token can cross is encoded again (see TextCuts), so a step costs the same
 * however long the text has grown.
 */
import { LlamafuseError } from "../../errors.js";
import { isUtf8, scanUtf8 } from "../../vocabulary/utf8.js";
import { TokenClass, textAtFragmentStart } from "../../vocabulary/vocabulary.js";
import type { Feedback, MemberPrompt } from "../member.js";
import { type Encoder, PieceEncoder, PLAIN, sameTokens } from "./piece-encoder.js";
import { CUT_TRIALS, TextCuts } from "./text-cuts.js";

const SPACE = 0x20;
const NO_TOKENS = new Int32Array(0);

export class TokenTrail {
  #tokens = new Int32Array(256);
  #length = 0;
  /** The text since the last special token. */
  #fragment: Uint8Array = new Uint8Array(1024);
  #fragmentLength = 0;
  /** Index of the fragment's first token. */
  #fragmentStart = 0;
  /** Bytes of the fragment whose tokens are the tokenizer's own. */
  #encoded = 0;
  /** Whether the fragment follows bytes that are no text, so that the tokenizer's space does not belong before it. */
  #isContinuation = false;
  /** Whether the fragment's encoding reproduces the prompt's tokens; if not, text feedback only appends. */
  #canonical = true;
  readonly #cuts: TextCuts | undefined;
  readonly #literals: ReadonlySet<number>;
  readonly #alone: PieceEncoder;

  /** Empty, or with `source` a copy of it. */
  constructor(
    private readonly encoder: Encoder,
    source?: TokenTrail,
  ) {
    if (source !== undefined) {
      this.#cuts = source.#cuts;
      this.#literals = source.#literals;
      this.#alone = source.#alone;
      this.#tokens = source.#tokens.slice();
      this.#length = source.#length;
      this.#fragment = source.#fragment.slice();
      this.#fragmentLength = source.#fragmentLength;
      this.#fragmentStart = source.#fragmentStart;
      this.#encoded = source.#encoded;
      this.#isContinuation = source.#isContinuation;
      this.#canonical = source.#canonical;
      return;
    }
    const { vocabulary, literals = [] } = encoder;
    this.#literals = new Set(literals);
    this.#alone = new PieceEncoder(encoder);
    const cuts = new TextCuts(vocabulary, literals);
    if (cuts.areKnown && CUT_TRIALS.every((text) => this.#cutsHold(cuts, text))) this.#cuts = cuts;
  }

  copy(): TokenTrail {
    return new TokenTrail(this.encoder, this);
  }

  get length(): number {
    return this.#length;
  }

  /** The tokens as they should stand in the cache; a view. */
  get tokens(): Int32Array {
    return this.#tokens.subarray(0, this.#length);
  }

  /** Whether text feedback keeps the list canonical for this prompt. */
  get isCanonical(): boolean {
    return this.#canonical;
  }

  /** Whether a step's cost does not grow with the text. */
  get usesCuts(): boolean {
    return this.#cuts !== undefined;
  }

  /** Whether the next bytes are the first ones after a special token of a vocabulary with a dummy prefix. */
  get atFragmentStart(): boolean {
    return this.encoder.vocabulary.addsSpacePrefix && this.#fragmentLength === 0 && !this.#isContinuation;
  }

  /** Errors: invalid-text. */
  begin(prompt: MemberPrompt): void {
    if (prompt.tokens !== undefined) {
      this.#replaceFrom(0, NO_TOKENS);
      this.#startFragment();
      this.#appendTokens(prompt.tokens);
      if (this.#length === 0) throw noTokens();
      return;
    }
    if (!isUtf8(prompt.text))
      throw new LlamafuseError("invalid-text", "The prompt is not UTF-8. Convert the text to UTF-8 first.");
    const tokens = this.encoder.encode(prompt.text, prompt);
    if (tokens.length === 0) throw noTokens();
    let start = tokens.length;
    while (start > 0 && !this.#endsFragment(tokens[start - 1])) start--;
    this.#replaceFrom(0, tokens);
    this.#length = start;
    this.#startFragment();
    this.#length = tokens.length;
    const behind = tokens.subarray(start);
    const candidates = [this.#textBehind(prompt, tokens[start - 1]), prompt.text, this.#textOf(behind)];
    const text = candidates.find((candidate) => sameTokens(this.#encodeStart(candidate), behind));
    this.#canonical = text !== undefined;
    this.#appendBytes(text ?? candidates[2]);
    this.#encoded = this.#fragmentLength;
  }

  append(feedback: Exclude<Feedback, { kind: "branches" }>): void {
    if (feedback.kind === "tokens") this.#appendTokens(feedback.ids);
    else if (feedback.kind === "text" && this.#canonical) this.#appendText(feedback.bytes);
    else {
      const ids = this.encodeNext(feedback.bytes);
      this.#appendBytes(feedback.bytes);
      this.#replaceFrom(this.#length, ids);
    }
  }

  /** The tokens of a piece as the text to come, none of those before it being changed. */
  encodeNext(bytes: Uint8Array): Int32Array {
    return this.atFragmentStart && isUtf8(bytes) ? this.#encodeStart(bytes) : this.#alone.encode(bytes);
  }

  /** The index of the token that begins so many bytes before the end of the text, or -1 if none does. */
  tokenBefore(bytes: number): number {
    const position = this.#fragmentLength - bytes;
    if (position < 0) return -1;
    return position === 0 ? this.#fragmentStart : this.#tokenAt(position, this.#fragmentLength);
  }

  #appendText(bytes: Uint8Array): void {
    let covered = this.#fragmentLength;
    this.#appendBytes(bytes);
    while (true) {
      const { end, invalid } = scanUtf8(this.#fragment, this.#encoded, this.#fragmentLength);
      const stop = invalid > 0 ? end + invalid : this.#fragmentLength;
      this.#encodeAgain(end, stop, covered);
      if (invalid === 0) return;
      const rest = this.#fragment.slice(stop, this.#fragmentLength);
      this.#startFragment(true);
      this.#appendBytes(rest);
      covered = 0;
    }
  }

  /**
   * Make the list stand for the fragment up to `stop`: canonical up to `end`, by longest match behind it. `covered`: the
   * bytes of the fragment that the list stands for now.
   */
  #encodeAgain(end: number, stop: number, covered: number): void {
    const text = this.#fragment;
    let cut = this.#cuts?.last(text, this.#encoded) ?? 0;
    let index = cut === 0 ? -1 : this.#tokenAt(cut, covered);
    let ids = index < 0 ? undefined : this.#encodeFromCut(text.subarray(cut, end));
    if (ids === undefined) {
      cut = 0;
      index = this.#fragmentStart;
      ids = this.#encodeStart(text.subarray(0, end));
    }
    const tail = this.#alone.longestMatch(text.subarray(end, stop));
    this.#replaceFrom(index, tail.length === 0 ? ids : Int32Array.from([...ids, ...tail]));
    this.#encoded = end;
  }

  /** Encode text that begins the fragment. */
  #encodeStart(text: Uint8Array): Int32Array {
    if (text.length === 0) return NO_TOKENS;
    if (this.#isContinuation && this.encoder.vocabulary.addsSpacePrefix) {
      const ids = this.#encodeFromCut(text);
      if (ids !== undefined) return ids;
    }
    return this.encoder.encode(text, PLAIN);
  }

  /** Encode text from a cut on; undefined where this tokenizer cannot do it without what stands before. */
  #encodeFromCut(text: Uint8Array): Int32Array | undefined {
    if (!this.encoder.vocabulary.addsSpacePrefix) return this.encoder.encode(text, PLAIN);
    // The text's own leading space plays the part of the dummy prefix.
    if (text[0] === SPACE && text.length > 1 && text[1] !== SPACE) return this.encoder.encode(text.subarray(1), PLAIN);
    return this.#alone.encodeBehindProbe(text);
  }

  /**
   * The index of the token that starts at this byte of the fragment, or -1 if none does, or if a token's bytes are not
   * those of the text (▁ in SentencePiece). `end`: the bytes that the list stands for.
   */
  #tokenAt(position: number, end: number): number {
    const { bytes, offsets } = this.encoder.vocabulary.data;
    let at = end;
    for (let index = this.#length; index > this.#fragmentStart; index--) {
      if (at === position) return index;
      const id = this.#tokens[index - 1];
      const start = at - (offsets[id + 1] - offsets[id]);
      if (start < position) return -1;
      for (let byte = offsets[id + 1], place = at; place > start; )
        if (bytes[--byte] !== this.#fragment[--place]) return -1;
      at = start;
    }
    return -1;
  }

  #cutsHold(cuts: TextCuts, text: Uint8Array): boolean {
    const whole = this.#encodeStart(text);
    for (let known = 2, before = 0; known <= text.length; known++) {
      const cut = cuts.last(text.subarray(0, known), known);
      if (cut === before) continue;
      before = cut;
      const behind = this.#encodeFromCut(text.subarray(cut));
      if (behind === undefined || !sameTokens(behind, whole.subarray(whole.length - behind.length))) return false;
    }
    return true;
  }

  #appendTokens(ids: readonly number[]): void {
    const { vocabulary } = this.encoder;
    const bad = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabulary.size));
    if (bad !== undefined) {
      throw new LlamafuseError(
        "invalid-option",
        `Token id ${bad} is outside this vocabulary (0 … ${vocabulary.size - 1}).`,
        { found: bad, allowed: vocabulary.size - 1 },
      );
    }
    for (const id of ids) {
      const bytes = vocabulary.bytesOf(id);
      const text = this.atFragmentStart ? textAtFragmentStart(bytes) : bytes;
      this.#replaceFrom(this.#length, Int32Array.of(id));
      if (this.#endsFragment(id)) this.#startFragment();
      else this.#appendBytes(text);
    }
  }

  /** Whether the tokenizer starts afresh behind this token: a special one, or one before whose successor it puts a space. */
  #endsFragment(id: number): boolean {
    const { vocabulary } = this.encoder;
    return vocabulary.classOf(id) !== TokenClass.text || (vocabulary.addsSpacePrefix && this.#literals.has(id));
  }

  /** What comes next starts a fragment of its own. */
  #startFragment(isContinuation = false): void {
    this.#fragmentStart = this.#length;
    this.#fragmentLength = 0;
    this.#encoded = 0;
    this.#isContinuation = isContinuation;
    this.#canonical = true;
  }

  /** The prompt's text behind the place where this token is written. */
  #textBehind(prompt: MemberPrompt, special: number | undefined): Uint8Array {
    const written = special === undefined ? "" : this.encoder.vocabulary.textOf(special);
    const text = Buffer.from(prompt.text);
    let at = written === "" ? -1 : text.lastIndexOf(written);
    while (at > 0 && isLetters(prompt, at)) at = text.lastIndexOf(written, at - 1);
    return at < 0 ? prompt.text : prompt.text.subarray(at + Buffer.byteLength(written));
  }

  /** The text of tokens that begin a fragment. */
  #textOf(ids: Int32Array): Uint8Array {
    const { vocabulary } = this.encoder;
    const bytes = Buffer.concat(Array.from(ids, (id) => vocabulary.bytesOf(id)));
    return vocabulary.addsSpacePrefix && bytes[0] === SPACE ? bytes.subarray(1) : bytes;
  }

  #appendBytes(bytes: Uint8Array): void {
    if (this.#fragmentLength + bytes.length > this.#fragment.length) {
      const larger = new Uint8Array(2 * (this.#fragmentLength + bytes.length));
      larger.set(this.#fragment.subarray(0, this.#fragmentLength));
      this.#fragment = larger;
    }
    this.#fragment.set(bytes, this.#fragmentLength);
    this.#fragmentLength += bytes.length;
  }

  /** Make the list end with these tokens from `index` on. */
  #replaceFrom(index: number, ids: Int32Array): void {
    const length = index + ids.length;
    if (length > this.#tokens.length) {
      const larger = new Int32Array(2 * length);
      larger.set(this.#tokens.subarray(0, this.#length));
      this.#tokens = larger;
    }
    this.#tokens.set(ids, index);
    this.#length = length;
  }
}

/** Whether what stands at this byte is letters, whatever it spells. */
function isLetters({ letters = [] }: MemberPrompt, at: number): boolean {
  return letters.findLastIndex((border) => border <= at) % 2 === 0;
}

function noTokens(): LlamafuseError {
  return new LlamafuseError("invalid-text", "The prompt has no tokens. Give it at least one character.", { found: 0 });
}
