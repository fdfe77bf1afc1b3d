/**
 * The tokenizer of scripted members: greedy longest match from the left over a vocabulary's text tokens, or one token a
 * byte. Special tokens written in a text are found by their texts; behind each of them, and at the start, comes the
 * space that a vocabulary with `addsSpacePrefix` puts before a first word.
 */
import { LlamafuseError } from "../../errors.js";
import type { EncodeOptions } from "../../llama/tokenizer.js";
import { byteKey, TokenClass, type Vocabulary } from "../../vocabulary/vocabulary.js";

/** A text as the tokenizer sees it: special tokens, and the fragments of text between them (never empty). */
export type Segment = { special: number } | { text: Uint8Array };

const PREFIX_SPACE = Buffer.from(" ");

export class ScriptedTokenizer {
  readonly #idOfKey = new Map<string, number>();
  /** Special tokens that have a text, longest text first. */
  readonly #specials: { text: string; id: number }[] = [];
  #longest = 1;

  constructor(
    readonly vocabulary: Vocabulary,
    matching: "longest" | "bytes" = "longest",
  ) {
    for (let id = 0; id < vocabulary.size; id++) {
      const tokenClass = vocabulary.classOf(id);
      if (tokenClass === TokenClass.control || tokenClass === TokenClass.end) this.#addSpecial(id);
      if (tokenClass !== TokenClass.text) continue;
      const key = vocabulary.keyOf(id);
      if (key.length === 0 || (matching === "bytes" && key.length > 1)) continue;
      const known = this.#idOfKey.get(key);
      // `A` rather than `<0x41>`, as SentencePiece has it; the lowest id otherwise.
      if (known === undefined || vocabulary.isByteToken(known)) this.#idOfKey.set(key, id);
      this.#longest = Math.max(this.#longest, key.length);
    }
    this.#specials.sort((a, b) => b.text.length - a.text.length);
  }

  /** Cut a text into special tokens and fragments. */
  split(text: Uint8Array, options: EncodeOptions): Segment[] {
    const segments: Segment[] = [];
    if (options.addBos && this.vocabulary.bos >= 0) segments.push({ special: this.vocabulary.bos });
    const specials = options.parseSpecial ? this.#specials : [];
    const key = byteKey(text);
    let start = 0;
    for (let at = 0; at < key.length; ) {
      const special = specials.find((candidate) => key.startsWith(candidate.text, at));
      if (special === undefined || !isFree(at, at + special.text.length, options.letters)) {
        at++;
        continue;
      }
      if (at > start) segments.push({ text: text.slice(start, at) });
      segments.push({ special: special.id });
      at += special.text.length;
      start = at;
    }
    if (start < key.length) segments.push({ text: text.slice(start) });
    return segments;
  }

  encodeSegments(segments: readonly Segment[]): number[] {
    return segments.flatMap((segment) => ("special" in segment ? [segment.special] : this.encode(segment.text, true)));
  }

  /** The tokens of a piece of text; `startsFragment`: whether the tokenizer's own space comes first. */
  encode(text: Uint8Array, startsFragment: boolean): number[] {
    const prefixed = startsFragment && this.vocabulary.addsSpacePrefix && text.length > 0;
    const key = byteKey(prefixed ? Buffer.concat([PREFIX_SPACE, text]) : text);
    const ids: number[] = [];
    for (let at = 0; at < key.length; ) {
      let length = Math.min(this.#longest, key.length - at);
      while (length > 0 && !this.#idOfKey.has(key.slice(at, at + length))) length--;
      if (length === 0) throw this.#noToken(key.charCodeAt(at));
      ids.push(this.#idOfKey.get(key.slice(at, at + length)) as number);
      at += length;
    }
    return ids;
  }

  #addSpecial(id: number): void {
    const text = Buffer.from(this.vocabulary.textOf(id), "utf8").toString("latin1");
    if (text.length > 0) this.#specials.push({ text, id });
  }

  #noToken(byte: number): LlamafuseError {
    const found = `0x${byte.toString(16).padStart(2, "0")}`;
    return new LlamafuseError(
      "invalid-text",
      `The scripted vocabulary has no token for the byte ${found}. Give it one, or keep the byte out of the text.`,
      { found },
    );
  }
}

/** Whether no byte from `start` to `end` is in one of the ranges. */
function isFree(start: number, end: number, ranges: readonly number[] = []): boolean {
  return ranges.every((from, index) => index % 2 === 1 || end <= from || start >= ranges[index + 1]);
}
