import { describe, expect, it } from "vitest";
import { bytePairVocabulary, sentencePieceVocabulary, twinVocabulary } from "../../../src/laws/scripted-members.js";
import { ByteOrder } from "../../../src/vocabulary/byte-order.js";
import {
  makeVocabulary,
  TokenClass,
  textAtFragmentStart,
  type Vocabulary,
} from "../../../src/vocabulary/vocabulary.js";

const makers = { sp: sentencePieceVocabulary, bpe: bytePairVocabulary, twins: twinVocabulary };
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
  it.each(Object.entries(makers))("finds the tokens that agree with wanted bytes: %s", (_, make) => {
    const vocabulary = make();
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
    const vocabulary = twinVocabulary();
    const order = ByteOrder.of(vocabulary);
    expect(ByteOrder.of(vocabulary)).toBe(order);
    expect(ByteOrder.of(twinVocabulary())).not.toBe(order);
  });

  it("lists the tokens that say some of the bytes, the shorter ones first and equal ones by their ids", () => {
    const text = (string: string) => ({ bytes: Buffer.from(string) });
    const none = { bytes: new Uint8Array() };
    const control = { bytes: new Uint8Array(), class: TokenClass.control };
    const order = ByteOrder.of(
      makeVocabulary([
        text("ab"),
        none,
        text("a"),
        control,
        text("abc"),
        text("b"),
        text("ab"),
        text("aa"),
        text(" b"),
      ]),
    );
    expect([...order.ids]).toEqual([0, 2, 4, 5, 6, 7, 8]);
    expect(order.within(Buffer.from("abd"))).toEqual([2, 0, 6]);
    expect(order.within(Buffer.from("abc"))).toEqual([2, 0, 6, 4]);
    const { within, beyond } = order.agreeing(Buffer.from("a"));
    expect([within, ...beyond.map((ids) => [...ids])]).toEqual([[2], [7, 0, 6, 4]]);
    const all = order.agreeing(new Uint8Array());
    expect([all.within, ...all.beyond.map((ids) => [...ids])]).toEqual([[], [0, 2, 4, 5, 6, 7, 8]]);
    const first = order.firstBytes();
    expect(first).toHaveLength(256);
    expect(Array.from(first.keys()).filter((byte) => first[byte])).toEqual([0x20, 0x61, 0x62]);
  });
});
