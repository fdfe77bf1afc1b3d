import { expect, it } from "vitest";
import { PublishedUnion, prefixProbe, publishedTokenIds } from "../../../../src/during/alignments/published-strings.js";
import { bytePairVocabulary, byteVocabulary, sentencePieceVocabulary } from "../../../../src/laws/scripted-members.js";

const hex = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
const sp = (...pieces: string[]) => [...hex, ...pieces];
const textsOf = (vocabulary: ReturnType<typeof byteVocabulary>) =>
  Array.from({ length: vocabulary.size }, (_, id) => vocabulary.textOf(id));

it("chooses the shortest, then first, word that is inside no other word", () => {
  expect(prefixProbe(sp("▁", "▁the", "▁q", "▁quick", "▁zz", "▁é", "▁b", "▁ab▁", "a"))).toBe("b");
  expect(prefixProbe(sp("▁q", "▁quick", "▁𝒳", "▁\u{fffd}"))).toBe("\u{fffd}");
  expect(prefixProbe(sp("▁\u00a0", "▁xy"))).toBe("xy");
  expect(prefixProbe(textsOf(bytePairVocabulary()))).toBe("");
  expect(() => prefixProbe(sp("▁"))).toThrow(/prefix probe/);
});

it("puts a byte-level member's letters beside SentencePiece's, and its other bytes on the byte entries", () => {
  const bpe = textsOf(bytePairVocabulary());
  const union = new PublishedUnion([textsOf(sentencePieceVocabulary()), bpe]);
  const stringOf = (text: string) => union.strings[union.maps[1][bpe.indexOf(text)]];
  expect(stringOf("a")).toBe("a");
  expect(stringOf(".")).toBe("<0x2E>");
  expect(stringOf("Ġ")).toBe("<0x20>");
  expect(stringOf("Ġthe")).toBe(" the");
  const alone = new PublishedUnion([bpe]);
  expect(alone.strings[alone.maps[0][bpe.indexOf("a")]]).toBe("<0x61>");
  expect(alone.idsOf(0, alone.entryOf("<0x61>"))).toEqual([bpe.indexOf("a")]);
});

it("says which byte or letter a vocabulary lacks", () => {
  expect(() => new PublishedUnion([["▁a", "b"]])).toThrow(/<0x00>/);
  expect(() => new PublishedUnion([sp("▁a"), textsOf(bytePairVocabulary())])).toThrow(/token "0"/);
});

it("finds the family again without the byte tokens, as the released code does", () => {
  // "Ġ" alone makes it byte-level; without the bytes there is a tie, and SentencePiece's rule holds.
  const texts = [...textsOf(byteVocabulary()), "▁x▁y"];
  const withSecond = [...texts, "ĠzĠ", "Ġw"];
  expect(new PublishedUnion([withSecond]).entryOf(" z ")).toBeGreaterThanOrEqual(0);
  const tied = new PublishedUnion([[...texts, "Ġz"]]);
  expect(tied.entryOf("Ġz")).toBeGreaterThanOrEqual(0);
  expect(tied.entryOf(" x y")).toBeGreaterThanOrEqual(0);
});

it("tries the probe, then a semicolon, then the bare string", async () => {
  const calls: string[] = [];
  const idsFor: Record<string, number[]> = {
    q: [1],
    qab: [9],
    ";": [2],
    ";ab": [2, 5, 6],
    qcd: [9],
    ";cd": [8],
    cd: [3],
  };
  const feedback = {
    byteTable: new Map([["<0x41>", 65]]),
    probe: "q",
    endStrings: new Set(["</s>"]),
    endId: 77,
    encode: (text: string) => {
      calls.push(text);
      return idsFor[text];
    },
  };
  expect(await publishedTokenIds("ab", feedback)).toEqual([5, 6]);
  expect(calls).toEqual(["q", "qab", ";", ";ab"]);
  expect(await publishedTokenIds("cd", feedback)).toEqual([3]);
  expect(await publishedTokenIds("<0x41>", feedback)).toEqual([65]);
  expect(await publishedTokenIds("</s>", feedback)).toEqual([77]);
});
