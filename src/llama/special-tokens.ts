/**
 * Special tokens written in a text, found as llama.cpp finds them (longest token text first, each from left to right), but
 * only where they may be: not in what a conversation says, and not across its borders.
 */

export interface SpecialToken {
  id: number;
  /** As it is written, one byte a character. */
  text: string;
  /** Whether it swallows the white space before, and behind it. */
  stripsLeft: boolean;
  stripsRight: boolean;
}

/** A text as llama.cpp's tokenizer takes it: special tokens, and what stands between them. */
export type Piece = { id: number } | { start: number; end: number };

/** As C's isspace. */
const SPACES = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]);

export class SpecialTokens {
  readonly #byFirst = new Map<string, SpecialToken[]>();

  constructor(tokens: Iterable<SpecialToken>) {
    for (const token of tokens) {
      if (token.text === "") continue;
      const known = this.#byFirst.get(token.text[0]);
      if (known === undefined) this.#byFirst.set(token.text[0], [token]);
      else known.push(token);
    }
  }

  /** Cut a text; `letters`: ranges without special tokens, `[start, end, …]` in bytes. */
  split(bytes: Uint8Array, letters: readonly number[]): Piece[] {
    const found = this.#find(Buffer.from(bytes).toString("latin1"), letters);
    const pieces: Piece[] = [];
    let start = 0;
    for (const { at, token } of found) {
      let end = at;
      if (token.stripsLeft) while (end > start && SPACES.has(bytes[end - 1])) end--;
      if (end > start) pieces.push({ start, end });
      pieces.push({ id: token.id });
      start = at + token.text.length;
      if (token.stripsRight) while (start < bytes.length && SPACES.has(bytes[start])) start++;
    }
    if (start < bytes.length) pieces.push({ start, end: bytes.length });
    return pieces;
  }

  #find(text: string, letters: readonly number[]): { at: number; token: SpecialToken }[] {
    const found: { at: number; token: SpecialToken }[] = [];
    const borders = [0, ...letters, text.length];
    for (let index = 0; index < borders.length; index += 2) {
      for (let at = borders[index]; at < borders[index + 1]; at++) {
        for (const token of this.#byFirst.get(text[at]) ?? [])
          if (at + token.text.length <= borders[index + 1] && text.startsWith(token.text, at))
            found.push({ at, token });
      }
    }
    found.sort((a, b) => b.token.text.length - a.token.text.length || a.token.id - b.token.id || a.at - b.at);
    const taken = new Uint8Array(text.length);
    const chosen = found.filter(({ at, token }) => {
      const end = at + token.text.length;
      if (taken.subarray(at, end).includes(1)) return false;
      taken.fill(1, at, end);
      return true;
    });
    return chosen.sort((a, b) => a.at - b.at);
  }
}
