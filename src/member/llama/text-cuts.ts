/**
 * Places in a text where tokenisation can start afresh: the tokens of what stands before such a place do not change
 * whatever follows, and those of what stands behind it are the same whether or not the rest is there. They are
 *
 *   1. before a single space between two visible characters        `word| next`, `1,| 2`
 *   2. behind a line break and before a visible character          `end.\n|Next`
 *   3. before a full-width punctuation mark behind a CJK letter    `天气|，今天`
 *
 * wherever no token of the vocabulary reaches across. Why that is enough: tokens are built by merging, and a merge makes
 * a token (or a part of one), so where no token reaches across, the two sides are merged independently of each other.
 * And the pre-tokenizers of llama.cpp (src/llama-vocab.cpp, release v0.4.0) read from left to right without looking
 * back, end a match at all three places or match the same when they start there, and look ahead one character beyond
 * white space only, which is known when the place is used. Rules that do not suit a tokenizer switch themselves off:
 * 1 for SuperBPE-like vocabularies, whose tokens hold several words, all for tokenizers that are neither SPM nor BPE.
 */
import type { Vocabulary } from "../../vocabulary/vocabulary.js";
import { type PieceEncoder, sameTokens } from "./piece-encoder.js";

const SPACE = 0x20;
const NEWLINE = 0x0a;
const CJK_MARKS = ["。", "、", "，", "！", "？", "：", "；"].map((mark) => Buffer.from(mark));
const CJK_MARK_LENGTH = 3;
/** Not white space, not a control or format character, and not ▁, which SentencePiece takes for a space. */
const VISIBLE = /^[^\s\p{C}\u2581]$/u;
const CJK_LETTER = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]$/u;

/** Texts whose encoding must split where TextCuts cuts; a tokenizer that fails one is always asked for the whole text. */
export const CUT_TRIALS = [
  "one two three, it is 3 o'clock and a half; don't won't I'll go",
  "aa bb  cc\ndd ee\n\nff\n gg\r\nhh 1 22 333 4444 a1 b2",
  '{"a": 1, "b": [2, 3.5], "c": "d e"}\n# x = y + 1;\n/* z */ f (x)',
  "été à la mer, Привет мир, שלום עולם, 안녕 세계 là một",
  "今天天气，很好。我们、去？好！：；\n明日はカタカナ。「引用」です",
].map((text) => Buffer.from(text));

export class TextCuts {
  /** Whether a space may not follow this byte at a cut: some token holds the two, or ends so and is cut out first. */
  readonly #joinsSpace = new Uint8Array(256);
  /** The same for full-width marks. */
  readonly #joinsMark = new Uint8Array(256);
  /** Whether a cut may not stand before a space and this byte. */
  readonly #startsLiteral = new Uint8Array(256);
  #joinsLines: boolean;
  /** Whether tokenizers of this kind can be cut at all. */
  readonly areKnown: boolean;

  /** `literals`: tokens that stand for their text wherever it occurs (see LlamaTokenizer.literals). */
  constructor(vocabulary: Vocabulary, literals: readonly number[] = []) {
    this.areKnown = vocabulary.kind === "spm" || vocabulary.kind === "bpe";
    this.#joinsLines = !this.areKnown;
    if (!this.areKnown) {
      this.#joinsSpace.fill(1);
      this.#joinsMark.fill(1);
      return;
    }
    this.#readTokens(vocabulary.data.bytes, vocabulary.data.offsets);
    for (const id of literals) this.#readLiteral(vocabulary.bytesOf(id), vocabulary.addsSpacePrefix);
  }

  /**
   * The last cut that is decided by the bytes before `known`, all of them whole characters; 0 if there is none. `least`: cuts
   * before this byte are not looked for.
   */
  last(text: Uint8Array, known: number, least = 1): number {
    for (let at = known - 2; at >= Math.max(1, least); at--) {
      const byte = text[at];
      if (byte === SPACE) {
        if (this.#cutsBeforeSpace(text, at, known)) return at;
      } else if (byte === NEWLINE) {
        if (!this.#joinsLines && isVisible(text, at + 1, known)) return at + 1;
      } else if (byte === 0xe3 || byte === 0xef) {
        if (this.#cutsBeforeMark(text, at, known)) return at;
      }
    }
    return 0;
  }

  /** Whether each cut of this text is one for the tokenizer. */
  holdIn(text: Uint8Array, encoder: PieceEncoder): boolean {
    const whole = encoder.encodeWhole(text);
    for (let known = 2, before = 0; known <= text.length; known++) {
      const cut = this.last(text.subarray(0, known), known);
      if (cut === before) continue;
      before = cut;
      const behind = encoder.encodeInside(text.subarray(cut));
      if (behind === undefined || !sameTokens(behind, whole.subarray(whole.length - behind.length))) return false;
    }
    return true;
  }

  #cutsBeforeSpace(text: Uint8Array, at: number, known: number): boolean {
    if (this.#joinsSpace[text[at - 1]] || this.#startsLiteral[text[at + 1]]) return false;
    return isVisible(text, at + 1, known) && isVisible(text, characterBefore(text, at), at);
  }

  #cutsBeforeMark(text: Uint8Array, at: number, known: number): boolean {
    if (this.#joinsMark[text[at - 1]] || !CJK_MARKS.some((mark) => matches(text, at, mark))) return false;
    if (!isVisible(text, at + CJK_MARK_LENGTH, known)) return false;
    const letter = characterBefore(text, at);
    return CJK_LETTER.test(characterAt(text, letter, at));
  }

  #readTokens(bytes: Uint8Array, offsets: Uint32Array): void {
    for (let id = 0; id < offsets.length - 1; id++) {
      const end = offsets[id + 1];
      for (let at = offsets[id] + 1; at < end; at++) {
        const byte = bytes[at];
        if (byte === SPACE) this.#joinsSpace[bytes[at - 1]] = 1;
        else if (bytes[at - 1] === NEWLINE && byte > SPACE) this.#joinsLines = true;
        else if (
          (byte === 0xe3 || byte === 0xef) &&
          CJK_MARKS.some((mark) => matches(bytes.subarray(at, end), 0, mark))
        )
          this.#joinsMark[bytes[at - 1]] = 1;
      }
    }
  }

  /** What is cut out of the text first may strip spaces behind it, and is followed by SentencePiece's own space. */
  #readLiteral(literal: Uint8Array, addsSpacePrefix: boolean): void {
    const last = literal[literal.length - 1];
    this.#joinsSpace[last] = 1;
    this.#joinsMark[last] = 1;
    if (last === NEWLINE) this.#joinsLines = true;
    if (!addsSpacePrefix) return;
    this.#startsLiteral[literal[0]] = 1;
    if (literal[0] === SPACE) this.#joinsSpace.fill(1);
  }
}

/** Whether the mark stands at this place, or begins there where the bytes end. */
function matches(bytes: Uint8Array, at: number, mark: Uint8Array): boolean {
  for (let place = 0; place < mark.length && at + place < bytes.length; place++) {
    if (bytes[at + place] !== mark[place]) return false;
  }
  return true;
}

/** Where the character that ends before `end` begins. */
export function characterBefore(text: Uint8Array, end: number): number {
  let at = end - 1;
  while (at > 0 && (text[at] & 0xc0) === 0x80) at--;
  return at;
}

/** The character that begins here; "" where the text ends within it. */
export function characterAt(text: Uint8Array, at: number, end: number): string {
  const lead = text[at];
  const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return at + size > end ? "" : Buffer.from(text.buffer, text.byteOffset + at, size).toString("utf8");
}

/** Whether a whole visible character stands at this place. */
function isVisible(text: Uint8Array, at: number, end: number): boolean {
  if (at < end && text[at] < 0x7f) return text[at] > SPACE;
  return VISIBLE.test(characterAt(text, at, end));
}
