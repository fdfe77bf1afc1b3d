import { expect, it } from "vitest";
import { containsAnswer, exactMatch, normaliseAnswer, tokenF1 } from "../../../src/text/squad.js";

it.each([
  ["The U.S.A.", "usa"],
  ["  a  Cat\tand an\nowl ", "cat and owl"],
  ["the", ""],
  ["then another theatre", "then another theatre"],
  ["Élan the éa café", "élan éa café"],
  ["it's 1,000.50!", "its 100050"],
  ["東京、the 都", "東京、 都"],
  ["a\u00a0b\u2003c", "b c"],
])("normalises %j to %j", (text, normalised) => {
  expect(normaliseAnswer(text)).toBe(normalised);
});

it("matches exactly what is equal once normalised", () => {
  expect(exactMatch("The Eiffel Tower.", "eiffel tower")).toBe(1);
  expect(exactMatch("in Paris", "Paris")).toBe(0);
  expect(exactMatch("", "Paris")).toBe(0);
  expect(exactMatch("12", "2")).toBe(0);
  expect(exactMatch("-8", "8")).toBe(1);
});

it.each([
  // 2 of 3 words, 2 of 4 words: P 2/3, R 1/2, F 4/7.
  ["big red dog", "old big dog barks", 4 / 7],
  // A repeated word matches as often as both have it.
  ["cat cat", "cat", 2 / 3],
  ["x", "x", 1],
  ["", "", 1],
  ["the", "an", 1],
  ["", "x", 0],
  ["y", "x", 0],
])("gives %j against %j an F1 of %f", (answer, accepted, f1) => {
  expect(tokenF1(answer, accepted)).toBeCloseTo(f1, 12);
});

it("finds an accepted answer within a sentence, as whole words only", () => {
  expect(containsAnswer("A hen sounds like: Cluck!", "cluck")).toBe(1);
  expect(containsAnswer("It was the New York Times.", "new york")).toBe(1);
  expect(containsAnswer("It costs 12", "2")).toBe(0);
  expect(containsAnswer("York, then New", "new york")).toBe(0);
  expect(containsAnswer("", "x")).toBe(0);
  expect(containsAnswer("something", "?")).toBe(0);
});
