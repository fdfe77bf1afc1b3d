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
import { RESUME_TRIALS, ResumePlaces } from "./resume-places.js";
import { CUT_TRIALS, TextCuts } from "./text-cuts.js";
import { TokenList } from "./token-list.js";

const SPACE = 0x20;
const NO_TOKENS = new Int32Array(0);
/** A cut is looked for in so many bytes before the text's end, and farther back only where no place is found. */
const NEAR = 256;
/** Bytes behind a place that have tokens already: this many, or four times as many where their tokens have changed. */
const LEAST_OVERLAP = 32;
const MOST_OVERLAP = 2048;
/** Tokens that must come out again. One is enough by the rule; the others are for what we do not know of a tokenizer. */
const SAME_TOKENS = 3;

/** Tokens of the text up to some byte, from this index of the list on. */
interface Found {
  index: number;
  ids: Int32Array;
}

export class TokenTrail {
  readonly #list = new TokenList();
  #fragment = new Fragment(0);
  /** Whether the fragment's encoding reproduces the prompt's tokens; if not, text feedback only appends. */
  #canonical = true;
  readonly #cuts: TextCuts | undefined;
  readonly #places: ResumePlaces | undefined;
  readonly #literals: ReadonlySet<number>;
  /** Bytes that a resumed text shares with the text so far, at least: no literal reaches across them. */
  readonly #overlap: number;
  readonly #alone: PieceEncoder;

  constructor(private readonly encoder: Encoder) {
    const { vocabulary, literals = [] } = encoder;
    this.#literals = new Set(literals);
    this.#overlap = literals.reduce((most, id) => Math.max(most, vocabulary.bytesOf(id).length), LEAST_OVERLAP);
    this.#alone = new PieceEncoder(encoder);
    const cuts = new TextCuts(vocabulary, literals);
    if (cuts.areKnown && CUT_TRIALS.every((text) => cuts.holdIn(text, this.#alone))) this.#cuts = cuts;
    const places = new ResumePlaces(vocabulary);
    if (!places.areKnown) return;
    this.#places = places;
    if (!RESUME_TRIALS.every((text) => this.#resumesWell(text))) this.#places = undefined;
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

  /** How many leading tokens are as they were when this was asked last. */
  takeUnchanged(): number {
    return this.#list.takeUnchanged();
  }

  /** Whether text feedback keeps the list canonical for this prompt. */
  get isCanonical(): boolean {
    return this.#canonical;
  }

  get usesCuts(): boolean {
    return this.#cuts !== undefined;
  }

  get usesPlaces(): boolean {
    return this.#places !== undefined;
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
    return position === 0 ? start : this.#tokenAt(position, length);
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
    const { bytes: text, start, encoded } = this.#fragment;
    const { index, ids } = this.#behindCut(end, covered, encoded - NEAR) ??
      this.#resumed(end, covered) ??
      this.#behindCut(end, covered) ?? { index: start, ids: this.#encodeStart(text.subarray(0, end)) };
    const tail = this.#alone.longestMatch(text.subarray(end, stop));
    this.#list.replaceFrom(index, tail.length === 0 ? ids : Int32Array.from([...ids, ...tail]));
    this.#fragment.encoded = end;
  }

  /** The tokens behind the last cut that lies at this byte or behind it. */
  #behindCut(end: number, covered: number, least = 1): Found | undefined {
    const { bytes: text, encoded } = this.#fragment;
    const cut = this.#cuts?.last(text, encoded, least) ?? 0;
    const index = cut === 0 ? -1 : this.#tokenAt(cut, covered);
    const ids = index < 0 ? undefined : this.#alone.encodeInside(text.subarray(cut, end));
    return ids && { index, ids };
  }

  /** The tokens from a place on where those that stand there come out again (see ResumePlaces). */
  #resumed(end: number, covered: number): Found | undefined {
    const { bytes: text, encoded, digits } = this.#fragment;
    if (this.#places === undefined) return undefined;
    let overlap = this.#overlap;
    let kept = 0;
    for (const { index, at } of this.#tokensBackwards(covered)) {
      if (encoded - at > MOST_OVERLAP || this.#literals.has(this.#list.at(index))) return undefined;
      if (at < encoded) kept++;
      if (kept <= SAME_TOKENS || encoded - at < overlap || !this.#places.has(text, at, end, digits)) continue;
      const ids = this.#alone.encodeInside(text.subarray(at, end));
      if (ids === undefined || ids.some((id) => this.#literals.has(id))) return undefined;
      if (this.#agrees(index, ids)) return { index, ids };
      overlap *= 4;
    }
    return undefined;
  }

  /** Whether the list has the first of these tokens from this index on. */
  #agrees(index: number, ids: Int32Array): boolean {
    for (let place = 0; place < SAME_TOKENS; place++)
      if (place >= ids.length || this.#list.at(index + place) !== ids[place]) return false;
    return true;
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

  /**
   * The index of the token that starts at this byte of the fragment, or -1 if none does, or if a token's bytes are not
   * those of the text (▁ in SentencePiece). `end`: the bytes that the list stands for.
   */
  #tokenAt(position: number, end: number): number {
    if (position === end) return this.length;
    for (const { index, at } of this.#tokensBackwards(end)) if (at <= position) return at === position ? index : -1;
    return -1;
  }

  /** The fragment's tokens from the last one on, with the bytes where they begin; as far as their bytes are the text's. */
  *#tokensBackwards(end: number): Generator<{ index: number; at: number }> {
    const { bytes, offsets } = this.encoder.vocabulary.data;
    const { bytes: text, start } = this.#fragment;
    let at = end;
    for (let index = this.length - 1; index >= start; index--) {
      const id = this.#list.at(index);
      for (let byte = offsets[id + 1]; byte > offsets[id]; ) if (bytes[--byte] !== text[--at]) return;
      yield { index, at };
    }
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
