/** What llama.cpp needs of the rarer vocabularies: RWKV's trie, PLaMo 2's byte tokens, and T5's character map. */
import type { GgufMetadata } from "../gguf/metadata.js";
import { Cure, invalidModel } from "./model-error.js";
import type { TokenTable } from "./token-table.js";

const BYTE_TOKEN = 6;

/**
 * RWKV takes the longest token at each place. Where a longer token's first byte is not a token itself, a text can end
 * before any token does, and llama.cpp then begins the text again, for ever.
 */
export function checkRwkvBytes(file: string, table: TokenTable): void {
  const begins = new Uint8Array(256);
  const alone = new Uint8Array(256);
  for (let id = 0; id < table.size; id++) {
    const [first, length] = unescapedStart(table.bytesOf(id));
    if (length === 0) continue;
    begins[first] = 1;
    if (length === 1) alone[first] = 1;
  }
  const bad = begins.findIndex((used, byte) => used === 1 && alone[byte] === 0);
  if (bad < 0 && alone[0x0a] === 1) return;
  const byte = bad < 0 ? 0x0a : bad;
  const problem = `its RWKV vocabulary has no token for the single byte 0x${byte.toString(16).padStart(2, "0")}.`;
  throw invalidModel(file, problem, Cure.convert, { found: byte });
}

/** The first byte of an escaped token ("\n", "\x00", …) and 1 or 2 for one byte or more; length 0 if it has none. */
function unescapedStart(text: Uint8Array): readonly [number, number] {
  if (text.length === 0) return [0, 0];
  if (text[0] !== 0x5c) return [text[0]!, Math.min(2, text.length)];
  const code = String.fromCharCode(text[1] ?? 0);
  const used = code === "x" ? 4 : 2;
  if (text.length < used) return [0, 0];
  const named: Record<string, number> = { t: 9, n: 10, r: 13 };
  const first =
    code === "x" ? Number.parseInt(Buffer.from(text.subarray(2, 4)).toString("latin1"), 16) : (named[code] ?? text[1]!);
  return [Number.isNaN(first) ? 0 : first, text.length === used ? 1 : 2];
}

/** PLaMo 2 keeps the 256 byte tokens in a table where 0 means "missing", so none of them may be token 0. */
export function checkPlamoBytes(file: string, table: TokenTable, types: Int32Array | undefined): void {
  for (let byte = 0; byte < 256; byte++) {
    const text = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    const id = table.find(text);
    if (id > 0 && types?.[id] === BYTE_TOKEN) continue;
    throw invalidModel(file, `its PLaMo vocabulary has no byte token ${text}.`, Cure.convert, {
      found: id,
      token: text,
    });
  }
}

/**
 * T5's map of characters to their normal forms is a double array: entry → children at `base XOR character`. llama.cpp
 * throws out of its tokenizer, which ends the process, when an index leaves the array; so all that a text could reach
 * is walked here.
 */
export function checkCharacterMap(metadata: GgufMetadata): void {
  const key = "tokenizer.ggml.precompiled_charsmap";
  const map = metadata.array(key, ["uint8", "int8"]);
  if (map === undefined) return;
  const refuse = (problem: string): never => {
    throw invalidModel(metadata.file, `"${key}" ${problem}.`, Cure.convert, { key });
  };
  const bytes = Buffer.from(map.bytes.buffer, map.bytes.byteOffset, map.bytes.byteLength);
  if (bytes.length < 4) refuse(`has ${bytes.length} bytes; 4 are its shortest`);
  const arrayBytes = bytes.readUInt32LE(0);
  if (4 + arrayBytes >= bytes.length) refuse(`says its table has ${arrayBytes} bytes, but has ${bytes.length} in all`);
  const entries = arrayBytes >>> 2;
  if (entries === 0) return;
  const replacements = bytes.subarray(4 + arrayBytes);
  const lastEnd = replacements.lastIndexOf(0);
  const entry = (index: number) =>
    index < entries ? bytes.readUInt32LE(4 + 4 * index) : refuse(`leads to entry ${index}; it has ${entries}`);
  const base = (node: number) => (node >>> 10) << ((node & 0x200) >>> 6);

  const seen = new Uint8Array(entries);
  const open = [base(entry(0)) >>> 0];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    for (let character = 1; character < 256; character++) {
      const index = (from ^ character) >>> 0;
      const node = entry(index);
      if ((node & 0x8000_00ff) >>> 0 !== character || seen[index] === 1) continue;
      seen[index] = 1;
      const child = (index ^ base(node)) >>> 0;
      if (((node >>> 8) & 1) === 1) {
        const replacement = entry(child) & 0x7fff_ffff;
        if (replacement > lastEnd) refuse(`names the replacement at ${replacement}, past the last one`);
      }
      open.push(child);
    }
  }
}
