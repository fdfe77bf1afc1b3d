import { describe, expect, it } from "vitest";
import {
  bytePairVocabulary,
  byteVocabulary,
  sentencePieceVocabulary,
  twinVocabulary,
} from "../../../../src/laws/scripted-members.js";
import { textOfTokens } from "../../../../src/laws/text-of-tokens.js";
import type { Encoder } from "../../../../src/member/llama/piece-encoder.js";
import { TokenTrail } from "../../../../src/member/llama/token-trail.js";
import { ScriptedTokenizer } from "../../../../src/member/scripted/tokenizer.js";
import type { Vocabulary } from "../../../../src/vocabulary/vocabulary.js";
import { between, generator, randomSplit, randomText } from "../../../vocabularies/random-texts.js";

const vocabularies: [string, Vocabulary][] = [
  ["one token a byte", byteVocabulary()],
  ["byte-level BPE", bytePairVocabulary()],
  ["SentencePiece", sentencePieceVocabulary()],
  ["twin tokens", twinVocabulary()],
];

function trailOver(vocabulary: Vocabulary): { trail: TokenTrail; encode: (text: string | Uint8Array) => number[] } {
  const tokenizer = new ScriptedTokenizer(vocabulary, "longest");
  const encoder: Encoder = {
    vocabulary,
    encode: (text, options) => Int32Array.from(tokenizer.encodeSegments(tokenizer.split(text, options))),
  };
  const plain = { parseSpecial: true, addBos: true };
  return { trail: new TokenTrail(encoder), encode: (text) => Array.from(encoder.encode(Buffer.from(text), plain)) };
}

const begin = (trail: TokenTrail, text: string) =>
  trail.begin({ text: Buffer.from(text), parseSpecial: true, addBos: true });
const append = (trail: TokenTrail, bytes: string | Uint8Array, kind: "text" | "piece" = "text") =>
  trail.append({ kind, bytes: Buffer.from(bytes) });
const list = (trail: TokenTrail) => Array.from(trail.tokens);

describe.each(vocabularies)("a token trail over %s", (_, vocabulary) => {
  it("keeps every byte of any bytes, valid or not, and is canonical on whatever is text", () => {
    const { trail, encode } = trailOver(vocabulary);
    const random = generator(3);
    for (let walk = 0; walk < 200; walk++) {
      begin(trail, "Hello, the");
      let bytes = Buffer.from("Hello, the");
      for (let part = between(random, 1, 20); part > 0; part--) {
        const more =
          random() < 0.3
            ? Buffer.from(Array.from({ length: between(random, 1, 5) }, () => between(random, 0x78, 0xff)))
            : Buffer.from(randomText(random, 1)).subarray(0, between(random, 1, 30));
        append(trail, more);
        bytes = Buffer.concat([bytes, more]);
        expect(textOfTokens(vocabulary, trail.tokens).equals(bytes)).toBe(true);
      }
      const valid = bytes.toString();
      if (!valid.includes("\ufffd")) expect(list(trail)).toEqual(encode(valid));
    }
  });

  it("starts anew behind bytes that are no text: what stands before them never changes again", () => {
    const { trail } = trailOver(vocabulary);
    begin(trail, "the");
    append(trail, Buffer.of(0xff, 0xc3));
    const before = list(trail).slice(0, -1);
    append(trail, " cat");
    append(trail, "s and dogs");
    expect(list(trail).slice(0, before.length)).toEqual(before);
    const fresh = trailOver(vocabulary);
    begin(fresh.trail, "Hello the");
    append(fresh.trail, " cats and dogs", "piece");
    const piece = list(fresh.trail).slice(list(fresh.trail).length - (list(trail).length - before.length - 1));
    expect(list(trail).slice(before.length + 1)).toEqual(piece);
  });

  it("refuses a prompt that is not UTF-8, or has no tokens, and keeps its list", () => {
    const { trail } = trailOver(vocabulary);
    begin(trail, "the cat");
    const before = list(trail);
    const invalid = { text: Buffer.of(0x61, 0xe2, 0x82), parseSpecial: false, addBos: true };
    expect(() => trail.begin(invalid)).toThrowError(expect.objectContaining({ code: "invalid-text" }));
    const nothing = { text: new Uint8Array(0), parseSpecial: false, addBos: false };
    expect(() => trail.begin(nothing)).toThrowError(expect.objectContaining({ code: "invalid-text" }));
    expect(list(trail)).toEqual(before);
  });

  it("appends token ids as they are, and text behind them canonically", () => {
    const { trail, encode } = trailOver(vocabulary);
    begin(trail, "the");
    const letters = Array.from("dog", (letter) => vocabulary.idOf(letter));
    trail.append({ kind: "tokens", ids: letters });
    expect(list(trail)).toEqual([...encode("the"), ...letters]);
    append(trail, " hello");
    expect(list(trail)).toEqual(encode("thedog hello"));
    const [end] = vocabulary.endTokens;
    trail.append({ kind: "tokens", ids: [end] });
    expect(trail.atFragmentStart).toBe(vocabulary.addsSpacePrefix);
    append(trail, "the cat");
    expect(list(trail)).toEqual(encode(`thedog hello${vocabulary.textOf(end)}the cat`));
    for (const id of [-1, vocabulary.size, 1.5]) {
      expect(() => trail.append({ kind: "tokens", ids: [id] })).toThrowError(
        expect.objectContaining({ code: "invalid-option", details: { found: id, allowed: vocabulary.size - 1 } }),
      );
    }
  });

  it("puts the tokenizer's space before a piece only at the start of a fragment", () => {
    const { trail, encode } = trailOver(vocabulary);
    const special = vocabulary.textOf(vocabulary.endTokens[0]);
    begin(trail, `the${special}`);
    append(trail, "hello", "piece");
    expect(list(trail)).toEqual(encode(`the${special}hello`));
    append(trail, "dog", "piece");
    expect(textOfTokens(vocabulary, trail.tokens).toString()).toBe("thehellodog");
    append(trail, " cat");
    expect(list(trail)).toEqual(encode(`the${special}hellodog cat`));
  });

  it("says which token begins so many bytes before the end, if one does", () => {
    const { trail } = trailOver(vocabulary);
    const random = generator(4);
    for (let walk = 0; walk < 100; walk++) {
      begin(trail, "Hello");
      for (const part of randomSplit(random, Buffer.from(randomText(random, 10)), 5)) {
        append(trail, part);
        const start = vocabulary.bos < 0 ? 0 : 1;
        const lengths = list(trail).map((id) => vocabulary.bytesOf(id).length);
        // A tokenizer's own space is no part of the text.
        if (vocabulary.addsSpacePrefix) lengths[start]--;
        const text = textOfTokens(vocabulary, trail.tokens).length;
        const starts = new Map<number, number>([[0, list(trail).length]]);
        for (let index = lengths.length, bytes = 0; index-- > start; ) starts.set((bytes += lengths[index]), index);
        const places = Array.from({ length: text + 2 }, (_, bytes) => bytes);
        expect(places.map((bytes) => trail.tokenBefore(bytes))).toEqual(
          places.map((bytes) => (bytes > text ? -1 : (starts.get(bytes) ?? -1))),
        );
      }
    }
  });

  it("is as it was behind what was tried aside", () => {
    const { trail, encode } = trailOver(vocabulary);
    const [end] = vocabulary.endTokens;
    begin(trail, "the do");
    const before = list(trail);
    trail.takeUnchanged();
    trail.aside(() => {
      append(trail, "g, hello");
      expect(list(trail)).toEqual(encode("the dog, hello"));
      trail.append({ kind: "tokens", ids: [end] });
      append(trail, "a new text behind it");
      append(trail, Buffer.of(0xff, 0xc3));
    });
    expect(list(trail)).toEqual(before);
    const unchanged = trail.takeUnchanged();
    expect(unchanged).toBeLessThanOrEqual(before.length);
    append(trail, "ing");
    expect(list(trail)).toEqual(encode("the doing"));
    expect(() => trail.aside(() => trail.append({ kind: "tokens", ids: [-1] }))).toThrowError(/-1/);
    append(trail, " well");
    expect(list(trail)).toEqual(encode("the doing well"));
  });
});

it("only appends where the tokenizer does not give a prompt's tokens back", () => {
  const vocabulary = byteVocabulary();
  // Like a tokenizer that normalises, but not around special tokens.
  const encoder: Encoder = {
    vocabulary,
    encode: (text, { parseSpecial }) =>
      Int32Array.from(Buffer.from(parseSpecial ? text : Buffer.from(Buffer.from(text).toString().toLowerCase()))),
  };
  const trail = new TokenTrail(encoder);
  begin(trail, "ABC");
  expect(trail.isCanonical).toBe(false);
  append(trail, "D");
  append(trail, "e");
  expect(Buffer.from(trail.tokens).toString()).toBe("ABCde");
  begin(trail, "abc");
  expect(trail.isCanonical).toBe(true);
});

it("asks for the whole text where a tokenizer does not split at the cuts", () => {
  const vocabulary = bytePairVocabulary();
  const tokenizer = new ScriptedTokenizer(vocabulary, "longest");
  const faithful: Encoder = { vocabulary, encode: (text) => Int32Array.from(tokenizer.encode(text, true)) };
  expect(new TokenTrail(faithful).usesCuts).toBe(true);
  // The last token depends on how long the whole text is.
  const forgetful: Encoder = {
    vocabulary,
    encode: (text) => Int32Array.from([...tokenizer.encode(text, true), text.length % 256]),
  };
  expect(new TokenTrail(forgetful).usesCuts).toBe(false);
  expect(new TokenTrail({ ...faithful, vocabulary: byteVocabulary() }).usesCuts).toBe(false);
});

describe("behind a prompt that the tokenizer does not give back", () => {
  const vocabulary = byteVocabulary();
  const [end] = vocabulary.endTokens;
  const encoder: Encoder = {
    vocabulary,
    encode: (text, { parseSpecial }) =>
      Int32Array.from(Buffer.from(parseSpecial ? text : Buffer.from(Buffer.from(text).toString().toLowerCase()))),
  };
  const said = (trail: TokenTrail) => Buffer.from(trail.tokens.filter((id) => id !== end)).toString();
  const odd = () => {
    const trail = new TokenTrail(encoder);
    begin(trail, "ABC");
    return trail;
  };

  it("what is tried aside is only appended, too", () => {
    const trail = odd();
    trail.aside(() => {
      append(trail, "D");
      expect([said(trail), trail.isCanonical]).toEqual(["ABCd", false]);
    });
    expect([said(trail), trail.isCanonical]).toEqual(["ABC", false]);
  });

  it("text is canonical again behind a special token", () => {
    const trail = odd();
    append(trail, "D");
    trail.append({ kind: "tokens", ids: [end] });
    expect(trail.isCanonical).toBe(true);
    append(trail, "EF");
    expect(said(trail)).toBe("ABCdef");
  });

  it("text is canonical again behind a prompt that is tokens, or another text", () => {
    const trail = odd();
    trail.begin({ text: new Uint8Array(), tokens: [0x78, end], parseSpecial: false, addBos: false });
    expect(trail.isCanonical).toBe(true);
    begin(trail, "ABC");
    expect(trail.isCanonical).toBe(false);
    begin(trail, "abc");
    append(trail, "D");
    expect([said(trail), trail.isCanonical]).toEqual(["abcd", true]);
  });
});
