import { expect, it } from "vitest";
import { corpusBleu, sentenceBleu } from "../../../src/text/bleu.js";
import { tokenize13a } from "../../../src/text/tokenize-13a.js";

it.each([
  ["Hello, world! (It's 3.5%.)", ["Hello", ",", "world", "!", "(", "It's", "3.5", "%", ".", ")"]],
  ["1,234.50 and a,b x.", ["1,234.50", "and", "a", ",", "b", "x", "."]],
  ["well-known 20-8 -5", ["well-known", "20", "-", "8", "-5"]],
  ["&quot;a&amp;b&quot; &amp;lt;", ['"', "a", "&", "b", '"', "<"]],
  ["<skipped>split-\nword next\nline", ["splitword", "next", "line"]],
  ["naïve😀, 東京。", ["naïve😀", ",", "東京。"]],
  ["", []],
])("tokenizes %j", (text, words) => {
  expect(tokenize13a(text)).toEqual(words);
});

it("multiplies the precisions and the brevity penalty", () => {
  // 5/5 words, 3/4 pairs, 2/3 triples, 1/2 fours; their product is 1/4, its fourth root 1/√2. Five words for six.
  const { score, precisions, brevityPenalty, matches, totals } = corpusBleu(
    ["the cat sat on mat"],
    [["the cat sat on the mat"]],
  );
  expect(matches).toEqual([5, 3, 2, 1]);
  expect(totals).toEqual([5, 4, 3, 2]);
  expect(precisions).toEqual([100, 75, expect.closeTo(200 / 3, 10), 50]);
  expect(brevityPenalty).toBeCloseTo(Math.exp(-1 / 5), 12);
  expect(score).toBeCloseTo((100 * Math.exp(-1 / 5)) / Math.SQRT2, 10);
});

it("halves for every order without a match, and forgets orders that a sentence is too short for", () => {
  expect(sentenceBleu("a b", ["a c"]).score).toBeCloseTo(50, 10);
  // 1/3 words, 0/2 pairs: 100/(2·2), 0/1 triples: 100/(4·1).
  expect(sentenceBleu("a b c", ["a x y"]).score).toBeCloseTo(Math.cbrt((100 / 3) * 25 * 25), 10);
  expect(corpusBleu(["a b"], [["a c"]]).score).toBe(0);
});

it("takes the best counts of all references, and the length closest to the hypothesis", () => {
  const { matches, referenceLength } = sentenceBleu("a a b", ["a x", "a a y z", "b"]);
  expect(matches.slice(0, 2)).toEqual([3, 1]);
  expect(referenceLength).toBe(2);
});

it("knows empty texts and case", () => {
  expect(sentenceBleu("", ["a"])).toMatchObject({ score: 0, brevityPenalty: 0 });
  expect(sentenceBleu("a", [""]).score).toBe(0);
  expect(sentenceBleu("A Cat", ["a cat"]).score).toBe(0);
  expect(sentenceBleu("A Cat", ["a cat"], { lowercase: true }).score).toBe(100);
  expect(corpusBleu([], []).score).toBe(0);
});

it.each([
  [["a"], [], "1 hypotheses and 0 lists"],
  [["a", "b"], [["a"], []], "Hypothesis 1 has no reference"],
])("refuses %j with references %j", (hypotheses, references, message) => {
  expect(() => corpusBleu(hypotheses, references)).toThrow(
    expect.objectContaining({ code: "invalid-option", message: expect.stringContaining(message) }),
  );
});
