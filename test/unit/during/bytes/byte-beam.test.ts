/** Next-byte distributions against brute force over all tokenisations. */
import { describe, expect, it } from "vitest";
import { ByteBeam, idsOf, prune } from "../../../../src/during/alignments/bytes/byte-beam.js";
import { BYTE_ENTRIES, END } from "../../../../src/during/alignments/bytes/token-masses.js";
import { randomNumbers } from "../../../../src/laws/scripted-members.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../../src/vocabulary/vocabulary.js";

const text = (string: string) => ({ bytes: Buffer.from(string) });
const end = { bytes: new Uint8Array(), class: TokenClass.end };
/** Two tokens have the same bytes, two end a text, one is never text. */
const VOCABULARY = makeVocabulary([
  ...["a", "b", "ab", "ba", "aba", "abab", "bb", "a"].map(text),
  end,
  { bytes: new Uint8Array(), class: TokenClass.control },
  end,
]);

/** A seeded distribution behind every sequence of tokens. */
function logitsBehind(ids: readonly number[]): number[] {
  const random = randomNumbers(ids.reduce((hash, id) => hash * 31 + id + 1, 7) % 1e6);
  return Array.from({ length: VOCABULARY.size }, () => 4 * random() - 2);
}

/** Of text and end tokens. */
function probabilitiesBehind(ids: readonly number[], vocabulary: Vocabulary): number[] {
  const values = logitsBehind(ids).map((logit, id) =>
    vocabulary.classOf(id) === TokenClass.control ? 0 : Math.exp(logit),
  );
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

/** Σ P(ids) over all sequences whose bytes begin with the text while those before the last token are shorter; and Σ P(ids, end). */
function bruteForce(wanted: string): { prefix: number; whole: number } {
  let prefix = 0;
  let whole = 0;
  const walk = (ids: number[], said: string, probability: number): void => {
    const next = probabilitiesBehind(ids, VOCABULARY);
    if (said === wanted) whole += probability * VOCABULARY.endTokens.reduce((sum, id) => sum + next[id], 0);
    if (said.length >= wanted.length) {
      prefix += probability;
      return;
    }
    for (let id = 0; id < VOCABULARY.size; id++) {
      const longer = said + Buffer.from(VOCABULARY.bytesOf(id)).toString();
      if (longer === said || !(longer.startsWith(wanted) || wanted.startsWith(longer))) continue;
      walk([...ids, id], longer, probability * next[id]);
    }
  };
  walk([], "", 1);
  return { prefix, whole };
}

function spelt(wanted: string, threshold = 0, most = Number.POSITIVE_INFINITY): ByteBeam {
  const beam = new ByteBeam(VOCABULARY);
  beam.begin();
  for (const byte of [undefined, ...Buffer.from(wanted)]) {
    if (byte !== undefined) beam.keep(prune(beam.continuations(byte), threshold, most).hypotheses);
    for (const sequence of beam.unread) beam.read(sequence, logitsBehind(idsOf(sequence)));
  }
  return beam;
}

describe("a beam that keeps every tokenisation", () => {
  it.each(["", "a", "b", "ab", "abab", "bab", "ababab", "bbababba"])("is exact behind %j", (wanted) => {
    const next = new Float64Array(BYTE_ENTRIES);
    const beam = spelt(wanted);
    expect(beam.next(next)).toBe(true);
    const { prefix, whole } = bruteForce(wanted);
    expect(Math.exp(beam.logWeight)).toBeCloseTo(prefix, 10);
    expect(next[END]).toBeCloseTo(whole / prefix, 10);
    for (const byte of ["a", "b"])
      expect(next[byte.charCodeAt(0)]).toBeCloseTo(bruteForce(wanted + byte).prefix / prefix, 10);
    expect(next.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
  });

  it("gives a whole text the sum over its tokenisations, byte by byte", () => {
    const wanted = "ababba";
    let logProb = 0;
    const next = new Float64Array(BYTE_ENTRIES);
    for (let at = 0; at <= wanted.length; at++) {
      spelt(wanted.slice(0, at)).next(next);
      logProb += Math.log(next[at < wanted.length ? wanted.charCodeAt(at) : END]);
    }
    expect(logProb).toBeCloseTo(Math.log(bruteForce(wanted).whole), 9);
  });
});

describe("pruning", () => {
  it("keeps the heaviest, and says which share of the weight it dropped", () => {
    const all = spelt("abab").continuations("a".charCodeAt(0));
    const { hypotheses, discarded } = prune(all, 0, 2);
    const weights = all.map(({ logWeight }) => Math.exp(logWeight)).sort((a, b) => b - a);
    expect(hypotheses.map(({ logWeight }) => Math.exp(logWeight))).toEqual(weights.slice(0, 2));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    expect(discarded).toBeCloseTo(1 - (weights[0] + weights[1]) / total, 12);
  });

  it("drops what is below a share of the heaviest", () => {
    const all = spelt("abab").continuations("a".charCodeAt(0));
    const best = Math.max(...all.map(({ logWeight }) => logWeight));
    const { hypotheses } = prune(all, 0.3, Number.POSITIVE_INFINITY);
    expect(hypotheses.length).toBeLessThan(all.length);
    expect(hypotheses).toHaveLength(all.filter(({ logWeight }) => logWeight >= best + Math.log(0.3)).length);
  });
});
