import { describe, expect, it } from "vitest";
import { TokenRanking } from "../../../../src/during/token/abe/ranking.js";
import { bytePairVocabulary, randomNumbers } from "../../../../src/laws/scripted-members.js";
import { TokenClass } from "../../../../src/vocabulary/vocabulary.js";

const vocabulary = bytePairVocabulary();
const { size, endTokens } = vocabulary;

describe("a ranking of tokens", () => {
  it.each([
    ["close together", 4],
    ["far apart", 90],
  ])("lists all that agree, best first, at their probability among all that can be said: %s", (_, spread) => {
    const random = randomNumbers(spread);
    const ranking = new TokenRanking(vocabulary);
    for (const wanted of ["", " ", " the", "ca", "zz"].map((text) => Buffer.from(text))) {
      // Few values, so that there are ties.
      const logits = Float32Array.from({ length: size }, () => Math.round(4 * spread * random()) / 4);
      const logNormaliser = logSumExp(logits);
      ranking.rank({ logits, logNormaliser }, wanted, false);
      const said = (id: number) => vocabulary.classOf(id) === TokenClass.text;
      const texts = [...logits.keys()].filter(said);
      const agreeing = texts.filter((id) => {
        const bytes = vocabulary.keyOf(id);
        const all = wanted.toString("latin1");
        return bytes.startsWith(all) || all.startsWith(bytes);
      });
      const value = (id: number) => (id === endTokens[0] ? logSumExp(endTokens.map((end) => logits[end])) : logits[id]);
      if (wanted.length === 0) agreeing.push(endTokens[0]);
      const expected = agreeing.sort((a, b) => value(b) - value(a) || a - b);
      const found: number[] = [];
      for (let rank = 0; ranking.idAt(rank) >= 0; rank++) found.push(ranking.idAt(rank));
      expect(found).toEqual(expected);
      expect(ranking.idAt(0)).toBe(expected[0]);
      const total = logSumExp([...texts, ...endTokens].map((id) => logits[id]));
      for (const id of found) expect(ranking.logProbOf(id)).toBeCloseTo(value(id) - total, 6);
    }
  });

  it("keeps the digits of what control tokens leave", () => {
    const ranking = new TokenRanking(vocabulary);
    const control = Array.from({ length: size }, (_, id) => id).find(
      (id) => vocabulary.classOf(id) === TokenClass.control,
    ) as number;
    const logits = Float32Array.from({ length: size }, (_, id) => (id === control ? 60 : id === 7 ? 20 : 0));
    ranking.rank({ logits, logNormaliser: logSumExp(logits) }, Buffer.alloc(0), false);
    expect(ranking.idAt(0)).toBe(7);
    const others = [...logits.keys()].filter((id) => id !== 7 && vocabulary.classOf(id) !== TokenClass.control);
    expect(ranking.logProbOf(7) / -Math.log1p(others.length * Math.exp(-20))).toBeCloseTo(1, 6);
  });
});

function logSumExp(values: Iterable<number>): number {
  const all = [...values];
  const largest = Math.max(...all);
  return largest + Math.log(all.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}
