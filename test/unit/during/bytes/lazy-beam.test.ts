/** Beams that read what matters, against beams that read everything. */
import { describe, expect, it } from "vitest";
import { ByteBeam, idsOf, prune } from "../../../../src/during/alignments/bytes/byte-beam.js";
import { LazyBeam } from "../../../../src/during/alignments/bytes/lazy-beam.js";
import { BYTE_ENTRIES, END as END_ENTRY } from "../../../../src/during/alignments/bytes/token-masses.js";
import { randomNumbers } from "../../../../src/laws/scripted-members.js";
import { makeVocabulary, TokenClass } from "../../../../src/vocabulary/vocabulary.js";

const text = (string: string) => ({ bytes: Buffer.from(string) });
const END_TOKEN = { bytes: new Uint8Array(), class: TokenClass.end };
const VOCABULARY = makeVocabulary([...["a", "b", "ab", "ba", "aba", "abab", "bb", "a"].map(text), END_TOKEN]);

function logitsBehind(ids: readonly number[]): number[] {
  const random = randomNumbers(ids.reduce((hash, id) => hash * 31 + id + 1, 7) % 1e6);
  return Array.from({ length: VOCABULARY.size }, () => 4 * random() - 2);
}

type Logits = (ids: readonly number[]) => number[];

/** Have the beam take these bytes; how often the model was asked. */
async function spell(beam: LazyBeam, bytes: string, logits: Logits = logitsBehind): Promise<number> {
  let asked = 0;
  for (const byte of [...Buffer.from(bytes), undefined]) {
    for (await beam.settle(); beam.reading.length > 0; await beam.settle()) {
      asked += beam.reading.length;
      beam.read((sequence) => logits(idsOf(sequence)));
    }
    if (byte !== undefined) beam.take(byte);
  }
  return asked;
}

function begun(beam: number, threshold: number, logits: Logits = logitsBehind, vocabulary = VOCABULARY): LazyBeam {
  const made = new LazyBeam(vocabulary, { beam, threshold });
  made.begin(logits([]), false);
  return made;
}

function nextOf(beam: LazyBeam): Float64Array {
  const next = new Float64Array(BYTE_ENTRIES);
  expect(beam.next(next)).toBe(true);
  expect(next.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
  return next;
}

function exactNext(bytes: string): { next: Float64Array; logWeight: number } {
  const beam = new ByteBeam(VOCABULARY);
  beam.begin();
  for (const byte of [undefined, ...Buffer.from(bytes)]) {
    if (byte !== undefined) beam.keep(prune(beam.continuations(byte), 0, Number.POSITIVE_INFINITY).hypotheses);
    for (const sequence of beam.unread) beam.read(sequence, logitsBehind(idsOf(sequence)));
  }
  const next = new Float64Array(BYTE_ENTRIES);
  beam.next(next);
  return { next, logWeight: beam.logWeight };
}

describe("a lazy beam", () => {
  it.each(["", "a", "abab", "bababba"])("is exact with threshold 0 behind %j", async (bytes) => {
    const beam = begun(1000, 0);
    await spell(beam, bytes);
    const { next, logWeight } = exactNext(bytes);
    for (const [entry, value] of nextOf(beam).entries()) expect(value).toBeCloseTo(next[entry], 12);
    expect(beam.logWeight).toBeCloseTo(logWeight, 10);
    expect(beam.discarded).toBe(0);
  });

  it("asks less and says nearly the same with a threshold", async () => {
    const all = begun(1000, 0);
    const few = begun(1000, 0.05);
    const askedAll = await spell(all, "ababbabaabab");
    const askedFew = await spell(few, "ababbabaabab");
    expect(askedFew).toBeLessThan(askedAll / 4);
    const exact = nextOf(all);
    const difference = nextOf(few).reduce((sum, value, entry) => sum + Math.abs(value - exact[entry]), 0);
    expect(difference).toBeLessThan(0.25);
  });

  it("reads what waits when the text turns to it", async () => {
    // Behind "a", the model is sure of "ab"; the text says "ac", of which only the token "a" knows the way.
    const vocabulary = makeVocabulary([...["ab", "a", "c"].map(text), END_TOKEN]);
    const logits = (ids: readonly number[]) =>
      (ids.at(-1) === 1 ? [0.01, 0.01, 0.97, 0.01] : [0.985, 0.005, 0.005, 0.005]).map(Math.log);
    const beam = begun(4, 0.02, logits, vocabulary);
    expect(await spell(beam, "a", logits)).toBe(0);
    const c = "c".charCodeAt(0);
    // The truth is 0.005 · 0.97; what waits has been guessed.
    expect(nextOf(beam)[c]).toBeGreaterThan(0);
    expect(await spell(beam, "c", logits)).toBeGreaterThan(0);
    expect(beam.healed).toBe(0);
    expect(beam.logWeight).toBeCloseTo(Math.log(0.005 * 0.97), 9);
  });

  it("heals where what it needs was dropped", async () => {
    const vocabulary = makeVocabulary([...["ab", "a", "c"].map(text), END_TOKEN]);
    const logits = (ids: readonly number[]) =>
      (ids.at(-1) === 1 ? [0.01, 0.01, 0.97, 0.01] : [0.9, 1e-9, 0.05, 0.05]).map(Math.log);
    const beam = begun(1, 0.5, logits, vocabulary);
    await spell(beam, "ac", logits);
    expect(beam.healed).toBe(1);
    expect(beam.isOut).toBe(false);
    expect(nextOf(beam)[END_ENTRY]).toBeGreaterThan(0);
  });

  it("goes on by itself as a copy", async () => {
    const beam = begun(64, 0);
    await spell(beam, "ab");
    const copy = beam.copy();
    await spell(beam, "ab");
    await spell(copy, "ba");
    for (const [own, bytes] of [
      [beam, "abab"],
      [copy, "abba"],
    ] as const) {
      const { next } = exactNext(bytes);
      for (const [entry, value] of nextOf(own).entries()) expect(value).toBeCloseTo(next[entry], 12);
    }
  });
});
