/** Where a member stops writing a span: each a rule over what is written so far. */
import type { Saying } from "../../member/member.js";
import { isUtf8 } from "../../vocabulary/utf8.js";
import { byteKey } from "../../vocabulary/vocabulary.js";
import type { Voice } from "../method.js";
import { commonTokenEnds, wordEnds } from "./words.js";

/** What a member has written of a span. */
export interface Written {
  bytes: Uint8Array;
  /** Its text tokens, in order. */
  sayings: readonly Saying[];
  /** Whether it ends the answer behind them. */
  ended: boolean;
}

export interface SpanEnd {
  /** Tokens that it takes at least to see an end. */
  least: number;
  /** The offset of the first end, above 0; undefined: the member writes on. */
  at(written: Written): number | undefined | Promise<number | undefined>;
}

/** Behind so many words. */
export function afterWords(count: number): SpanEnd {
  // The token after the last one shows that its word is whole.
  return { least: count + 1, at: ({ bytes }) => wordEnds(bytes, false)[count - 1] };
}

/** Behind the last whole word of so many tokens; behind the first word where they hold none. */
export function withinTokens(count: number): SpanEnd {
  return {
    least: count,
    at: ({ sayings, ended }) => {
      if (sayings.length < count || (ended && sayings.length === count)) return undefined;
      const within = Buffer.concat(sayings.slice(0, count).map(({ bytes }) => bytes));
      const whole = Buffer.concat(sayings.map(({ bytes }) => bytes));
      return wordEnds(within, false).at(-1) ?? wordEnds(whole, false)[0];
    },
  };
}

/** Behind a line that is not blank, with the line breaks that follow. */
export const afterLine: SpanEnd = { least: 4, at: ({ bytes }) => endOf(/\S[^\n]*\n[\s]*(?=\S)/, bytes) };

/** Behind a sentence's stop and the quotes and brackets that close with it; ideographic stops need no space behind. */
export const afterSentence: SpanEnd = {
  least: 8,
  at: ({ bytes }) =>
    endOf(/[.!?](?:["')\]]|\xe2\x80[\x99\x9d])*(?=\s)|\xe2\x80\xa6(?=\s)|\xe3\x80\x82|\xef\xbc[\x81\x9f]/, bytes),
};

/** Behind the whole answer. */
export const atTheEnd: SpanEnd = { least: 16, at: () => undefined };

/** Behind the first word that ends a token in every member's tokenisation. */
export function afterCommonWord(voices: readonly Voice[]): SpanEnd {
  return {
    least: 2,
    at: async ({ bytes }) => {
      const words = wordEnds(bytes, false);
      if (words.length === 0) return undefined;
      // What is not text yet belongs to no word, and tokenizers take nothing but text.
      const text = bytes.subarray(0, words.findLast((end) => isUtf8(bytes.subarray(0, end))) ?? 0);
      if (text.length === 0) return words[0];
      const tokenisations = await Promise.all(
        voices.map(async ({ member }) =>
          Array.from(await member.tokenize(text), (id) => member.vocabulary.bytesOf(id)),
        ),
      );
      const common = commonTokenEnds(text.length, tokenisations);
      return words.find((end) => common.includes(end));
    },
  };
}

/** Bytes as letters, so that a match's length is in bytes. */
function endOf(pattern: RegExp, bytes: Uint8Array): number | undefined {
  const found = pattern.exec(byteKey(bytes));
  return found === null ? undefined : found.index + found[0].length;
}
