import { expect, it } from "vitest";
import { methodOptions, nestedOptions, onlyMethod, parseValue } from "../../../src/cli/method-words.js";

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

it("reads a method with its options, in one word and apart", () => {
  expect(methodOptions(undefined)).toBeUndefined();
  expect(methodOptions(undefined, [["k", 5]])).toEqual({ name: "unite", k: 5 });
  expect(methodOptions("core:alignment.k=20,main=none")).toEqual({ name: "core", alignment: { k: 20 }, main: "none" });
  expect(methodOptions("purify:temperature=1,2,form=max")).toEqual({
    name: "purify",
    temperature: [1, 2],
    form: "max",
  });
  expect(methodOptions("fusion:rule=product", [["rule.floor", 0.1]])).toEqual({
    name: "fusion",
    rule: { name: "product", floor: 0.1 },
  });
  expect(() => methodOptions("unite:k")).toThrow(/--method needs NAME or NAME:OPTION=VALUE/);
  expect(() => onlyMethod("gac", "unite")).toThrow(/--method was given twice, unite and gac/);
});
