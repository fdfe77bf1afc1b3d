import { describe, expect, it } from "vitest";
import { agreementOf, type Strand } from "../../../../src/during/token/abe/agreement.js";
import { TokenRanking } from "../../../../src/during/token/abe/ranking.js";
import { searchAsReleased } from "../../../../src/during/token/abe/released-search.js";
import {
  additionsOf,
  type Continuation,
  combine,
  type Hypothesis,
  searchAgreements,
} from "../../../../src/during/token/abe/search.js";
import { randomNumbers } from "../../../../src/laws/scripted-members.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../../src/vocabulary/vocabulary.js";

const PIECES = ["a", "b", "ab", "ba", "abb", "aab", "bb", "bab", "c", "ca", "abab"];
const TEXTS = ["", "a", "ab", "abb", "ba", "bab"];

interface Trial {
  hypotheses: Hypothesis[];
  vocabularies: Vocabulary[];
  weights: number[];
}

/** Hypotheses of members over the letters a, b and c, some of them behind. */
function trial(seed: number): Trial {
  const random = randomNumbers(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const count = 2 + below(2);
  const vocabularies = Array.from({ length: count }, () =>
    makeVocabulary([
      ...PIECES.filter((piece) => piece.length === 1 || random() < 0.6).map((piece) => ({ bytes: Buffer.from(piece) })),
      { bytes: new Uint8Array(), class: TokenClass.end },
      { bytes: new Uint8Array(), class: TokenClass.control },
    ]),
  );
  const hypotheses = Array.from({ length: 1 + below(3) }, (): Hypothesis => {
    const text = Buffer.from(TEXTS[below(TEXTS.length)]);
    const leader = below(count);
    const lengths = vocabularies.map((_, member) => (member === leader ? text.length : below(text.length + 1)));
    const isLevel = lengths.every((length) => length === text.length);
    const strands = lengths.map((length): Strand => {
      const stalled = !isLevel && length === text.length;
      return { length, generated: below(4), logProb: -5 * random(), stalled };
    });
    const offers = vocabularies.map((vocabulary, member) => {
      const ranking = new TokenRanking(vocabulary);
      const logits = Float32Array.from({ length: vocabulary.size }, () => 8 * random());
      const logNormaliser = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      ranking.rank({ logits, logNormaliser }, text.subarray(strands[member].length), false);
      return ranking;
    });
    return { text, strands, offers };
  });
  const shares = vocabularies.map(() => 0.1 + random());
  const sum = shares.reduce((total, share) => total + share);
  return { hypotheses, vocabularies, weights: shares.map((share) => share / sum) };
}

/** All that agrees, by trying everything. */
function everything({ hypotheses, vocabularies, weights }: Trial): Continuation[] {
  return hypotheses
    .flatMap((hypothesis, beam) => {
      const { text, strands, offers } = hypothesis;
      if (strands.every(({ stalled }) => stalled)) return [];
      const choices = vocabularies.map((vocabulary, member) =>
        strands[member].stalled ? [-1] : [...Array(vocabulary.size - 1).keys()],
      );
      return product(choices).flatMap((ids) => {
        const agreement = agreementOf(text, strands, additionsOf(offers, ids));
        return agreement === undefined ? [] : [{ ...combine(beam, ids, hypothesis, weights), agreement }];
      });
    })
    .sort((a, b) => b.priority - a.priority);
}

function product(lists: readonly (readonly number[])[]): number[][] {
  return lists.reduce<number[][]>((all, list) => all.flatMap((ids) => list.map((id) => [...ids, id])), [[]]);
}

const seeds = Array.from({ length: 150 }, (_, seed) => seed);

describe("the search for agreements", () => {
  it("finds the best of all that agree, in order, as trying everything does", () => {
    let complete = 0;
    for (const seed of seeds) {
      const one = trial(seed);
      const next: Continuation[] = [];
      const completed: Continuation[] = [];
      for (const found of everything(one)) {
        if (next.length === 12 || completed.length === 12) break;
        if (completed.length > 0 && found.score < completed[0].score) break;
        (found.agreement.complete ? completed : next).push(found);
      }
      expect({ ...searchAgreements(one.hypotheses, { weights: one.weights, beams: 12 }) }).toMatchObject({
        next,
        completed,
      });
      complete += completed.length;
    }
    expect(complete).toBeGreaterThan(10);
  });

  it("finds what the released search finds, where that one does not stop early", () => {
    for (const seed of seeds) {
      const { hypotheses, weights } = trial(seed);
      const options = { weights, beams: 4 };
      const released = searchAsReleased(hypotheses, options);
      const found = searchAgreements(hypotheses, options);
      if (released.completed.length > 0) {
        // It may have stopped at a combination that does not agree.
        expect(found.next.slice(0, released.next.length)).toEqual(released.next);
        expect(found.completed.slice(0, released.completed.length)).toEqual(released.completed);
      } else {
        expect({ ...found }).toEqual({ ...released });
      }
    }
  });

  it("ends at what is worse than a complete answer, and counts long hypotheses as complete", () => {
    const { hypotheses, weights } = trial(3);
    const [first, second] = searchAgreements(hypotheses, { weights, beams: 2 }).next;
    const bestCompleted = (first.score + second.score) / 2;
    if (second.score < first.score) {
      const ended = searchAgreements(hypotheses, { weights, beams: 5, bestCompleted });
      expect(ended.next.map(({ ids }) => ids)).toEqual([first.ids]);
    }
    const long = searchAgreements(hypotheses, { weights, beams: 1, maxLength: 1 });
    expect(long.next).toEqual([]);
    expect(long.completed.map(({ ids }) => ids)).toEqual([first.ids]);
    expect(searchAgreements(hypotheses, { weights, beams: 3, completed: 3 })).toMatchObject({
      next: [],
      completed: [],
    });
  });
});
