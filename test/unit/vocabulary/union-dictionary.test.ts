import { describe, expect, it } from "vitest";
import { UnionDictionary, unionOf } from "../../../src/vocabulary/union-dictionary.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";

const text = (string: string) => ({ bytes: Buffer.from(string) });
const end = { bytes: new Uint8Array(), class: TokenClass.end };
const control = { bytes: new Uint8Array(), class: TokenClass.control };

const first = makeVocabulary([control, end, text(" a"), text("b"), text(" "), text("b")], { addsSpacePrefix: true });
const second = makeVocabulary([text("b"), text("c"), end, end, text("a"), control]);

function strings(union: UnionDictionary, size: number): string[] {
  return Array.from({ length: size }, (_, entry) => Buffer.from(union.bytesOf(entry)).toString());
}

describe("union dictionary", () => {
  it("has the pooled end, then each vocabulary's new byte strings in id order", () => {
    const union = new UnionDictionary([first, second]);
    expect(union.everywhere.size).toBe(6);
    expect(strings(union, 6)).toEqual(["", " a", "b", " ", "c", "a"]);
    expect(union.entryOf(Buffer.from("c"))).toBe(4);
    expect(union.entryOf(Buffer.from("d"))).toBe(-1);
  });

  it("maps end tokens to entry 0, tokens that are never text to the remainder, bytes-equal tokens to one entry", () => {
    const { maps } = new UnionDictionary([first, second]).everywhere;
    expect(Array.from(maps[0])).toEqual([6, 0, 1, 2, 3, 2]);
    expect(Array.from(maps[1])).toEqual([2, 4, 0, 0, 5, 6]);
    expect(maps[0].buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it("takes the tokenizer's space away at a fragment start, and leaves a lone one", () => {
    const alone = makeVocabulary([text(" x"), text(" "), text("y"), control], { addsSpacePrefix: true });
    const union = new UnionDictionary([alone, second]);
    const { size, maps } = union.mapsFor([true, false]);
    expect(strings(union, size)).toEqual(["", " x", " ", "y", "b", "c", "a", "x"]);
    expect(Array.from(maps[0])).toEqual([7, 2, 3, 8]);
    // The other member's strings stay where they are; only its remainder moves behind the larger space.
    expect(Array.from(maps[1])).toEqual([4, 5, 0, 0, 6, 8]);
    expect(union.mapsFor([true, false]).maps[1]).toBe(maps[1]);
    expect(union.mapsFor([false, false])).toBe(union.everywhere);
    expect(union.mapsFor([false, true])).toBe(union.everywhere);
  });

  it("is built once for the same vocabularies in the same order", () => {
    expect(unionOf([first, second])).toBe(unionOf([first, second]));
    expect(unionOf([first, second])).not.toBe(unionOf([second, first]));
    expect(unionOf([first, second])).not.toBe(unionOf([first]));
  });

  it("treats a text token without bytes as never text", () => {
    const { size, maps } = new UnionDictionary([makeVocabulary([text("a"), text(""), end])]).everywhere;
    expect(Array.from(maps[0])).toEqual([1, size, 0]);
  });
});

it("a vocabulary knows every token with the same bytes, and which there are at a fragment start", () => {
  const vocabulary: Vocabulary = makeVocabulary([text("a"), text(" a"), control, text("a"), text(" "), text("  ")]);
  expect(vocabulary.idsOf("a")).toEqual([0, 3]);
  expect(vocabulary.idOf("a")).toBe(0);
  expect(vocabulary.idsOf("b")).toEqual([]);
  expect(vocabulary.idOf("b")).toBe(-1);
  expect(vocabulary.idsOf("a", true)).toEqual([0, 1, 3]);
  expect(vocabulary.idsOf(" a", true)).toEqual([]);
  expect(vocabulary.idsOf(" ", true)).toEqual([4, 5]);
});

it("of tokens with the same bytes, texts are made of those that are no byte tokens", () => {
  const piece = (bytes: string, written = bytes) => ({ bytes: Buffer.from(bytes), text: written });
  const vocabulary = makeVocabulary([
    piece("a", "<0x61>"),
    piece("b", "<0x62>"),
    piece("<0x61>"),
    piece("a"),
    piece("a"),
  ]);
  expect(vocabulary.idOf("a")).toBe(3);
  expect(vocabulary.idsOf("a")).toEqual([0, 3, 4]);
  expect(vocabulary.idOf("b")).toBe(1);
  expect([0, 1, 2, 3].map((id) => vocabulary.isByteToken(id))).toEqual([true, true, false, false]);
});
