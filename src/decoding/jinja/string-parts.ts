/** Splitting and capitals as Python's str has them. */
import { type Budget, PIECE } from "./budget.js";
import { JinjaError } from "./errors.js";
import { type Text, NOT_SPACE as WORD } from "./text.js";

/** `text.split(separator, most)`, `rsplit` with `fromEnd`; a negative `most`: all of them. */
export function splitAt(text: Text, separator: string, most: number, fromEnd: boolean, budget: Budget): Text[] {
  if (separator === "") throw new JinjaError("ValueError", "empty separator");
  const parts: Text[] = [];
  const limit = most < 0 ? Number.POSITIVE_INFINITY : most;
  if (fromEnd) {
    let end = text.value.length;
    while (parts.length < limit) {
      const at = end - separator.length < 0 ? -1 : text.value.lastIndexOf(separator, end - separator.length);
      if (at < 0) break;
      budget.spend(PIECE);
      parts.push(text.cut(at + separator.length, end));
      end = at;
    }
    return [text.cut(0, end), ...parts.reverse()];
  }
  let start = 0;
  while (parts.length < limit) {
    const at = text.value.indexOf(separator, start);
    if (at < 0) break;
    budget.spend(PIECE);
    parts.push(text.cut(start, at));
    start = at + separator.length;
  }
  return [...parts, text.cut(start)];
}

/** At runs of white space, none of it at the ends. */
export function splitWords(text: Text, most: number, fromEnd: boolean, budget: Budget): Text[] {
  const words: [number, number][] = [];
  for (const { 0: word, index } of text.value.matchAll(WORD)) {
    budget.spend(PIECE);
    words.push([index, index + word.length]);
  }
  if (most >= 0 && words.length > most + 1) {
    if (fromEnd) words.splice(0, words.length - most, [words[0][0], words[words.length - most - 1][1]]);
    else words.splice(most, words.length - most, [words[most][0], text.value.length]);
    // What is left whole keeps the white space at its own end only.
    if (fromEnd) words[0][0] = 0;
  }
  return words.map(([start, end]) => text.cut(start, end));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: Python takes them for line breaks.
const LINE = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/g;

export function splitLines(text: Text, keepEnds: boolean, budget: Budget): Text[] {
  const lines: Text[] = [];
  let start = 0;
  for (const { 0: end, index } of text.value.matchAll(LINE)) {
    budget.spend(PIECE);
    lines.push(text.cut(start, keepEnds ? index + end.length : index));
    start = index + end.length;
  }
  if (start < text.value.length) lines.push(text.cut(start));
  return lines;
}

export function capitalised(value: string): string {
  const [first = "", ...rest] = Array.from(value);
  return first.toUpperCase() + rest.join("").toLowerCase();
}

/** Python's title(): a capital after everything that is not a letter. */
export function titled(value: string): string {
  return value.replace(/\p{L}+/gu, (word) => capitalised(word));
}

export function isTitled(value: string): boolean {
  return titled(value) === value;
}

export function isCased(value: string): boolean {
  return value.toLowerCase() !== value.toUpperCase();
}
