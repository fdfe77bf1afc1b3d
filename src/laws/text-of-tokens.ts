import { TokenClass, type Vocabulary } from "../vocabulary/vocabulary.js";

/** The text that tokens stand for: special tokens left out, and the space that a tokenizer puts before a first word. */
export function textOfTokens(vocabulary: Vocabulary, ids: ArrayLike<number>): Buffer {
  const parts: Uint8Array[] = [];
  let startsFragment = true;
  for (const id of Array.from(ids)) {
    if (vocabulary.classOf(id) !== TokenClass.text) {
      startsFragment = true;
      continue;
    }
    const bytes = vocabulary.bytesOf(id);
    const hasPrefix = startsFragment && vocabulary.addsSpacePrefix && bytes[0] === 0x20;
    parts.push(hasPrefix ? bytes.subarray(1) : bytes);
    startsFragment = false;
  }
  return Buffer.concat(parts);
}
