/** Where words and spans end: white space of all kinds, ideographs, halves of characters, texts without spaces. */
import { describe, expect, it } from "vitest";
import { afterLine, afterSentence, afterWords, withinTokens } from "../../../../src/during/span/ends.js";
import { commonTokenEnds, countWords, wordEnds } from "../../../../src/during/span/words.js";
import { cutAt } from "../../../../src/during/span/writers.js";
import type { Saying } from "../../../../src/member/member.js";

const partsOf = (text: string, ended: boolean): string[] => {
  const bytes = Buffer.from(text);
  let from = 0;
  return wordEnds(bytes, ended).map((end) => bytes.subarray(from, (from = end)).toString("utf8"));
};
const written = (...tokens: string[]) => {
  const sayings = tokens.map((text, id): Saying => ({ id, bytes: Buffer.from(text), logProb: -1 }));
  return { bytes: Buffer.from(tokens.join("")), sayings, ended: false };
};

describe("word ends", () => {
  it.each([
    ["a word counts once something follows that is no part of it", " the river", false, [" the"]],
    ["the last word counts where the text is over", " the river", true, [" the", " river"]],
    ["white space stays as it is", "if x:\n\treturn  1\n", true, ["if", " x:", "\n\treturn", "  1"]],
    ["no-break and ideographic spaces part words", "a\u00a0b\u3000c", true, ["a", "\u00a0b", "\u3000c"]],
    ["each ideograph is a word, whole as soon as it stands", "日本go 語", false, ["日", "本", "go", " 語"]],
    ["accents are letters", "naïve café", true, ["naïve", " café"]],
    ["blank text has none", "  \n", true, []],
  ])("%s", (_, text, ended, parts) => expect(partsOf(text, ended)).toEqual(parts));

  it("do not count half a character, nor stop at bytes that are none", () => {
    const half = Buffer.from("a 日").subarray(0, 4);
    expect(wordEnds(half, true)).toEqual([1]);
    expect(wordEnds(Buffer.from([0x61, 0xff, 0xfe, 0x20, 0x62]), true)).toEqual([3, 5]);
  });

  it("come at last where a script writes no spaces, behind whole characters", () => {
    const bytes = Buffer.from("か".repeat(50));
    const ends = wordEnds(bytes, false);
    expect(ends).toEqual([63, 126]);
    expect(countWords(bytes)).toBe(3);
    expect(countWords(new Uint8Array())).toBe(1);
  });
});

describe("token ends", () => {
  const bytesOf = (tokens: string[]) => tokens.map((token) => Buffer.from(token));
  it("are those of every tokenisation, a tokenizer's own space before the text left out", () => {
    const tokenisations = [bytesOf([" the", " cat"]), bytesOf([" ", " the", " c", "at"])];
    expect(commonTokenEnds(8, tokenisations)).toEqual([4, 8]);
    expect(commonTokenEnds(8, [])).toEqual([8]);
  });
});

describe("ends of spans", () => {
  it("come behind so many words, and not before the last is whole", () => {
    expect(afterWords(2).at(written(" a", " small"))).toBeUndefined();
    expect(afterWords(2).at(written(" a", " small", " har"))).toBe(8);
  });

  it("come behind the last whole word of so many tokens, or the first word", () => {
    expect(withinTokens(3).at(written(" a", " small", " har"))).toBe(8);
    expect(withinTokens(3).at(written(" a", " b"))).toBeUndefined();
    expect(withinTokens(2).at(written(" har", "bo", "ur"))).toBeUndefined();
    expect(withinTokens(2).at(written(" har", "bo", "ur", " is"))).toBe(8);
  });

  it("come behind lines and sentences", () => {
    expect(afterLine.at(written("\n", "x = 1", "\n\n", "y"))).toBe(8);
    expect(afterLine.at(written("\n", "x = 1", "\n"))).toBeUndefined();
    expect(afterSentence.at(written("He said", ' "no."', " Then"))).toBe(13);
    expect(afterSentence.at(written("pi is 3.14"))).toBeUndefined();
    expect(afterSentence.at(written("日本。語"))).toBe(9);
  });

  it("cut what was written to the tokens that hold it", () => {
    const cut = cutAt({ ...written(" a", " small", " har"), ended: true }, 6);
    expect([Buffer.from(cut.bytes).toString(), cut.sayings.length, cut.ended]).toEqual([" a sma", 2, false]);
  });
});
