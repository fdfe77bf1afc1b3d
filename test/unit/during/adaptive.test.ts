import { describe, expect, it } from "vitest";
import { AdaptiveRule, type Learned } from "../../../src/during/rules/adaptive.js";

const OPTIONS = { rate: 0.05, share: 0.01 };
const stepOf = (...distributions: number[][]) => ({
  size: distributions[0].length,
  endEntry: 0,
  distributions: distributions.map((values) => Float64Array.from(values)),
  bytesOf: () => new Uint8Array(),
});
const RIGHT = [0.1, 0.8, 0.1];
const WRONG = [0.1, 0.1, 0.8];

function learn(rule: AdaptiveRule, times: number): number[] {
  for (let time = 0; time < times; time++) {
    rule.fuse(stepOf(RIGHT, WRONG), [0.5, 0.5], [0, 1]);
    rule.observe(1);
  }
  return Array.from(rule.fuse(stepOf(RIGHT, WRONG), [0.5, 0.5], [0, 1]).probabilities.subarray(0, 3));
}

describe("the rule adaptive", () => {
  it("begins with half the mixture and half the product", () => {
    const product = RIGHT.map((value, entry) => Math.sqrt(value * WRONG[entry]));
    const sum = product.reduce((total, value) => total + value, 0);
    const expected = RIGHT.map((value, entry) => (value + WRONG[entry]) / 4 + product[entry] / sum / 2);
    for (const [entry, value] of learn(new AdaptiveRule(2, OPTIONS), 0).entries())
      expect(value).toBeCloseTo(expected[entry], 12);
  });

  it("turns to the member that is right, and back", () => {
    const rule = new AdaptiveRule(2, OPTIONS);
    const [, after] = learn(rule, 20);
    expect(after).toBeGreaterThan(0.75);
    for (let time = 0; time < 20; time++) {
      rule.fuse(stepOf(RIGHT, WRONG), [0.5, 0.5], [0, 1]);
      rule.observe(2);
    }
    const [, , turned] = rule.fuse(stepOf(RIGHT, WRONG), [0.5, 0.5], [0, 1]).probabilities;
    expect(turned).toBeGreaterThan(0.7);
  });

  it("follows the gradient of the product's logarithm", () => {
    const learned: Learned = { offsets: [], steps: 0 };
    learn(new AdaptiveRule(2, { ...OPTIONS, rate: 1e-4 }, learned), 1);
    const logOfProduct = (first: number): number => {
      const values = RIGHT.map((value, entry) => value ** first * WRONG[entry] ** 0.5);
      return Math.log(values[1] / values.reduce((total, value) => total + value, 0));
    };
    const slope = (logOfProduct(0.5 + 1e-6) - logOfProduct(0.5 - 1e-6)) / 2e-6;
    expect(learned.offsets[0] / 1e-4).toBeCloseTo(slope, 5);
  });

  it("leaves a member without weight out", () => {
    const rule = new AdaptiveRule(2, OPTIONS);
    rule.fuse(stepOf(RIGHT, WRONG), [1, 0], [0, 1]);
    rule.observe(2);
    const { probabilities } = rule.fuse(stepOf(RIGHT, WRONG), [1, 0], [0, 1]);
    expect(probabilities[2]).toBeLessThan(0.3);
  });

  it("goes on with what it learned on another text", () => {
    const learned: Learned = { offsets: [], steps: 0 };
    learn(new AdaptiveRule(2, OPTIONS, learned), 30);
    expect(learned.steps).toBe(30);
    expect(learned.offsets[0]).toBeGreaterThan(0);
    expect(learned.offsets[1]).toBeLessThan(0);
    const [, fresh] = learn(new AdaptiveRule(2, OPTIONS), 0);
    const [, taught] = learn(new AdaptiveRule(2, OPTIONS, learned), 0);
    expect(taught).toBeGreaterThan(fresh);
  });
});
