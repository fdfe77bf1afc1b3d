import { expect, it } from "vitest";
import { nestedOptions, parseValue } from "../../../src/cli/options.js";

it("puts options with a dot into the part that they belong to, in any order", () => {
  expect(nestedOptions([["k", 5]])).toEqual({ k: 5 });
  const expected = { alignment: { name: "top-union", k: 20, feedback: "piece" }, rule: "mean" };
  expect(
    nestedOptions([
      ["alignment", "top-union"],
      ["alignment.k", 20],
      ["alignment.feedback", "piece"],
      ["rule", "mean"],
    ]),
  ).toEqual(expected);
  expect(
    nestedOptions([
      ["alignment.k", 20],
      ["rule", "mean"],
      ["alignment.feedback", "piece"],
      ["alignment", "top-union"],
    ]),
  ).toEqual(expected);
});

it("reads booleans, numbers, lists of numbers, and text", () => {
  expect(["true", "0.5", "1,2", "-1,.5,2e3", "1,", "a,b", "1;2"].map(parseValue)).toEqual([
    true,
    0.5,
    [1, 2],
    [-1, 0.5, 2000],
    "1,",
    "a,b",
    "1;2",
  ]);
});
