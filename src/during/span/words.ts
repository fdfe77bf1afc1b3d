/**
 * Where words end, in bytes. A word is a run of characters between Unicode white space; an ideograph (U+4E00 … U+9FFF) is a
 * word of its own. A span ends behind a word and before the white space that follows, so that texts joined are texts as they
 * were written: white space is never added, dropped or changed.
 */
import { scanUtf8 } from "../../vocabulary/utf8.js";

/**
 * Bytes of a word at most: some scripts write no spaces (21 kana or Thai letters), and a model may never come to one. A longer
 * word ends there, behind a whole character.
 */
const LONGEST_WORD = 64;
const WHITE_SPACE = /\s/u;
const SPACE = 1;
const IDEOGRAPH = 2;
const OTHER = 3;

/**
 * Offsets behind a character that is not white space, where white space or an ideograph follows, or it is an ideograph
 * itself, the word becomes too long, or the text ends there and is said to be over (`ended`). A character that is not whole yet is not counted.
 */
export function wordEnds(bytes: Uint8Array, ended: boolean): number[] {
  const ends: number[] = [];
  let before = SPACE;
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const { length, kind } = characterAt(bytes, at);
    if (length === 0) break;
    if (before === SPACE) from = at;
    else if (kind !== OTHER || before === IDEOGRAPH || at + length - from > LONGEST_WORD) {
      ends.push(at);
      from = at;
    }
    before = kind;
    at += length;
    if (at === bytes.length && before !== SPACE && (ended || before === IDEOGRAPH)) ends.push(at);
  }
  return ends;
}

/** Length 0: the beginning of a character. Bytes that no character can hold are characters of their own. */
function characterAt(bytes: Uint8Array, at: number): { length: number; kind: number } {
  const lead = bytes[at];
  if (lead < 0x80) return { length: 1, kind: WHITE_SPACE.test(String.fromCharCode(lead)) ? SPACE : OTHER };
  const most = Math.min(bytes.length, at + 4);
  let length = 1;
  while (at + length < most && (bytes[at + length] & 0xc0) === 0x80) length++;
  const { end, invalid } = scanUtf8(bytes, at, at + length);
  if (end === at)
    return invalid > 0 || at + length < bytes.length
      ? { length: Math.max(1, invalid), kind: OTHER }
      : { length: 0, kind: OTHER };
  const character = Buffer.from(bytes.subarray(at, end)).toString("utf8");
  const code = character.codePointAt(0)!;
  const kind = code >= 0x4e00 && code <= 0x9fff ? IDEOGRAPH : WHITE_SPACE.test(character) ? SPACE : OTHER;
  return { length: end - at, kind };
}

/** How many words a text has, at least 1: what a sum over it is divided by. */
export function countWords(bytes: Uint8Array): number {
  return Math.max(1, wordEnds(bytes, true).length);
}

/** Token ends that several tokenisations of a text have in common; its own end always is one. Tokens as their bytes. */
export function commonTokenEnds(length: number, tokenisations: readonly (readonly Uint8Array[])[]): number[] {
  let common: Set<number> | undefined;
  for (const tokens of tokenisations) {
    const ends = new Set<number>();
    // From behind, so that a space that the tokenizer put before the text is not counted.
    for (let place = tokens.length - 1, end = length; place >= 0 && end > 0; place--) {
      ends.add(end);
      end -= tokens[place].length;
    }
    const before = common;
    common = before === undefined ? ends : new Set([...before].filter((end) => ends.has(end)));
  }
  return [...(common ?? []), length].filter((end, place, all) => all.indexOf(end) === place).sort((a, b) => a - b);
}
