import { expect, it } from "vitest";
import { likeliestChoice } from "../../../../src/evaluation/metrics/choice.js";
import { chosenIn } from "../../../../src/text/named-choice.js";

it("takes the likeliest choice, the first of equals", () => {
  expect(likeliestChoice([-4, -2, -3])).toBe(1);
  expect(likeliestChoice([-4, -2, -2])).toBe(1);
  expect(likeliestChoice([Number.NEGATIVE_INFINITY, -900])).toBe(1);
  expect(likeliestChoice([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])).toBe(0);
});

it("divides by the lengths if given", () => {
  // -4/2 = -2, -9/9 = -1: the longer one is likelier by the byte.
  expect(likeliestChoice([-4, -9])).toBe(0);
  expect(likeliestChoice([-4, -9], [2, 9])).toBe(1);
});

it.each([
  [[], undefined, "invalid-option"],
  [[-1, -2], [1], "invalid-option"],
  [[-1, -2], [1, 0], "invalid-option"],
  [[-1, -2], [1, Number.NaN], "invalid-option"],
  [[-1, Number.NaN], undefined, "invalid-logits"],
])("refuses %j with lengths %j", (logLikelihoods, lengths, code) => {
  expect(() => likeliestChoice(logLikelihoods, lengths)).toThrow(expect.objectContaining({ code }));
});

const animals = ["A cat", "dog", "the owl", "bee"];

it.each([
  ["B", 1],
  [" b ", 1],
  ["(c)", 2],
  ["D.", 3],
  ["B. dog", 1],
  ["C) the owl", 2],
  ["B because it barks", 1],
  ["A\nB\nC", 0],
  ["A cat", 0],
  ["a CAT!", 0],
  ["Dog", 1],
  ["owl\nQuestion: and B?", 2],
  ["The answer is (B), not (C).", 1],
  ["First I thought the answer is B. But the answer is C", 2],
  ["Answer: D", 3],
  ["**Answer:** option C", 2],
  ["the answer is a cat", 0],
  ["So \\boxed{D}. The answer is A", 3],
  ["\\boxed{\\text{B}}", 1],
  ["\\boxed{the owl}", 2],
  ["it must be (B) or rather (D)", 3],
  ["I think so", undefined],
  ["Answer: E", undefined],
  ["Don't know", undefined],
  ["", undefined],
])("reads %j as choice %s", (answer, choice) => {
  expect(chosenIn(answer, animals)).toBe(choice);
});

it("takes a text for a choice only where one choice has it", () => {
  expect(chosenIn("yes", ["Yes", "yes.", "no"])).toBeUndefined();
  expect(chosenIn("no", ["Yes", "yes.", "no"])).toBe(2);
  expect(chosenIn("?", ["?", "!"])).toBeUndefined();
});
