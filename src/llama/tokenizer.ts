/** A model's tokenizer in llama.cpp: text → token ids, and its vocabulary as bytes. */
import { LlamafuseError } from "../errors.js";
import { TokenClass, Vocabulary, type VocabularyKind } from "../vocabulary/vocabulary.js";
import type { LlamaFunctions, Pointer } from "./bindings.js";

const VOCABULARY_KINDS: Record<number, VocabularyKind> = { 1: "spm", 2: "bpe" };
/** Bits of llama_token_attr. */
const ATTRIBUTE = { unknown: 1, unused: 2, normal: 4, control: 8, userDefined: 16, byte: 32 };

export class LlamaTokenizer {
  readonly vocabulary: Vocabulary;
  readonly addsBos: boolean;
  #buffer = new Int32Array(512);

  constructor(
    private readonly functions: LlamaFunctions,
    private readonly vocab: Pointer,
  ) {
    this.addsBos = functions.vocabAddsBos(vocab);
    this.vocabulary = this.#readVocabulary();
  }

  /**
   * Token ids of UTF-8 text. `parseSpecial`: special tokens written in the text mean the tokens; `addBos`: put what
   * this tokenizer puts before (and after) a text.
   */
  encode(text: Uint8Array, options: { parseSpecial: boolean; addBos: boolean }): Int32Array {
    let count = this.functions.tokenize(
      this.vocab,
      text,
      text.length,
      this.#buffer,
      this.#buffer.length,
      options.addBos,
      options.parseSpecial,
    );
    if (count < 0) {
      this.#buffer = new Int32Array(-count);
      count = this.functions.tokenize(
        this.vocab,
        text,
        text.length,
        this.#buffer,
        this.#buffer.length,
        options.addBos,
        options.parseSpecial,
      );
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
    let bytes = Buffer.alloc(size * 8 + 64);
    const piece = Buffer.alloc(4096);
    let end = 0;
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
        if (end + length > bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(bytes.length + length)]);
        source.copy(bytes, end, 0, length);
        end += length;
        // A text token without bytes can never be chosen: it would change nothing.
        classes[id] = length === 0 ? TokenClass.unused : TokenClass.text;
      } else {
        classes[id] = tokenClass;
      }
      offsets[id + 1] = end;
    }
    const shared = new Uint8Array(new SharedArrayBuffer(end));
    shared.set(bytes.subarray(0, end));
    const data = { kind, bytes: shared, offsets, classes, bos: functions.vocabBos(vocab), addsSpacePrefix: false };
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
