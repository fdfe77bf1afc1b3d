import { expect, it } from "vitest";
import { commonSubsequence, ROUGE_VARIANTS, rouge } from "../../../src/text/rouge.js";

it("counts common words and pairs of words", () => {
  // the cat sat / the cat on mat: 2 of 3 and 2 of 4 words, 1 of 2 and 1 of 3 pairs.
  const [answer, reference] = ["The cat sat.", "the cat on mat"];
  expect(rouge("rouge-1", answer, reference)).toEqual({
    precision: 2 / 3,
    recall: 1 / 2,
    f1: expect.closeTo(4 / 7, 12),
  });
  expect(rouge("rouge-2", answer, reference)).toEqual({
    precision: 1 / 2,
    recall: 1 / 3,
    f1: expect.closeTo(2 / 5, 12),
  });
});

it("compares stems of words of more than three characters, unless told not to", () => {
  expect(rouge("rouge-1", "dogs running", "a dog runs").f1).toBeCloseTo(4 / 5, 12);
  expect(rouge("rouge-1", "dogs running", "a dog runs", { stem: false }).f1).toBe(0);
  expect(rouge("rouge-1", "ran", "run").f1).toBe(0);
  // Four characters are stemmed, three are not.
  expect(rouge("rouge-1", "dogs", "dog").f1).toBe(1);
  expect(rouge("rouge-1", "ads", "ad").f1).toBe(0);
});

it("follows the longest common subsequence", () => {
  // police … the gunman in order: 3 of 4; "the gunman" alone where the order is turned round: 2 of 4.
  const reference = "police killed the gunman";
  expect(rouge("rouge-l", "police kill the gunman", reference, { stem: false }).f1).toBeCloseTo(3 / 4, 12);
  expect(rouge("rouge-l", "the gunman kill police", reference, { stem: false }).f1).toBeCloseTo(2 / 4, 12);
});

it("unites the subsequences of all lines, and counts no word twice", () => {
  // w1 w2 from the first line, w1 w3 w5 from the second: four of five words, of ten that were written.
  expect(rouge("rouge-lsum", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w2 w3 w4 w5")).toEqual({
    precision: 4 / 10,
    recall: 4 / 5,
    f1: expect.closeTo(8 / 15, 12),
  });
  // One "a" cannot answer two lines of the reference.
  expect(rouge("rouge-lsum", "a", "a\na")).toMatchObject({ precision: 1, recall: 1 / 2 });
  // Lines in another order cost ROUGE-L, not ROUGE-Lsum.
  expect(rouge("rouge-lsum", "c d\na b", "a b\nc d").f1).toBe(1);
  expect(rouge("rouge-l", "c d\na b", "a b\nc d").f1).toBe(1 / 2);
});

it("reads the places of a longest common subsequence, with the steps of rouge_score among equals", () => {
  expect(commonSubsequence([..."abcde"], [..."xbde"])).toEqual([1, 3, 4]);
  expect(commonSubsequence([..."ab"], [..."ba"])).toEqual([0]);
  expect(commonSubsequence([], ["a"])).toEqual([]);
});

it.each(ROUGE_VARIANTS)("%s of texts without words is 0", (variant) => {
  for (const [answer, reference] of [
    ["", "a b"],
    ["a b", ""],
    ["", ""],
    ["東京 /", "東京 /"],
  ]) {
    expect(rouge(variant, answer, reference)).toEqual({ precision: 0, recall: 0, f1: 0 });
  }
});
