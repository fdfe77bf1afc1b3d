/**
 * Places in a text from which its tokens can be found anew without what stands before: where a token begins, and the
 * tokenizer's words go on from there as they do in the whole text. They take the place of TextCuts where these are rare: in a
 * word without end, a line of base64, digits, a text without spaces.
 *
 * Why it is enough that the first tokens found from there are those that stood there before: a list of tokens is what byte
 * pair encoding makes of a text if every two neighbours are what it makes of the two alone (Vieira and others, arXiv
 * 2412.03719). The neighbours before the place are those of the text so far, those behind it come from the tokenizer, and
 * the first token behind it has both. SentencePiece merges in the same way, over the whole text.
 *
 * Byte pair encoding looks into words only, so that the text must be split into the same words from this place on. The
 * splitters of llama.cpp (src/llama-vocab.cpp, release v0.4.0) read from left to right without looking back. At these
 * places they either end a word, or are within a run of characters that goes on in the same way:
 *
 *     between ASCII letters and digits, but digits in threes from where they begin        aGVs|bG8|x
 *     between letters that no capital follows                                             天气|很好
 *     before a mark behind a letter or digit, and within a run of marks                    a|+b   ==|==
 *     before a single space, behind a line break, within a run of one kind of white space
 *
 * An apostrophe shortly before the place may make a word of its own of what follows ('s, 're), and rules it out.
 */
import type { Vocabulary } from "../../vocabulary/vocabulary.js";
import { characterAt, characterBefore } from "./text-cuts.js";

/** Texts without cuts whose tokens must be the same when they are found from such places. */
export const RESUME_TRIALS = [
  "aGVsbG8gd29ybGQhIFRoaXMgaXMgYmFzZTY0K2FuZC9tb3JlKzEyMzQ1Njc4OTA/abcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
  "3141592653589793238462643383279502884197169399375105820974944592307816406286208998628034825342117067",
  "今天天气很好我们去公园散步路上遇到了几个老朋友他们正在讨论人工智能的未来还有明天的天气会不会更好一些呢",
  "internationalisationHTTPServerCamelCaseWordsWithoutAnySpaceBetweenThemAndSomeMoreOfTheSameKindForGoodMeasure",
];

const APOSTROPHE = 0x27;
/** The longest that a splitter takes for a word of its own ("'ve") reaches so many characters beyond its apostrophe. */
const CONTRACTION = 2;
const LETTER = /^\p{L}$/u;
const CAPITAL = /[\p{Lu}\p{Lt}]/u;
/** Letters that have no case, and small ones. */
const SMALL = /^[\p{Lo}\p{Ll}]$/u;
const MARK = /^[\p{P}\p{S}]$/u;

/** What a splitter sees in a text around a place. */
interface Around {
  text: Uint8Array;
  at: number;
  /** Where the text ends. */
  end: number;
  before: string;
  after: string;
}

export class ResumePlaces {
  /** Whether tokenizers of this kind merge as described above. */
  readonly areKnown: boolean;
  readonly #splitsWords: boolean;

  constructor({ kind }: Vocabulary) {
    this.areKnown = kind === "spm" || kind === "bpe";
    this.#splitsWords = kind === "bpe";
  }

  /** Whether tokens can be found anew from this byte on; a token begins there. `digits`: where the digits at the end begin. */
  has(text: Uint8Array, at: number, end: number, digits: number): boolean {
    if (at <= 0 || at >= end || (text[at] & 0xc0) === 0x80) return false;
    if (!this.#splitsWords) return true;
    const before = characterAt(text, characterBefore(text, at), at);
    const after = characterAt(text, at, end);
    const around = { text, at, end, before, after };
    if (after === " " && isVisible(before)) return isVisible(characterAt(text, at + 1, end));
    if (isDigit(before)) return isDigit(after) ? at >= digits && (at - digits) % 3 === 0 : isVisible(after);
    if (isLetter(before)) return isMark(after) ? after !== "'" : isDigit(after) || goesOnInWord(around);
    if (isMark(before)) return isWithinRun(around, isMark);
    return (before === "\n" && isVisible(after)) || isWithinRun(around, (character) => character === before);
  }
}

/** Whether letters on both sides belong to one word, or two, whatever stands before. */
function goesOnInWord({ text, at, end, before, after }: Around): boolean {
  if (!isLetter(after) || text.subarray(Math.max(0, at - 1 - CONTRACTION), at).includes(APOSTROPHE)) return false;
  if (isAscii(before) && isAscii(after)) return true;
  return SMALL.test(before) && SMALL.test(after) && !CAPITAL.test(stringOf(text, at, end));
}

/** Whether two characters on both sides are of a kind. */
function isWithinRun({ text, at, end, before, after }: Around, isOfKind: (character: string) => boolean): boolean {
  const start = at - Buffer.byteLength(before);
  if (start <= 0 || after === "" || !isOfKind(after)) return false;
  const next = at + Buffer.byteLength(after);
  return isOfKind(characterAt(text, characterBefore(text, start), at)) && isOfKind(characterAt(text, next, end));
}

function isAscii(character: string): boolean {
  return character < "\u0080";
}

function isDigit(character: string): boolean {
  return character >= "0" && character <= "9";
}

function isLetter(character: string): boolean {
  return LETTER.test(character);
}

function isMark(character: string): boolean {
  return MARK.test(character);
}

function isVisible(character: string): boolean {
  return isDigit(character) || isLetter(character) || isMark(character);
}

function stringOf(text: Uint8Array, from: number, end: number): string {
  return Buffer.from(text.buffer, text.byteOffset + from, end - from).toString("utf8");
}
