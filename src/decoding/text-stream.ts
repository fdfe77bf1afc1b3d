/** Bytes in, text out: chosen pieces may end within a UTF-8 character, the text that a user sees never does. */

/**
 * Decodes a stream of bytes. Law: all outputs of `push`, then `flush`, concatenate to
 * `new TextDecoder("utf-8", { ignoreBOM: true }).decode(all bytes)` however the bytes were cut into chunks: every
 * maximal invalid sequence becomes one U+FFFD (WHATWG Encoding, Unicode 16 §3.9), and a byte order mark stays.
 * Only bytes that may still become a character are held back, three at most.
 */
export class TextStream {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** The text that these bytes complete. */
  push(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true });
  }

  /** The end of the text: U+FFFD if it ends within a character, else nothing. The stream is then as new. */
  flush(): string {
    return this.#decoder.decode();
  }
}
