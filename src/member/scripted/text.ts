/**
 * What a scripted member has been told: text between special tokens, and the tokens that the member reads it as. It never
 * changes; with more text it is another one.
 */
import { TokenClass, textAtFragmentStart } from "../../vocabulary/vocabulary.js";
import type { MemberPrompt } from "../member.js";
import type { ScriptedTokenizer, Segment } from "./tokenizer.js";

export class ScriptedText {
  private constructor(
    private readonly tokenizer: ScriptedTokenizer,
    private readonly segments: readonly Segment[],
    readonly tokens: readonly number[],
  ) {}

  static empty(tokenizer: ScriptedTokenizer): ScriptedText {
    return new ScriptedText(tokenizer, [], []);
  }

  /** The prompt's tokens where it brings them, which are in the vocabulary; else its text, tokenised. */
  static of(tokenizer: ScriptedTokenizer, prompt: MemberPrompt): ScriptedText {
    if (prompt.tokens !== undefined) return ScriptedText.empty(tokenizer).withTokens(prompt.tokens);
    const segments = tokenizer.split(prompt.text, prompt);
    return new ScriptedText(tokenizer, segments, tokenizer.encodeSegments(segments));
  }

  /** The text, special tokens left out. */
  get bytes(): Uint8Array {
    return Buffer.concat(this.segments.map((segment) => ("text" in segment ? segment.text : new Uint8Array())));
  }

  /** Whether what comes next begins with the space that the tokenizer puts before a first word. */
  get atFragmentStart(): boolean {
    const last = this.segments.at(-1);
    return this.tokenizer.vocabulary.addsSpacePrefix && (last === undefined || "special" in last);
  }

  /** Without its last bytes, which are behind the last special token, if a token begins where they do; else undefined. */
  before(bytes: number): ScriptedText | undefined {
    const { vocabulary } = this.tokenizer;
    const last = this.segments.at(-1);
    const text = last !== undefined && "text" in last ? last.text : new Uint8Array();
    if (bytes > text.length) return undefined;
    const start = this.tokens.findLastIndex((id) => vocabulary.classOf(id) !== TokenClass.text) + 1;
    let index = bytes === text.length ? start : this.tokens.length;
    for (let left = bytes; index > start && left > 0; index--) {
      left -= vocabulary.bytesOf(this.tokens[index - 1]).length;
      if (left < 0) return undefined;
    }
    const others = text.length === 0 ? this.segments : this.segments.slice(0, -1);
    const segments = extended(others, text.subarray(0, text.length - bytes));
    return new ScriptedText(this.tokenizer, segments, this.tokens.slice(0, index));
  }

  /** Its first tokens, with the text of all of them; for scripts, not for more text. */
  upTo(count: number): ScriptedText {
    return ScriptedText.empty(this.tokenizer).withTokens(this.tokens.slice(0, count));
  }

  /** These tokens behind the others, which stay as they are. */
  withTokens(ids: readonly number[]): ScriptedText {
    const { vocabulary } = this.tokenizer;
    let text: ScriptedText = this;
    for (const id of ids) {
      const bytes = vocabulary.bytesOf(id);
      const segments =
        vocabulary.classOf(id) === TokenClass.text
          ? extended(text.segments, text.atFragmentStart ? textAtFragmentStart(bytes) : bytes)
          : [...text.segments, { special: id }];
      text = new ScriptedText(this.tokenizer, segments, [...text.tokens, id]);
    }
    return text;
  }

  /** A string tokenised on its own behind the tokens that are there. */
  withPiece(bytes: Uint8Array): ScriptedText {
    const ids = this.tokenizer.encode(bytes, this.atFragmentStart);
    return new ScriptedText(this.tokenizer, extended(this.segments, bytes), [...this.tokens, ...ids]);
  }

  /** More text, and all of it tokenised again. */
  withText(bytes: Uint8Array): ScriptedText {
    const segments = extended(this.segments, bytes);
    return new ScriptedText(this.tokenizer, segments, this.tokenizer.encodeSegments(segments));
  }
}

/** The segments with more text at the end. */
function extended(segments: readonly Segment[], bytes: Uint8Array): Segment[] {
  const last = segments.at(-1);
  if (bytes.length === 0) return [...segments];
  if (last === undefined || "special" in last) return [...segments, { text: Uint8Array.from(bytes) }];
  return [...segments.slice(0, -1), { text: Buffer.concat([last.text, bytes]) }];
}
