/** Well-formed UTF-8 (Unicode 16, table 3-7): what may be a prompt. */

/** Offset of the first byte that does not belong to a well-formed character, or -1. */
export function invalidUtf8At(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; ) {
    const size = characterSize(bytes, at);
    if (size === 0) return at;
    at += size;
  }
  return -1;
}

/** Bytes of the character that begins at `at`, or 0 if none does. */
function characterSize(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + size > bytes.length) return 0;
  // The second byte rules out overlong forms, surrogates and everything above U+10FFFF.
  const lowest = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const highest = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (bytes[at + 1] < lowest || bytes[at + 1] > highest) return 0;
  for (let next = at + 2; next < at + size; next++) if ((bytes[next] & 0xc0) !== 0x80) return 0;
  return size;
}

/** Index of the first half of a surrogate pair that lacks its other half (which UTF-8 cannot hold), or -1. */
export function loneSurrogateAt(text: string): number {
  return text.search(/\p{Surrogate}/u);
}
