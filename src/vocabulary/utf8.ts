/** Well-formed UTF-8 (Unicode 16, table 3-7) in bytes that come piece by piece. */

export interface Utf8Scan {
  /** Offset behind the last whole character before anything else. */
  end: number;
  /**
   * How many bytes at `end` can be part of no character whatever follows (a maximal ill-formed sequence); 0 if there is
   * nothing, or the beginning of a character, between `end` and the end of the bytes.
   */
  invalid: number;
}

/** Read characters from `from`, where one begins, up to `to`. */
export function scanUtf8(bytes: Uint8Array, from = 0, to = bytes.length): Utf8Scan {
  let at = from;
  while (at < to) {
    const lead = bytes[at];
    if (lead < 0x80) {
      at++;
      continue;
    }
    const size = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let next = at + 1;
    while (next < at + size && next < to && continues(bytes[next], lead, next - at)) next++;
    if (next < at + size && next < to) return { end: at, invalid: next - at };
    if (size === 0) return { end: at, invalid: 1 };
    if (next < at + size) return { end: at, invalid: 0 };
    at = next;
  }
  return { end: at, invalid: 0 };
}

/** Whether the bytes are whole well-formed characters. */
export function isUtf8(bytes: Uint8Array): boolean {
  return scanUtf8(bytes).end === bytes.length;
}

/** Offset of the first byte that does not belong to a well-formed character, or -1. */
export function invalidUtf8At(bytes: Uint8Array): number {
  const { end } = scanUtf8(bytes);
  return end === bytes.length ? -1 : end;
}

/** Index of the first half of a surrogate pair that lacks its other half (which UTF-8 cannot hold), or -1. */
export function loneSurrogateAt(text: string): number {
  return text.search(/\p{Surrogate}/u);
}

/** The second byte rules out overlong forms, surrogates and everything above U+10FFFF. */
function continues(byte: number, lead: number, place: number): boolean {
  if (place > 1) return byte >= 0x80 && byte <= 0xbf;
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= lowest && byte <= highest;
}

/** Whether a byte continues a character and begins none. */
export function isUtf8Continuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
