import { describe, expect, it } from "vitest";
import { bytePairVocabulary, sentencePieceVocabulary, twinVocabulary } from "../../../src/laws/scripted-members.js";
import { ByteOrder } from "../../../src/vocabulary/byte-order.js";
import { TokenClass, textAtFragmentStart, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";

const vocabularies = { sp: sentencePieceVocabulary(), bpe: bytePairVocabulary(), twins: twinVocabulary() };
const wanted = ["", "t", "the", " the", "the cat", " ", "  ", " c", "q", "日", "<", "zzz"].map((text) =>
  Buffer.from(text),
);

/** By looking at every token. */
function agreeing(vocabulary: Vocabulary, bytes: Buffer, atFragmentStart: boolean) {
  const within: number[] = [];
  const beyond: number[] = [];
  for (let id = 0; id < vocabulary.size; id++) {
    if (vocabulary.classOf(id) !== TokenClass.text || vocabulary.bytesOf(id).length === 0) continue;
    const own = atFragmentStart ? textAtFragmentStart(vocabulary.bytesOf(id)) : vocabulary.bytesOf(id);
    const shared = Math.min(own.length, bytes.length);
    if (!bytes.subarray(0, shared).equals(own.subarray(0, shared))) continue;
    (own.length > bytes.length ? beyond : within).push(id);
  }
  return { within, beyond };
}

describe("tokens in the order of their bytes", () => {
  it.each(Object.entries(vocabularies))("finds the tokens that agree with wanted bytes: %s", (_, vocabulary) => {
    const order = ByteOrder.of(vocabulary);
    for (const bytes of [...wanted, Buffer.of(0xe4), Buffer.of(0xe4, 0xb8)]) {
      for (const atFragmentStart of [false, true]) {
        const found = order.agreeing(bytes, atFragmentStart);
        const expected = agreeing(vocabulary, bytes, atFragmentStart);
        const ascending = (ids: number[]) => ids.sort((a, b) => a - b);
        expect(ascending([...found.within])).toEqual(expected.within);
        expect(ascending(found.beyond.flatMap((part) => [...part]))).toEqual(expected.beyond);
      }
    }
  });

  it("is made once for a vocabulary", () => {
    expect(ByteOrder.of(vocabularies.sp)).toBe(ByteOrder.of(vocabularies.sp));
  });
});
