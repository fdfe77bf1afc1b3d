/**
 * Bytes as the characters of byte-level BPE (GPT-2): printable bytes of Latin-1 are themselves, the others take the code points
 * from U+0100 on in their order, so that any bytes are text.
 */
const CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();

export function byteLevelText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += CHARACTERS[byte];
  return text;
}
