import { expect, it } from "vitest";
import { corpusChrf, sentenceChrf } from "../../../src/text/chrf.js";

it("averages precision and recall over the orders that both sides have, recall counting twice", () => {
  // Orders 1 and 2: P 2/2 and 1/1, R 2/3 and 1/2; so P 1, R 7/12, F = 5·P·R / (4·P + R) = 35/55.
  expect(sentenceChrf("ab", ["abc"])).toBeCloseTo(100 * (35 / 55), 10);
  // White space does not count.
  expect(sentenceChrf("a b", ["ab c"])).toBeCloseTo(100 * (35 / 55), 10);
});

it("counts words and their punctuation for chrF++", () => {
  // Characters of "ab!" and "ab?": 2/3, 1/2, 0/1. Words ab, ! and ab, ?: 1/2, 0/1. The mean of the five is 1/3.
  expect(sentenceChrf("ab!", ["ab?"], { wordOrder: 2 })).toBeCloseTo(100 / 3, 10);
});

it("takes the reference with the highest score", () => {
  expect(sentenceChrf("ab", ["xy", "abc", "x"])).toBe(sentenceChrf("ab", ["abc"]));
});

it("sums the counts of a corpus before it divides", () => {
  // Order 1: 2 of 3 and 2 of 4 characters; order 2: 1 of 1 and 1 of 2.
  const [precision, recall] = [(2 / 3 + 1) / 2, (2 / 4 + 1 / 2) / 2];
  expect(corpusChrf(["ab", "x"], [["abc"], ["y"]])).toBeCloseTo(
    (500 * precision * recall) / (4 * precision + recall),
    10,
  );
});

it("knows empty texts, case, and characters beyond 16 bits", () => {
  expect(sentenceChrf("", ["a"])).toBe(0);
  expect(sentenceChrf("a", [""])).toBe(0);
  expect(corpusChrf([], [])).toBe(0);
  expect(sentenceChrf("AB", ["ab"])).toBe(0);
  expect(sentenceChrf("AB", ["ab"], { lowercase: true })).toBe(100);
  // One character each, whose first halves are equal.
  expect(sentenceChrf("😀", ["😁"])).toBe(0);
  expect(() => sentenceChrf("a", [])).toThrow(expect.objectContaining({ code: "invalid-option" }));
});
