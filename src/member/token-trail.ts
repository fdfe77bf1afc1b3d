/**
 * What a member has been told, as its own tokens: feedback in, the shortest change of its token list out.
 *
 * Text feedback is canonical: after every append the list equals the tokenizer's own encoding of the text since the
 * last special token of the prompt, behind the prompt's tokens up to there. Two things are ours, not the tokenizer's:
 * - Bytes at the end that do not yet make a whole UTF-8 character are encoded by longest match over the vocabulary's
 *   byte strings, until the character is complete and takes its canonical form.
 * - Where the prompt ends right after a special token and the vocabulary puts a space before the first word, that
 *   space is the tokenizer's: the text "Hello" becomes the token "▁Hello".
 *
 * Only the text behind the last place where no token can cross is encoded again (see `safeCut`), so a step costs the
 * same however long the text has grown.
 */
import { LlamafuseError } from "../errors.js";
import { byteKey, TokenClass, type Vocabulary } from "../vocabulary/vocabulary.js";
import type { Feedback, MemberPrompt } from "./member.js";

export interface Encoder {
  readonly vocabulary: Vocabulary;
  encode(text: Uint8Array, options: { parseSpecial: boolean; addBos: boolean }): Int32Array;
}

const SPACE = 0x20;
/** Isolated encoding stands a piece behind this text, so that no dummy prefix is put before it. */
const PROBES = [Buffer.from("\n"), Buffer.from(";"), Buffer.from("a")];
/** Texts whose encoding must split where `safeCut` cuts; a tokenizer that fails one is always asked for the whole text. */
const CUT_TRIALS = ["one two", "The cat's hat is on", "x y", "it is 3 o'clock and a half", "aa bb  cc\ndd ee", "don't won't I'll go", "été à la mer"];

export class TokenTrail {
  #tokens = new Int32Array(256);
  #length = 0;
  /** Tokens before this index are as they were when `settle` was called last. */
  #unchanged = 0;
  /** Text since the last special token, UTF-8 but for its end. */
  #fragment: Uint8Array = new Uint8Array(1024);
  #fragmentLength = 0;
  /** Index of the fragment's first token. */
  #fragmentStart = 0;
  /** Whether the fragment's encoding reproduces the prompt's tokens; if not, text feedback only appends. */
  #canonical = true;
  readonly #cutsAreSafe: boolean;
  readonly #pieces = new Map<string, Int32Array>();

  constructor(private readonly encoder: Encoder) {
    this.#cutsAreSafe = noTokenCrossesWords(encoder.vocabulary) && CUT_TRIALS.every((text) => this.#cutHolds(Buffer.from(text)));
  }

  get length(): number {
    return this.#length;
  }

  /** The tokens as they should stand in the cache; a view. */
  get tokens(): Int32Array {
    return this.#tokens.subarray(0, this.#length);
  }

  /** The first index whose token changed since the last `settle`. */
  get firstChanged(): number {
    return this.#unchanged;
  }

  /** Whether text feedback keeps the list canonical for this prompt. */
  get isCanonical(): boolean {
    return this.#canonical;
  }

  /** Whether the next bytes are the first ones after a special token of a vocabulary with a dummy prefix. */
  get atFragmentStart(): boolean {
    return this.encoder.vocabulary.addsSpacePrefix && this.#fragmentLength === 0;
  }

  /** The cache now equals the list. */
  settle(): void {
    this.#unchanged = this.#length;
  }

  /** The cache no longer holds tokens from this index on. */
  invalidateFrom(index: number): void {
    this.#unchanged = Math.min(this.#unchanged, index);
  }

  begin(prompt: MemberPrompt): void {
    const { vocabulary } = this.encoder;
    const tokens = this.encoder.encode(prompt.text, { parseSpecial: prompt.parseSpecial, addBos: prompt.addBos });
    if (tokens.length === 0) throw new LlamafuseError("invalid-text", "The prompt has no tokens. Give it at least one character.", { found: 0 });
    this.#replaceFrom(0, tokens);
    let start = tokens.length;
    while (start > 0 && vocabulary.classOf(tokens[start - 1]) === TokenClass.text) start--;
    this.#fragmentStart = start;
    this.#fragmentLength = 0;
    const bytes = concatenate(vocabulary, tokens.subarray(start));
    // The tokens' bytes begin with the dummy prefix where there is one; it is not text.
    this.#appendBytes(vocabulary.addsSpacePrefix && bytes[0] === SPACE ? bytes.subarray(1) : bytes);
    const again = this.#encodeText(this.#fragment.subarray(0, this.#fragmentLength), true);
    this.#canonical = again.length === tokens.length - start && again.every((id, index) => id === tokens[start + index]);
  }

  append(feedback: Feedback): void {
    if (feedback.kind === "text" && this.#canonical) return this.#appendText(feedback.bytes);
    const ids = feedback.kind === "tokens" ? Int32Array.from(feedback.ids) : this.encodePiece(feedback.bytes);
    this.#checkIds(ids);
    this.#appendBytes(feedback.kind === "tokens" ? concatenate(this.encoder.vocabulary, ids) : feedback.bytes);
    this.#replaceFrom(this.#length, ids);
  }

  /**
   * The tokens of a piece on its own, without dummy prefix: what the tokenizer adds for it behind a probe text whose
   * own tokens do not change (GaC's rule, with bytes). Bytes that are no whole characters take the longest match.
   */
  encodePiece(bytes: Uint8Array): Int32Array {
    const key = byteKey(bytes);
    let ids = this.#pieces.get(key);
    if (ids === undefined) {
      ids = this.#encodeInIsolation(bytes);
      this.#pieces.set(key, ids);
    }
    return ids;
  }

  /** Encode a text from its beginning, as the tokenizer alone would. */
  encodeWhole(text: Uint8Array): Int32Array {
    return this.#encodeText(text, true);
  }

  #encodeInIsolation(bytes: Uint8Array): Int32Array {
    if (incompleteTail(bytes) > 0 || isContinuation(bytes[0])) return this.#longestMatch(bytes);
    const options = { parseSpecial: false, addBos: false };
    for (const probe of PROBES) {
      const alone = this.encoder.encode(probe, options);
      const together = this.encoder.encode(Buffer.concat([probe, bytes]), options);
      if (together.length > alone.length && alone.every((id, index) => id === together[index])) return together.slice(alone.length);
    }
    return this.encoder.encode(bytes, options);
  }

  #appendText(bytes: Uint8Array): void {
    const before = this.#fragmentLength;
    this.#appendBytes(bytes);
    const complete = this.#fragmentLength - incompleteTail(this.#fragment.subarray(0, this.#fragmentLength));
    let limit = before;
    while (true) {
      const cut = this.#cutsAreSafe ? this.#safeCut(limit) : 0;
      const index = cut === 0 ? this.#fragmentStart : this.#tokenAt(cut, before);
      if (index < 0) {
        limit = cut;
        continue;
      }
      this.#replaceFrom(index, this.#encodeText(this.#fragment.subarray(cut, complete), cut === 0));
      break;
    }
    if (complete < this.#fragmentLength) this.#replaceFrom(this.#length, this.#longestMatch(this.#fragment.subarray(complete, this.#fragmentLength)));
  }

  /** Encode complete text that begins a fragment, or that begins with a space in the middle of one. */
  #encodeText(text: Uint8Array, isStart: boolean): Int32Array {
    if (text.length === 0) return new Int32Array(0);
    // In the middle, the text's own leading space plays the part of the dummy prefix.
    const body = !isStart && this.encoder.vocabulary.addsSpacePrefix ? text.subarray(1) : text;
    return this.encoder.encode(body, { parseSpecial: false, addBos: false });
  }

  /**
   * The last position p < limit − 1 of the fragment that lies between words: a letter before it, a space at it, a letter
   * behind it (ASCII). No token crosses it (the vocabulary has none with a space behind a letter), every pre-tokenizer
   * of llama.cpp starts a new word there, so what stands before it keeps its tokens. 0 if there is none.
   */
  #safeCut(limit: number): number {
    for (let at = limit - 2; at > 0; at--) {
      if (this.#fragment[at] === SPACE && isLetter(this.#fragment[at - 1]) && isLetter(this.#fragment[at + 1])) return at;
    }
    return 0;
  }

  /** The index of the token that starts at this byte of the fragment, or -1; `end` is the bytes that the list covers. */
  #tokenAt(position: number, end: number): number {
    const { offsets } = this.encoder.vocabulary.data;
    let at = end;
    for (let index = this.#length; index > this.#fragmentStart; index--) {
      if (at === position) return index;
      if (at < position) return -1;
      const id = this.#tokens[index - 1];
      at -= offsets[id + 1] - offsets[id];
    }
    return -1;
  }

  #cutHolds(text: Uint8Array): boolean {
    const whole = this.#encodeText(text, true);
    for (let at = text.length - 2; at > 0; at--) {
      if (text[at] !== SPACE || !isLetter(text[at - 1]) || !isLetter(text[at + 1])) continue;
      const parts = [...this.#encodeText(text.subarray(0, at), true), ...this.#encodeText(text.subarray(at), false)];
      if (parts.length !== whole.length || parts.some((id, index) => id !== whole[index])) return false;
    }
    return true;
  }

  /** Greedy longest match of byte strings; for the few bytes of an unfinished character. */
  #longestMatch(bytes: Uint8Array): Int32Array {
    const { vocabulary } = this.encoder;
    const ids: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      let end = bytes.length;
      let id = -1;
      while (end > at && (id = vocabulary.idOf(byteKey(bytes.subarray(at, end)))) < 0) end--;
      if (id < 0) {
        throw new LlamafuseError("incompatible-members", `This vocabulary has no token for the byte 0x${bytes[at].toString(16).padStart(2, "0")}, which another member chose.`, { found: bytes[at] });
      }
      ids.push(id);
      at = end;
    }
    return Int32Array.from(ids);
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

  /** Make the list end with these tokens from `index` on, remembering the first one that differs from before. */
  #replaceFrom(index: number, ids: Int32Array): void {
    let same = 0;
    while (same < ids.length && index + same < this.#length && this.#tokens[index + same] === ids[same]) same++;
    this.#unchanged = Math.min(this.#unchanged, index + same);
    const length = index + ids.length;
    if (length > this.#tokens.length) {
      const larger = new Int32Array(2 * length);
      larger.set(this.#tokens.subarray(0, this.#length));
      this.#tokens = larger;
    }
    this.#tokens.set(ids, index);
    this.#length = length;
  }

  #checkIds(ids: Int32Array): void {
    for (const id of ids) {
      if (id < 0 || id >= this.encoder.vocabulary.size) {
        throw new LlamafuseError("invalid-option", `Token id ${id} is outside this vocabulary (0 … ${this.encoder.vocabulary.size - 1}).`, { found: id, allowed: this.encoder.vocabulary.size });
      }
    }
  }
}

/** How many bytes at the end begin a UTF-8 character that is not complete: 0 to 3. */
export function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (isContinuation(byte)) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? back : 0;
  }
  return 0;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function concatenate(vocabulary: Vocabulary, ids: Int32Array): Uint8Array {
  return Buffer.concat(Array.from(ids, (id) => vocabulary.bytesOf(id)));
}

/** Whether no token has a space right behind a letter, so that none can reach from one word into the next. */
function noTokenCrossesWords(vocabulary: Vocabulary): boolean {
  const { bytes, offsets, classes } = vocabulary.data;
  for (let id = 0; id < vocabulary.size; id++) {
    if (classes[id] !== TokenClass.text) continue;
    for (let at = offsets[id] + 1; at < offsets[id + 1]; at++) if (bytes[at] === SPACE && isLetter(bytes[at - 1])) return false;
  }
  return true;
}
