/**
 * A vocabulary: token id → bytes, plus the special tokens. Always bytes, never decoded strings: half a Chinese
 * character is a token in many vocabularies and is not a string in any.
 */

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
}

export class Vocabulary {
  readonly kind: VocabularyKind;
  readonly size: number;
  readonly bos: number;
  readonly addsSpacePrefix: boolean;
  /** Every end-of-generation token. */
  readonly endTokens: readonly number[];
  #firstIdOfKey: Map<string, number> | undefined;

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

  classOf(id: number): TokenClass {
    return this.data.classes[id] as TokenClass;
  }

  /** The token's bytes as a string of one character a byte: a key for maps, not text. */
  keyOf(id: number): string {
    return byteKey(this.bytesOf(id));
  }

  /** The lowest text token with exactly these bytes, or -1. */
  idOf(key: string): number {
    if (this.#firstIdOfKey === undefined) {
      this.#firstIdOfKey = new Map();
      for (let id = this.size - 1; id >= 0; id--) {
        if (this.data.classes[id] === TokenClass.text) this.#firstIdOfKey.set(this.keyOf(id), id);
      }
    }
    return this.#firstIdOfKey.get(key) ?? -1;
  }
}

/** Bytes → map key (latin1: one character a byte, reversible). */
export function byteKey(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Map key → bytes. */
export function keyBytes(key: string): Uint8Array {
  return Buffer.from(key, "latin1");
}

/** Build the flat arrays from per-token bytes (tests, tokenizer.json vocabularies, scripted members). */
export function makeVocabulary(
  tokens: readonly { bytes: Uint8Array; class?: TokenClass }[],
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
  return new Vocabulary({
    kind: options.kind ?? "other",
    bytes,
    offsets,
    classes,
    bos: options.bos ?? -1,
    addsSpacePrefix: options.addsSpacePrefix ?? false,
  });
}
