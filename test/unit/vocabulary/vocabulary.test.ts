/** Tokens by their bytes: which one stands for a string that several tokens spell. */
import { describe, expect, it } from "vitest";
import { PieceEncoder } from "../../../src/member/llama/piece-encoder.js";
import { byteKey, makeVocabulary, TokenClass, textAtFragmentStart } from "../../../src/vocabulary/vocabulary.js";
import { refusal } from "../../support/refusal.js";

const text = (string: string, written?: string) => ({ bytes: Buffer.from(string), text: written });
const none = new Uint8Array();

/** A byte token before its character and one behind it, a word three times, a control and an unused token that spell words. */
const vocabulary = makeVocabulary([
  text("A", "<0x41>"), // 0
  text("A", "A"), // 1
  text("B", "B"), // 2
  text("B", "<0x42>"), // 3
  text("C", "<0x43>"), // 4
  text("C", "<0x43>"), // 5
  text(" the", "▁the"), // 6
  text("the", "the"), // 7
  text(" the", "Ġthe"), // 8
  text("the", "The"), // 9
  { bytes: none, class: TokenClass.end, text: "</s>" }, // 10
  { bytes: none, class: TokenClass.control, text: "<s>" }, // 11
  { bytes: none, class: TokenClass.end, text: "<|im_end|>" }, // 12
  { bytes: none, class: TokenClass.unused, text: "<unk>" }, // 13
  text(" ", "▁"), // 14
  text("<0x41>", "<0x41>"), // 15
]);

describe("the token of a string", () => {
  it("is the lowest that is not a byte token, wherever the byte token stands", () => {
    expect(["A", "B", " the", "the"].map((key) => vocabulary.idOf(key))).toEqual([1, 2, 6, 7]);
  });

  it("is the lowest where all are byte tokens, and -1 where there is none", () => {
    expect(vocabulary.idOf("C")).toBe(4);
    expect([vocabulary.idOf("D"), vocabulary.idOf("")]).toEqual([-1, -1]);
  });

  it("is what bytes without a character are fed back as", () => {
    const encoder = new PieceEncoder({ vocabulary, encode: () => Int32Array.of() });
    expect([...encoder.encode(Buffer.concat([Buffer.from("ABC the"), Buffer.of(0xff)]))]).toEqual([1, 2, 4, 6]);
  });
});

describe("the tokens of a string", () => {
  it("are all text tokens with its bytes, ascending", () => {
    expect(["A", "B", "C", " the", "the", "x", ""].map((key) => vocabulary.idsOf(key))).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 8],
      [7, 9],
      [],
      [],
    ]);
  });

  it("at the start of a fragment are those with the tokenizer's space as well, and a lone space stays", () => {
    expect(vocabulary.idsOf("the", true)).toEqual([6, 7, 8, 9]);
    // " the" would be the token of two spaces there.
    expect(vocabulary.idsOf(" the", true)).toEqual([]);
    expect(vocabulary.idsOf(" ", true)).toEqual([14]);
    expect(vocabulary.idsOf("", true)).toEqual([]);
    expect(
      [" the", "the", " ", "  ", ""].map((s) => Buffer.from(textAtFragmentStart(Buffer.from(s))).toString()),
    ).toEqual(["the", "the", " ", " ", ""]);
  });
});

it("knows byte tokens by their text and their single byte", () => {
  const ids = Array.from({ length: vocabulary.size }, (_, id) => id);
  expect(ids.filter((id) => vocabulary.isByteToken(id))).toEqual([0, 3, 4, 5]);
});

it("lists every end token, and gives bytes, classes and texts by id", () => {
  expect(vocabulary.endTokens).toEqual([10, 12]);
  expect([10, 11, 13, 0].map((id) => vocabulary.classOf(id))).toEqual([
    TokenClass.end,
    TokenClass.control,
    TokenClass.unused,
    TokenClass.text,
  ]);
  expect([6, 10].map((id) => vocabulary.keyOf(id))).toEqual([" the", ""]);
  expect([0, 8, 13].map((id) => vocabulary.textOf(id))).toEqual(["<0x41>", "Ġthe", "<unk>"]);
  expect(vocabulary.hasTexts).toBe(true);
  expect(byteKey(Buffer.of(0, 0xff, 0x41).subarray(1))).toBe("ÿA");
});

it("knows no texts where no token brings one, and some where one does", () => {
  const bare = makeVocabulary([text("a"), text("b")]);
  expect([bare.hasTexts, bare.textOf(0), bare.isByteToken(0)]).toEqual([false, "", false]);
  expect([bare.kind, bare.bos, bare.addsSpacePrefix]).toEqual(["other", -1, false]);
  const some = makeVocabulary([text("a"), text("b", "B")], { kind: "spm", bos: 0, addsSpacePrefix: true });
  expect([some.hasTexts, some.textOf(0), some.textOf(1)]).toEqual([true, "", "B"]);
  expect([some.kind, some.bos, some.addsSpacePrefix]).toEqual(["spm", 0, true]);
});

it.each([-1, 16, 1.5, Number.NaN])("refuses the id %d", async (id) => {
  const error = await refusal(() => vocabulary.checkId(id));
  expect([error.code, error.details.allowed]).toEqual(["invalid-option", "0 … 15"]);
  expect(error.message).toContain(`Token id ${id} is outside this vocabulary (0 … 15).`);
});

it("takes the first and the last id", () => {
  expect([vocabulary.checkId(0), vocabulary.checkId(15)]).toEqual([0, 15]);
});
