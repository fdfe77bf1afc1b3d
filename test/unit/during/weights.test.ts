import { expect, it } from "vitest";
import { argmax, combine, textProbability } from "../../../src/during/combine.js";
import { normaliseWeights } from "../../../src/during/weightings/weights.js";

it("makes weights sum to 1, and keeps their proportions at any size", () => {
  expect(normaliseWeights([1, 1])).toEqual([0.5, 0.5]);
  expect(normaliseWeights([3, 0, 1])).toEqual([0.75, 0, 0.25]);
  expect(normaliseWeights([Number.MAX_VALUE, Number.MAX_VALUE])).toEqual([0.5, 0.5]);
  expect(normaliseWeights([Number.MIN_VALUE])).toEqual([1]);
});

it.each([
  [[1, -1], "b"],
  [[Number.NaN, 1], "a"],
  [[1, Number.POSITIVE_INFINITY], "b"],
])("refuses %j and names the member", (weights, member) => {
  expect(() => normaliseWeights(weights, ["a", "b"])).toThrow(
    expect.objectContaining({ code: "invalid-option", message: expect.stringContaining(`member ${member}`) }),
  );
});

it("refuses weights that are all zero", () => {
  expect(() => normaliseWeights([0, 0])).toThrow(expect.objectContaining({ code: "invalid-option" }));
});

it("combines by weight and finds the first of the largest", () => {
  const out = new Float64Array([9, 9, 9, 9]);
  expect(combine([Float64Array.of(0.5, 0, 0.5, 7), Float64Array.of(0, 1, 0, 7)], [0.5, 0.25], out, 3)).toBe(0);
  expect(Array.from(out)).toEqual([0.25, 0.25, 0.25, 9]);
  expect(argmax([1, 3, 3], 3)).toBe(1);
  expect(argmax([], 0)).toBe(-1);
});

it("knows the probability of text also where nearly all of it is elsewhere", () => {
  expect(textProbability(Float64Array.of(0.25, 0.5, 0.25), 2)).toBe(0.75);
  expect(textProbability(Float64Array.of(1e-20, 2e-20, 1), 2)).toBeCloseTo(3e-20, 30);
});
