/**
 * A string of a template, which remembers which of its characters came from outside: from a message, a tool, a variable
 * of the caller. That is how `<|im_end|>` written by a user stays letters, while the template's own becomes a token.
 *
 * Lengths, indexes and slices are those of Python, in code points; `runs` are in UTF-16 units, as JavaScript has them.
 */

/** Ascending, disjoint: `[start, end, start, end, …]` of the characters from outside. */
export type Runs = readonly number[];

const NONE: Runs = [];
const SURROGATE = /[\ud800-\udfff]/;

export class Text {
  constructor(
    readonly value: string,
    readonly runs: Runs = NONE,
  ) {}

  /** All of it from outside. */
  static content(value: string): Text {
    return new Text(value, value === "" ? NONE : [0, value.length]);
  }

  /** One behind the other. */
  static join(parts: readonly Text[]): Text {
    if (parts.length === 1) return parts[0];
    let value = "";
    const runs: number[] = [];
    for (const part of parts) {
      for (let index = 0; index < part.runs.length; index += 2) {
        const start = value.length + part.runs[index];
        if (start === runs.at(-1)) runs.pop();
        else runs.push(start);
        runs.push(value.length + part.runs[index + 1]);
      }
      value += part.value;
    }
    return new Text(value, runs);
  }

  get isContent(): boolean {
    return this.runs.length > 0;
  }

  /** A part, in UTF-16 units. */
  cut(start: number, end = this.value.length): Text {
    if (start === 0 && end === this.value.length) return this;
    if (this.runs.length === 0) return new Text(this.value.slice(start, end));
    const runs: number[] = [];
    for (let index = this.#firstRunAfter(start); index < this.runs.length && this.runs[index] < end; index += 2) {
      const from = Math.max(this.runs[index], start);
      const to = Math.min(this.runs[index + 1], end);
      if (from < to) runs.push(from - start, to - start);
    }
    return new Text(this.value.slice(start, end), runs);
  }

  /** The place in `runs` of the first that ends behind: found by halving, since a text is cut into its characters. */
  #firstRunAfter(at: number): number {
    let low = 0;
    for (let high = this.runs.length / 2; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.runs[2 * middle + 1] > at) high = middle;
      else low = middle + 1;
    }
    return 2 * low;
  }

  /** Another string in its place: if its length is another and some of it came from outside, all of it did. */
  become(value: string): Text {
    if (value === this.value || this.runs.length === 0) return value === this.value ? this : new Text(value);
    return value.length === this.value.length ? new Text(value, this.runs) : Text.content(value);
  }

  /** Each character on its own. */
  characters(): Text[] {
    const result: Text[] = [];
    for (let at = 0; at < this.value.length; ) {
      const size = this.value.codePointAt(at)! > 0xffff ? 2 : 1;
      result.push(this.cut(at, at + size));
      at += size;
    }
    return result;
  }

  /** In code points. */
  get length(): number {
    return codePoints(this.value);
  }

  /** The UTF-16 unit at which this code point begins. */
  unitAt(index: number): number {
    if (!SURROGATE.test(this.value)) return index;
    let at = 0;
    for (let left = index; left > 0 && at < this.value.length; left--)
      at += this.value.codePointAt(at)! > 0xffff ? 2 : 1;
    return at;
  }
}

/** See markup.ts. */
export class Markup extends Text {}

export const EMPTY = new Text("");

export function codePoints(value: string): number {
  if (!SURROGATE.test(value)) return value.length;
  let count = 0;
  for (const _ of value) count++;
  return count;
}

/** White space as Python's str.isspace has it. */
const SPACES = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
export const NOT_SPACE = new RegExp(`[^${SPACES}]+`, "g");
export const SPACE = new RegExp(`^[${SPACES}]+$`);
const LEADING = new RegExp(`^[${SPACES}]*`);

/** The range that is left when characters are taken off the ends: white space, or those of a set. */
export function stripped(value: string, which: "both" | "left" | "right", set?: string): [number, number] {
  let start = 0;
  let end = value.length;
  if (set === undefined) {
    if (which !== "right") start = LEADING.exec(value)![0].length;
    if (which !== "left") while (end > start && SPACE.test(value[end - 1])) end--;
    return [start, end];
  }
  const members = new Set(set);
  const characters = Array.from(value);
  let first = 0;
  let last = characters.length;
  if (which !== "right") while (first < last && members.has(characters[first])) start += characters[first++].length;
  if (which !== "left") while (last > first && members.has(characters[last - 1])) end -= characters[--last].length;
  return [start, end];
}
