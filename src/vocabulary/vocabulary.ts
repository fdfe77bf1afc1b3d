/**
 * A vocabulary: token id → bytes, plus the special tokens. Always bytes, never decoded strings: half a Chinese
 * character is a token in many vocabularies and is not a string in any.
 */

import { LlamafuseError } from "../errors.js";
import { ByteTable } from "./byte-table.js";

/** What a token stands for. Only `text` tokens have bytes that reach the user. */
export const TokenClass = {
  /** Ordinary text, user-defined pieces and single-byte tokens. */
  text: 0,
  /** Steers the model and is never text: BOS, role markers, tool markers. */
  control: 1,
  /** Ends a generation (EOS, end of turn, …); all of them, of all members, are one class when fused. */
  end: 2,
  /** Never produced by a tokenizer: unknown, unused and padding entries. */
  unused: 3,
} as const;
export type TokenClass = (typeof TokenClass)[keyof typeof TokenClass];

/** The tokenizer family; it decides how text becomes tokens, not what a vocabulary's bytes are. */
export type VocabularyKind = "spm" | "bpe" | "other";

/** The parts of a vocabulary as flat shared arrays, so that a thread can hand it to another without a copy. */
export interface VocabularyData {
  kind: VocabularyKind;
  /** All tokens' bytes, one after another. */
  bytes: Uint8Array;
  /** Token id's bytes are bytes[offsets[id] … offsets[id + 1]); length = size + 1. */
  offsets: Uint32Array;
  /** A TokenClass for each id. */
  classes: Uint8Array;
  /** Beginning-of-text token, or -1. */
  bos: number;
  /** Whether the tokenizer puts a space before the first word of a text (SentencePiece's dummy prefix). */
  addsSpacePrefix: boolean;
  /**
   * All tokens' texts as the model file writes them (`▁the`, `Ġthe`, `<0x0A>`, `</s>`; llama_vocab_get_text) in UTF-8,
   * one after another. They tell byte tokens from others; the `compat` forms of published methods compare them.
   */
  texts?: Uint8Array;
  /** Token id's text is texts[textOffsets[id] … textOffsets[id + 1]); length = size + 1. */
  textOffsets?: Uint32Array;
}

const BYTE_TOKEN_TEXT = /^<0x[0-9A-F]{2}>$/;

export class Vocabulary {
  readonly kind: VocabularyKind;
  readonly size: number;
  readonly bos: number;
  readonly addsSpacePrefix: boolean;
  /** Every end-of-generation token. */
  readonly endTokens: readonly number[];
  #strings: DistinctStrings | undefined;

  constructor(readonly data: VocabularyData) {
    this.kind = data.kind;
    this.size = data.offsets.length - 1;
    this.bos = data.bos;
    this.addsSpacePrefix = data.addsSpacePrefix;
    const ends: number[] = [];
    for (let id = 0; id < this.size; id++) if (data.classes[id] === TokenClass.end) ends.push(id);
    this.endTokens = ends;
  }

  /** A view of the token's bytes; empty for every class but `text`. */
  bytesOf(id: number): Uint8Array {
    return this.data.bytes.subarray(this.data.offsets[id], this.data.offsets[id + 1]);
  }

  /** The id itself. LlamafuseError "invalid-option" if this vocabulary has no such token. */
  checkId(id: number): number {
    if (Number.isInteger(id) && id >= 0 && id < this.size) return id;
    throw new LlamafuseError("invalid-option", `Token id ${id} is outside this vocabulary (0 … ${this.size - 1}).`, {
      found: id,
      allowed: `0 … ${this.size - 1}`,
    });
  }

  classOf(id: number): TokenClass {
    return this.data.classes[id] as TokenClass;
  }

  /** The token's bytes as a string of one character a byte: a key for maps, not text. */
  keyOf(id: number): string {
    return byteKey(this.bytesOf(id));
  }

  /**
   * The text token with exactly these bytes that a tokenizer takes, or -1: the lowest that is not a byte token where there is
   * one (`A` and not `<0x41>`, which the model has hardly seen), else the lowest.
   */
  idOf(key: string): number {
    const ids = this.idsOf(key);
    return ids.length > 1 ? (ids.find((id) => !this.isByteToken(id)) ?? ids[0]) : (ids[0] ?? -1);
  }

  /** Whether the model file writes the token as a byte: `<0x41>`. */
  isByteToken(id: number): boolean {
    return this.bytesOf(id).length === 1 && BYTE_TOKEN_TEXT.test(this.textOf(id));
  }

  /**
   * Every text token with exactly these bytes, ascending: SentencePiece has `<0x41>` beside `A`. At a fragment start,
   * every text token whose text there is these bytes (see textAtFragmentStart).
   */
  idsOf(key: string, atFragmentStart = false): number[] {
    this.#strings ??= new DistinctStrings(this.data);
    if (!atFragmentStart) return this.#strings.idsOf(keyBytes(key));
    const spaced = key === "" ? [] : this.#strings.idsOf(keyBytes(` ${key}`));
    const plain = key.length > 1 && key.startsWith(" ") ? [] : this.#strings.idsOf(keyBytes(key));
    return [...spaced, ...plain].sort((a, b) => a - b);
  }

  /** Whether the vocabulary knows its tokens' texts. */
  get hasTexts(): boolean {
    return this.data.texts !== undefined && this.data.textOffsets !== undefined;
  }

  /** The token's text as the model file writes it; empty if the vocabulary does not know it. */
  textOf(id: number): string {
    const { texts, textOffsets } = this.data;
    if (texts === undefined || textOffsets === undefined) return "";
    // A copy, because TextDecoder and Buffer#toString refuse or copy shared memory anyway.
    return Buffer.from(texts.subarray(textOffsets[id], textOffsets[id + 1])).toString("utf8");
  }
}

/** Byte string → the text tokens that have it, without a JS string per token. */
class DistinctStrings {
  readonly #table: ByteTable;
  readonly #first: Int32Array;
  /** The next higher token with the same bytes, or -1. */
  readonly #next: Int32Array;

  constructor({ bytes, offsets, classes }: VocabularyData) {
    const size = offsets.length - 1;
    this.#table = new ByteTable([bytes], size);
    this.#first = new Int32Array(size).fill(-1);
    this.#next = new Int32Array(size).fill(-1);
    for (let id = size - 1; id >= 0; id--) {
      if (classes[id] !== TokenClass.text) continue;
      const entry = this.#table.insert(0, offsets[id], offsets[id + 1]);
      this.#next[id] = this.#first[entry];
      this.#first[entry] = id;
    }
  }

  idsOf(bytes: Uint8Array): number[] {
    const ids: number[] = [];
    const entry = this.#table.find(bytes);
    for (let id = entry < 0 ? -1 : this.#first[entry]; id >= 0; id = this.#next[id]) ids.push(id);
    return ids;
  }
}

/**
 * The text that a token's bytes stand for where the text starts right after a special token in a vocabulary that puts a
 * space before the first word: less that space. A lone space stays, since a token without text could not be chosen.
 */
export function textAtFragmentStart(bytes: Uint8Array): Uint8Array {
  return bytes.length > 1 && bytes[0] === 0x20 ? bytes.subarray(1) : bytes;
}

/** Bytes → map key (latin1: one character a byte, reversible). */
export function byteKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Map key → bytes. */
export function keyBytes(key: string): Uint8Array {
  return Buffer.from(key, "latin1");
}

/**
 * Build the flat arrays from per-token bytes (tests, tokenizer.json vocabularies, scripted members). The vocabulary
 * knows its tokens' texts if any token brings one.
 */
export function makeVocabulary(
  tokens: readonly { bytes: Uint8Array; class?: TokenClass; text?: string }[],
  options: { kind?: VocabularyKind; bos?: number; addsSpacePrefix?: boolean } = {},
): Vocabulary {
  const total = tokens.reduce((sum, token) => sum + token.bytes.length, 0);
  const bytes = new Uint8Array(new SharedArrayBuffer(total));
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (tokens.length + 1)));
  const classes = new Uint8Array(new SharedArrayBuffer(tokens.length));
  let at = 0;
  tokens.forEach((token, id) => {
    bytes.set(token.bytes, at);
    at += token.bytes.length;
    offsets[id + 1] = at;
    classes[id] = token.class ?? TokenClass.text;
  });
  const texts = tokens.some((token) => token.text !== undefined)
    ? tokens.map((token) => Buffer.from(token.text ?? ""))
    : [];
  const textOffsets = new Uint32Array(new SharedArrayBuffer(4 * (tokens.length + 1)));
  texts.forEach((text, id) => {
    textOffsets[id + 1] = textOffsets[id] + text.length;
  });
  return new Vocabulary({
    ...(texts.length > 0 && { texts: shared(Buffer.concat(texts)), textOffsets }),
    kind: options.kind ?? "other",
    bytes,
    offsets,
    classes,
    bos: options.bos ?? -1,
    addsSpacePrefix: options.addsSpacePrefix ?? false,
  });
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
