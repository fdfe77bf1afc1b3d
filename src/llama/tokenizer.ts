/** A model's tokenizer in llama.cpp: text → token ids, and its vocabulary as bytes. */
import { LlamafuseError } from "../errors.js";
import { TokenClass, Vocabulary, type VocabularyKind } from "../vocabulary/vocabulary.js";
import type { LlamaFunctions, Pointer } from "./bindings.js";
import { type SpecialToken, SpecialTokens } from "./special-tokens.js";
import { checkWordLengths, splitsWithoutRecursion } from "./word-lengths.js";

const VOCABULARY_KINDS: Record<number, VocabularyKind> = { 1: "spm", 2: "bpe" };
/** Bits of llama_token_attr. */
const ATTRIBUTE = {
  unknown: 1,
  unused: 2,
  normal: 4,
  control: 8,
  userDefined: 16,
  byte: 32,
  stripsLeft: 128,
  stripsRight: 256,
};

/** What llama.cpp writes for a letter that stands for no byte. */
const UNKNOWN_BYTE = "[UNK_BYTE_0x";

export interface EncodeOptions {
  parseSpecial: boolean;
  addBos: boolean;
  /** Ranges in bytes, `[start, end, …]`, in which special tokens are letters. */
  letters?: readonly number[];
}

export class LlamaTokenizer {
  readonly vocabulary: Vocabulary;
  readonly addsBos: boolean;
  /**
   * Tokens that stand for their text wherever it occurs, cut out before the rest is tokenised (llama.cpp's user-defined
   * tokens: runs of spaces in GPT-NeoX, markers that a fine-tuning added).
   */
  readonly literals: number[] = [];
  #buffer = new Int32Array(512);
  /** Read when first needed. */
  #specials: SpecialTokens | undefined;
  readonly #takesAnyWord: boolean;

  /** `splitter`: what the model's metadata call `tokenizer.ggml.pre`, else `.model`. */
  constructor(
    private readonly functions: LlamaFunctions,
    private readonly vocab: Pointer,
    private readonly splitter = "",
  ) {
    this.#takesAnyWord = VOCABULARY_KINDS[functions.vocabType(vocab)] !== "bpe" || splitsWithoutRecursion(splitter);
    this.addsBos = functions.vocabAddsBos(vocab);
    this.vocabulary = this.#readVocabulary();
  }

  /**
   * Token ids of well-formed UTF-8. `parseSpecial`: special tokens written in the text mean the tokens, but not in the
   * ranges `letters`; `addBos`: put what this tokenizer puts before a text, and nothing behind it. Error: invalid-text
   * (a word too long for this tokenizer).
   *
   * The bytes of the tokens, less one leading space where the vocabulary `addsSpacePrefix`, are those of the text, but:
   * - a byte without a token is left out (Falcon lacks 14 control characters and 0xf2, StarCoder and Refact 0xf1, the
   *   first byte of U+80000 … U+BFFFF and of U+40000 … U+7FFFF);
   * - ▁ (U+2581) is read as a space by the vocabularies that write a space so (SentencePiece, Gemma 4);
   * - with a space prefix, a space comes in behind every one of `literals` that text follows;
   * - special tokens have no bytes, and Phi-3's swallow the white space behind them.
   */
  encode(text: Uint8Array, { parseSpecial, addBos, letters = [] }: EncodeOptions): Int32Array {
    const ids =
      parseSpecial && letters.length > 0 ? this.#encodeMixed(text, letters) : this.#encode(text, parseSpecial);
    if (!addBos || !this.addsBos || this.vocabulary.bos < 0) return ids;
    const withStart = new Int32Array(ids.length + 1);
    withStart[0] = this.vocabulary.bos;
    withStart.set(ids, 1);
    return withStart;
  }

  /** With everything that the tokenizer puts around a text: for embeddings. A prompt would end there. */
  encodeWhole(text: Uint8Array): Int32Array {
    return this.#encode(text, false, true);
  }

  /** Special tokens where the template wrote them; each text between them as one, whoever wrote its parts. */
  #encodeMixed(text: Uint8Array, letters: readonly number[]): Int32Array {
    this.#specials ??= new SpecialTokens(this.#readSpecials());
    const pieces = this.#specials.split(text, letters);
    const ids = pieces.map((piece) =>
      "id" in piece ? [piece.id] : this.#encode(text.subarray(piece.start, piece.end), false),
    );
    return Int32Array.from(ids.flatMap((some) => Array.from(some)));
  }

  *#readSpecials(): Generator<SpecialToken> {
    for (let id = 0; id < this.vocabulary.size; id++) {
      const attributes = this.functions.vocabAttributes(this.vocab, id);
      if ((attributes & (ATTRIBUTE.control | ATTRIBUTE.unknown)) === 0) continue;
      yield {
        id,
        text: Buffer.from(this.textOf(id)).toString("latin1"),
        stripsLeft: (attributes & ATTRIBUTE.stripsLeft) !== 0,
        stripsRight: (attributes & ATTRIBUTE.stripsRight) !== 0,
      };
    }
  }

  #encode(text: Uint8Array, parseSpecial: boolean, addSpecial = false): Int32Array {
    if (!this.#takesAnyWord) checkWordLengths(text, this.splitter);
    const run = () => {
      const { vocab } = this;
      return this.functions.tokenize(
        vocab,
        text,
        text.length,
        this.#buffer,
        this.#buffer.length,
        addSpecial,
        parseSpecial,
      );
    };
    let count = run();
    if (count < 0) {
      this.#buffer = new Int32Array(-count);
      count = run();
    }
    if (count < 0)
      throw new LlamafuseError("invalid-text", `llama.cpp could not tokenise ${text.length} bytes of text.`, {
        found: count,
      });
    return this.#buffer.slice(0, count);
  }

  /** The text that a special token is written as; empty for -1. */
  textOf(id: number): string {
    return id < 0 ? "" : this.functions.vocabText(this.vocab, id);
  }

  get bosText(): string {
    return this.textOf(this.vocabulary.bos);
  }

  get eosText(): string {
    return this.textOf(this.functions.vocabEos(this.vocab));
  }

  #readVocabulary(): Vocabulary {
    const { functions, vocab } = this;
    const kind = VOCABULARY_KINDS[functions.vocabType(vocab)] ?? "other";
    const size = functions.vocabSize(vocab);
    const offsets = new Uint32Array(new SharedArrayBuffer(4 * (size + 1)));
    const classes = new Uint8Array(new SharedArrayBuffer(size));
    // Tokens average 6 to 7 bytes; the buffer doubles where a vocabulary has longer ones.
    const bytes = new GrowingBytes(size * 8);
    const texts = new GrowingBytes(size * 10);
    const textOffsets = new Uint32Array(new SharedArrayBuffer(4 * (size + 1)));
    const piece = Buffer.alloc(4096);
    for (let id = 0; id < size; id++) {
      const attributes = functions.vocabAttributes(vocab, id);
      const tokenClass = functions.vocabIsEnd(vocab, id)
        ? TokenClass.end
        : attributes & ATTRIBUTE.control
          ? TokenClass.control
          : attributes & (ATTRIBUTE.unknown | ATTRIBUTE.unused) || attributes === 0
            ? TokenClass.unused
            : TokenClass.text;
      if (tokenClass === TokenClass.text) {
        let length = functions.tokenToPiece(vocab, id, piece, piece.length, 0, false);
        let source = piece;
        if (length < 0) {
          source = Buffer.alloc(-length);
          length = functions.tokenToPiece(vocab, id, source, source.length, 0, false);
        }
        let written: Uint8Array = source.subarray(0, length);
        // Letters outside the byte alphabet: llama.cpp gives up, Hugging Face's decoder takes the text as it stands.
        if (kind === "bpe" && source.subarray(0, length).includes(UNKNOWN_BYTE)) written = Buffer.from(this.textOf(id));
        bytes.push(written);
        if (attributes & ATTRIBUTE.userDefined) this.literals.push(id);
        // A text token without bytes can never be chosen: it would change nothing.
        classes[id] = length === 0 ? TokenClass.unused : TokenClass.text;
      } else {
        classes[id] = tokenClass;
      }
      offsets[id + 1] = bytes.length;
      texts.push(Buffer.from(functions.vocabText(vocab, id)));
      textOffsets[id + 1] = texts.length;
    }
    const data = {
      kind,
      bytes: bytes.shared(),
      offsets,
      texts: texts.shared(),
      textOffsets,
      classes,
      bos: functions.vocabBos(vocab),
      addsSpacePrefix: false,
    };
    // What the metadata says about a dummy prefix is not what every tokenizer does; ask it.
    data.addsSpacePrefix = this.#putsSpaceFirst(data);
    return new Vocabulary(data);
  }

  #putsSpaceFirst(data: { bytes: Uint8Array; offsets: Uint32Array }): boolean {
    const ids = this.encode(Buffer.from("a"), { parseSpecial: false, addBos: false });
    const bytes = Buffer.concat(Array.from(ids, (id) => data.bytes.slice(data.offsets[id], data.offsets[id + 1])));
    return bytes.toString("latin1") === " a";
  }
}

/** Bytes of unknown total length, collected and then shared between threads. */
class GrowingBytes {
  #bytes: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.alloc(capacity);
  }

  push(more: Uint8Array): void {
    if (this.length + more.length > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], 2 * (this.length + more.length));
    this.#bytes.set(more, this.length);
    this.length += more.length;
  }

  shared(): Uint8Array {
    const shared = new Uint8Array(new SharedArrayBuffer(this.length));
    shared.set(this.#bytes.subarray(0, this.length));
    return shared;
  }
}
