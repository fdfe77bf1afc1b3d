/** A Hugging Face tokenizer.json, for what can be said of a tokenizer without its model. */
import { readFileSync, statSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
import { LlamafuseError } from "../errors.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "./vocabulary.js";

export interface TokenizerFile {
  vocabulary: Vocabulary;
  /** Token ids of a text, without special tokens around it. */
  encode(text: string): number[];
  /** How tokens spell bytes. */
  spelling: Spelling;
  /** The same of a text in which special tokens are letters. */
  encodeLetters(text: string): number[];
  /** Special tokens as they are written. */
  specials: readonly { id: number; text: string; stripsLeft: boolean; stripsRight: boolean }[];
  /** Added tokens that are text, and are cut out of a text before the rest of it is encoded. */
  literals: readonly number[];
  /** The token that the tokenizer puts before a text, or -1. */
  firstToken: number;
}

/** `byte-level`: one printable character a byte (GPT-2); `metaspace`: ▁ for a space and <0x0A> for a byte (SentencePiece). */
type Spelling = "byte-level" | "metaspace";

interface TokenizerJson {
  model?: { type?: string; unk_token?: string | null; unk_id?: number | null };
  decoder?: unknown;
  pre_tokenizer?: unknown;
  added_tokens?: { id: number; content: string; special?: boolean; lstrip?: boolean; rstrip?: boolean }[];
}

/** The largest in use are about 35 MB (vocabularies of 256k tokens with their merges). */
const MAX_BYTES = 256 * 1024 * 1024;

/** Errors: file-unreadable, invalid-model (not JSON, not a tokenizer), unsupported-model (word pieces without bytes). */
export function readTokenizerJson(file: string): TokenizerFile {
  const json = parse(file);
  const spelling = spellingOf(json, file);
  const added = json.added_tokens ?? [];
  let tokenizer: Tokenizer;
  let letters: Tokenizer;
  try {
    tokenizer = new Tokenizer(json, {});
    letters = new Tokenizer({ ...json, added_tokens: added.filter(({ special }) => !special) }, {});
  } catch (cause) {
    throw invalid(file, `its tokenizer cannot be built: ${(cause as Error).message}`, cause);
  }
  return {
    vocabulary: vocabularyOf(tokenizer, json, spelling),
    encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    spelling,
    encodeLetters: (text) => letters.encode(text, { add_special_tokens: false }).ids,
    specials: added.flatMap(({ id, content, special, lstrip = false, rstrip = false }) =>
      special ? [{ id, text: Buffer.from(content).toString("latin1"), stripsLeft: lstrip, stripsRight: rstrip }] : [],
    ),
    literals: added.flatMap(({ id, special }) => (special ? [] : [id])),
    firstToken: firstTokenOf(tokenizer),
  };
}

function firstTokenOf(tokenizer: Tokenizer): number {
  const [plain, whole] = [false, true].map((all) => tokenizer.encode("a", { add_special_tokens: all }).ids);
  return whole.length > plain.length && whole[0] !== plain[0] ? whole[0] : -1;
}

function vocabularyOf(tokenizer: Tokenizer, json: TokenizerJson, spelling: Spelling): Vocabulary {
  const unused = { bytes: new Uint8Array(0), class: TokenClass.unused as TokenClass };
  const tokens: { bytes: Uint8Array; class: TokenClass; text?: string }[] = [];
  for (const [text, id] of tokenizer.get_vocab(true)) {
    if (text === undefined) continue;
    const unknown = text === json.model?.unk_token || id === json.model?.unk_id;
    const bytes = unknown ? unused.bytes : spelling === "byte-level" ? fromByteLevel(text) : fromMetaspace(text);
    tokens[id] = { bytes, class: bytes.length === 0 ? TokenClass.unused : TokenClass.text, text };
  }
  for (const { id, content, special } of json.added_tokens ?? []) {
    tokens[id] = special
      ? { ...unused, class: TokenClass.control, text: content }
      : { bytes: Buffer.from(content), class: TokenClass.text, text: content };
  }
  return makeVocabulary(
    Array.from(tokens, (token) => token ?? unused),
    {
      kind: spelling === "byte-level" ? "bpe" : "spm",
    },
  );
}

function parse(file: string): TokenizerJson {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) throw invalid(file, `it has ${size} bytes; a tokenizer.json has at most ${MAX_BYTES}`);
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof LlamafuseError) throw cause;
    const why = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new LlamafuseError("file-unreadable", `Cannot read ${file}: ${why}.`, { found: file, file }, cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(file, "it is not JSON", cause);
  }
  if (typeof json !== "object" || json === null || !("model" in json) || typeof json.model !== "object") {
    throw invalid(file, 'it has no "model" with a vocabulary');
  }
  return json as TokenizerJson;
}

/** Decoders and pre-tokenizers nest in sequences; the types that occur anywhere in them say how bytes are spelt. */
function spellingOf(json: TokenizerJson, file: string): Spelling {
  const parts = JSON.stringify([json.decoder ?? null, json.pre_tokenizer ?? null]);
  const has = (type: string) => parts.includes(`"type":"${type}"`);
  if (has("ByteLevel")) return "byte-level";
  if (has("Metaspace") || has("ByteFallback") || parts.includes("▁")) return "metaspace";
  throw new LlamafuseError(
    "unsupported-model",
    `${file}: its tokens (model ${json.model?.type ?? "unknown"}) spell no bytes. Byte-level and SentencePiece tokenizers can be inspected.`,
    { file, found: json.model?.type, allowed: ["ByteLevel", "Metaspace", "ByteFallback"] },
  );
}

/** GPT-2's alphabet: printable latin1 stands for itself, every other byte for a character from U+0100 on. */
const BYTE_OF_CHARACTER = new Map<number, number>();
for (let byte = 0, next = 0x100; byte < 256; byte++) {
  const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  BYTE_OF_CHARACTER.set(printable ? byte : next++, byte);
}

function fromByteLevel(text: string): Uint8Array {
  const bytes = Array.from(text, (character) => BYTE_OF_CHARACTER.get(character.codePointAt(0) ?? 0));
  // A token outside the alphabet was added as plain text.
  return bytes.includes(undefined) ? Buffer.from(text) : Uint8Array.from(bytes as number[]);
}

function fromMetaspace(text: string): Uint8Array {
  const byte = /^<0x([0-9a-f]{2})>$/i.exec(text);
  return byte === null ? Buffer.from(text.replaceAll("▁", " ")) : Uint8Array.of(Number.parseInt(byte[1], 16));
}

function invalid(file: string, problem: string, cause?: unknown): LlamafuseError {
  return new LlamafuseError("invalid-model", `${file} is not a usable tokenizer.json: ${problem}.`, { file }, cause);
}
