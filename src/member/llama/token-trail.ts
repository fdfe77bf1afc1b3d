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
 * Only the text behind the last place where no token can cross is encoded again (see TextCuts) or, where there has been none
 * for long, behind one where the tokens so far come out again (see ResumePlaces). So a step costs the same however long the
 * text has grown.
 */
import { LlamafuseError } from "../../errors.js";
import { isUtf8, scanUtf8 } from "../../vocabulary/utf8.js";
import { TokenClass, textAtFragmentStart } from "../../vocabulary/vocabulary.js";
import type { Feedback, MemberPrompt } from "../member.js";
import { Fragment } from "./fragment.js";
import { type Encoder, PieceEncoder, PLAIN, sameTokens } from "./piece-encoder.js";
import { textBehind } from "./prompt-text.js";
import { RESUME_TRIALS } from "./resume-places.js";
import { type Standing, TailEncoder } from "./tail-encoder.js";
import { TokenList } from "./token-list.js";

const SPACE = 0x20;
const NO_TOKENS = new Int32Array(0);

export class TokenTrail {
  readonly #list = new TokenList();
  #fragment = new Fragment(0);
  /** Whether the fragment's encoding reproduces the prompt's tokens; if not, text feedback only appends. */
  #canonical = true;
  readonly #tail: TailEncoder;
  readonly #literals: ReadonlySet<number>;
  readonly #alone: PieceEncoder;

  constructor(private readonly encoder: Encoder) {
    this.#literals = new Set(encoder.literals);
    this.#alone = new PieceEncoder(encoder);
    this.#tail = new TailEncoder(encoder, this.#alone);
    if (this.#tail.usesPlaces && !RESUME_TRIALS.every((text) => this.#resumesWell(text))) this.#tail.resumeNowhere();
    this.#clear();
  }

  /** Do something with this trail, then have it as it was. What is appended meanwhile costs what it costs, the text nothing. */
  aside<T>(work: () => T): T {
    const before = this.#fragment;
    const canonical = this.#canonical;
    this.#fragment = before.branch();
    try {
      return this.#list.aside(work);
    } finally {
      this.#fragment = before;
      this.#canonical = canonical;
    }
  }

  get length(): number {
    return this.#list.length;
  }

  /** The tokens as they should stand in the cache; a view. */
  get tokens(): Int32Array {
    return this.#list.tokens;
  }

  /** Within `aside`: how many leading tokens are as they were before. */
  get untried(): number {
    return this.#list.untried;
  }

  /** How many leading tokens are as they were when this was asked last. */
  takeUnchanged(): number {
    return this.#list.takeUnchanged();
  }

  /** Whether text feedback keeps the list canonical for this prompt. */
  get isCanonical(): boolean {
    return this.#canonical;
  }

  get usesCuts(): boolean {
    return this.#tail.usesCuts;
  }

  get usesPlaces(): boolean {
    return this.#tail.usesPlaces;
  }

  /** Whether the next bytes are the first ones after a special token of a vocabulary with a dummy prefix. */
  get atFragmentStart(): boolean {
    const { length, isContinuation } = this.#fragment;
    return this.encoder.vocabulary.addsSpacePrefix && length === 0 && !isContinuation;
  }

  /** Errors: invalid-text. */
  begin(prompt: MemberPrompt): void {
    if (prompt.tokens !== undefined) {
      this.#clear();
      this.#appendTokens(prompt.tokens);
      if (this.length === 0) throw noTokens();
      return;
    }
    if (!isUtf8(prompt.text))
      throw new LlamafuseError("invalid-text", "The prompt is not UTF-8. Convert the text to UTF-8 first.");
    const tokens = this.encoder.encode(prompt.text, prompt);
    if (tokens.length === 0) throw noTokens();
    let start = tokens.length;
    while (start > 0 && !this.#endsFragment(tokens[start - 1])) start--;
    this.#list.replaceFrom(0, tokens);
    this.#startFragment(start);
    const behind = tokens.subarray(start);
    const candidates = [textBehind(prompt, this.#writtenAs(tokens[start - 1])), prompt.text, this.#textOf(behind)];
    const text = candidates.find((candidate) => sameTokens(this.#encodeStart(candidate), behind));
    this.#canonical = text !== undefined;
    this.#fragment.append(text ?? candidates[2]);
    this.#fragment.encoded = this.#fragment.length;
  }

  append(feedback: Exclude<Feedback, { kind: "branches" }>): void {
    if (feedback.kind === "tokens") this.#appendTokens(feedback.ids);
    else if (feedback.kind === "text" && this.#canonical) this.#appendText(feedback.bytes);
    else {
      const ids = this.encodeNext(feedback.bytes);
      this.#fragment.append(feedback.bytes);
      this.#list.replaceFrom(this.length, ids);
    }
  }

  /** The tokens of a piece as the text to come, none of those before it being changed. */
  encodeNext(bytes: Uint8Array): Int32Array {
    return this.atFragmentStart && isUtf8(bytes) ? this.#encodeStart(bytes) : this.#alone.encode(bytes);
  }

  /** The index of the token that begins so many bytes before the end of the text, or -1 if none does. */
  tokenBefore(bytes: number): number {
    const { length, start } = this.#fragment;
    const position = length - bytes;
    if (position < 0) return -1;
    return position === 0 ? start : this.#tail.tokenAt(this.#standing(length), position);
  }

  #appendText(bytes: Uint8Array): void {
    let covered = this.#fragment.length;
    this.#fragment.append(bytes);
    while (true) {
      const { bytes: text, length, encoded } = this.#fragment;
      const { end, invalid } = scanUtf8(text, encoded, length);
      const stop = invalid > 0 ? end + invalid : length;
      this.#encodeAgain(end, stop, covered);
      if (invalid === 0) return;
      const rest = text.slice(stop, length);
      this.#startFragment(this.length, true);
      this.#fragment.append(rest);
      covered = 0;
    }
  }

  /**
   * Make the list stand for the fragment up to `stop`: canonical up to `end`, by longest match behind it. `covered`: the
   * bytes of the fragment that the list stands for now.
   */
  #encodeAgain(end: number, stop: number, covered: number): void {
    const { bytes: text, start } = this.#fragment;
    const found = this.#tail.encode(this.#standing(covered), end);
    const { index, ids } = found ?? { index: start, ids: this.#encodeStart(text.subarray(0, end)) };
    const tail = this.#alone.longestMatch(text.subarray(end, stop));
    this.#list.replaceFrom(index, tail.length === 0 ? ids : Int32Array.from([...ids, ...tail]));
    this.#fragment.encoded = end;
  }

  #standing(covered: number): Standing {
    return { list: this.#list, fragment: this.#fragment, covered };
  }

  /** Encode text that begins the fragment. */
  #encodeStart(text: Uint8Array): Int32Array {
    if (text.length === 0) return NO_TOKENS;
    if (this.#fragment.isContinuation && this.encoder.vocabulary.addsSpacePrefix) {
      const ids = this.#alone.encodeInside(text);
      if (ids !== undefined) return ids;
    }
    return this.encoder.encode(text, PLAIN);
  }

  /** Whether a text that comes bit by bit has its own tokens. */
  #resumesWell(text: string): boolean {
    this.#clear();
    return (text.match(/.{1,5}/gu) ?? []).every((part) => {
      this.#appendText(Buffer.from(part));
      const { bytes, length } = this.#fragment;
      return sameTokens(this.#encodeStart(bytes.subarray(0, length)), this.tokens);
    });
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
      this.#list.replaceFrom(this.length, Int32Array.of(id));
      if (this.#endsFragment(id)) this.#startFragment();
      else this.#fragment.append(text);
    }
  }

  /** Whether the tokenizer starts afresh behind this token: a special one, or one before whose successor it puts a space. */
  #endsFragment(id: number): boolean {
    const { vocabulary } = this.encoder;
    return vocabulary.classOf(id) !== TokenClass.text || (vocabulary.addsSpacePrefix && this.#literals.has(id));
  }

  #clear(): void {
    this.#list.replaceFrom(0, NO_TOKENS);
    this.#startFragment();
  }

  /** What comes next, from this index of the list on, is a fragment of its own. */
  #startFragment(start = this.length, isContinuation = false): void {
    this.#fragment = new Fragment(start, isContinuation);
    this.#canonical = true;
  }

  #writtenAs(special: number | undefined): string {
    return special === undefined ? "" : this.encoder.vocabulary.textOf(special);
  }

  /** The text of tokens that begin a fragment. */
  #textOf(ids: Int32Array): Uint8Array {
    const { vocabulary } = this.encoder;
    const bytes = Buffer.concat(Array.from(ids, (id) => vocabulary.bytesOf(id)));
    return vocabulary.addsSpacePrefix && bytes[0] === SPACE ? bytes.subarray(1) : bytes;
  }
}

function noTokens(): LlamafuseError {
  return new LlamafuseError("invalid-text", "The prompt has no tokens. Give it at least one character.", { found: 0 });
}
