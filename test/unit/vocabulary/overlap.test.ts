/** How much vocabularies share, and whether they are one. */
import { describe, expect, it } from "vitest";
import { byVocabularies } from "../../../src/vocabulary/by-vocabularies.js";
import { byteStrings, overlaps, sharedOccurrences } from "../../../src/vocabulary/overlap.js";
import { firstDifference, neverTextOf, oneVocabularyMaps } from "../../../src/vocabulary/same-tokens.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";

const text = (string: string) => ({ bytes: Buffer.from(string) });
const none = new Uint8Array();
const end = { bytes: none, class: TokenClass.end };
const control = { bytes: none, class: TokenClass.control };
const unused = { bytes: none, class: TokenClass.unused };
const of = (...tokens: Parameters<typeof makeVocabulary>[0]) => makeVocabulary(tokens);

describe("the overlap", () => {
  const a = of(text("x"), text("y"), text("x"), end, control);
  const b = of(text("y"), text("z"), unused, text("x"), text("w"));
  const named = (name: string, vocabulary: Vocabulary) => ({ name, strings: byteStrings(vocabulary) });

  it("is counted over the distinct strings of text tokens", () => {
    expect([...byteStrings(a)]).toEqual(["x", "y"]);
    expect([...byteStrings(b)]).toEqual(["y", "z", "x", "w"]);
    expect(overlaps([named("a", a), named("b", b)])).toEqual([{ a: "a", b: "b", common: 2, union: 4, jaccard: 0.5 }]);
    expect(overlaps([named("b", b), named("a", a)])).toEqual([{ a: "b", b: "a", common: 2, union: 4, jaccard: 0.5 }]);
  });

  it("is that of every pair once, in order; 0 where both are empty", () => {
    const empty = named("e", of(end));
    const pairs = overlaps([named("a", a), empty, named("b", b), empty]);
    expect(pairs.map(({ a, b, jaccard }) => `${a}${b} ${jaccard}`)).toEqual([
      "ae 0",
      "ab 0.5",
      "ae 0",
      "eb 0",
      "ee 0",
      "be 0",
    ]);
    expect(overlaps([named("a", a)])).toEqual([]);
  });

  it("of a text is the share of its tokens that are strings of the other", () => {
    const strings = byteStrings(b);
    expect(sharedOccurrences([0, 0, 1, 0], a, strings)).toBe(1);
    expect(sharedOccurrences([1, 4, 1, 3], b, byteStrings(a))).toBe(0.25);
    expect(sharedOccurrences([0, 3, 4], a, new Set(["x", ""]))).toBeCloseTo(1 / 3, 12);
    expect(sharedOccurrences([], a, strings)).toBe(0);
  });
});

describe("two vocabularies", () => {
  const base = () => of(text("a"), text("bc"), control, end);

  it.each<[string, Vocabulary, number]>([
    ["are one where their tokens are", base(), -1],
    ["are one where what is never text differs", of(text("a"), text("bc"), end, unused), -1],
    ["are one with more padding", of(text("a"), text("bc"), control, end, unused, control), -1],
    ["differ in a byte", of(text("a"), text("bd"), control, end), 1],
    ["differ in the first byte", of(text("a"), text("dc"), control, end), 1],
    ["differ in a longer token", of(text("a"), text("bcd"), control, end), 1],
    ["differ in a shorter token", of(text("a"), text("b"), control, end), 1],
    ["differ where only one has text", of(text("a"), text("bc"), text("d"), end), 2],
    ["differ where one lacks text", of(text("a"), control, control, end), 1],
    ["differ in text behind the other's end", of(text("a"), text("bc"), control, end, unused, text("d")), 5],
    ["differ in the first token", of(end, text("bc"), control, end), 0],
  ])("%s", (_, other, at) => {
    const own = base();
    expect(firstDifference(own, other)).toBe(at);
    expect(firstDifference(other, own)).toBe(at);
    expect(firstDifference(own, own)).toBe(-1);
  });
});

describe("the space of one vocabulary", () => {
  const make = () => [
    of(text("a"), control, end, text(""), text("b"), end, unused),
    of(text("a"), end, end, text(""), text("b"), control, unused, control),
  ];

  it("has the end first, each token behind it, and what is never text behind all", () => {
    const { size, maps } = oneVocabularyMaps(make());
    expect(size).toBe(8);
    expect(maps.map((map) => [...map])).toEqual([
      [1, 8, 0, 8, 5, 0, 8],
      [1, 0, 0, 8, 5, 8, 8, 8],
    ]);
    expect(maps[0].buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it("is made once, and knows the tokens that are never text", () => {
    const [small, padded] = make();
    expect(oneVocabularyMaps([small, padded])).toBe(oneVocabularyMaps([small, padded]));
    expect(oneVocabularyMaps([padded, small])).not.toBe(oneVocabularyMaps([small, padded]));
    expect([...neverTextOf(small)]).toEqual([1, 3, 6]);
    expect(neverTextOf(small)).toBe(neverTextOf(small));
    expect([...neverTextOf(padded)]).toEqual([3, 5, 6, 7]);
  });
});

describe("what is built from vocabularies", () => {
  it("is built once for the same ones in the same order, and for no others", () => {
    const [a, b, c] = [of(text("a")), of(text("b")), of(text("c"))];
    const built = byVocabularies((vocabularies) => ({ vocabularies: [...vocabularies] }));
    const lists = [[a, b], [a, c], [a], [a, b, c], [b, a], [a, a]];
    const values = lists.map((list) => built(list));
    for (const [index, list] of lists.entries()) {
      expect(values[index].vocabularies).toEqual(list);
      expect(built([...list])).toBe(values[index]);
    }
    expect(new Set(values).size).toBe(lists.length);
    // The caller's list may change.
    const list = [c, a];
    const value = built(list);
    list.pop();
    expect(built([c, a])).toBe(value);
  });
});
