import { describe, expect, it } from "vitest";
import { IsotonicRegression } from "../../../src/learning/calibration.js";
import { RandomGenerator } from "../../../src/random.js";
import { refusal } from "../../support/refusal.js";

describe("isotonic regression", () => {
  it("pools neighbours that fall: hand-computed", () => {
    const model = IsotonicRegression.fit([1, 2, 3, 4, 5], [0, 1, 0.5, 0.2, 1]);
    // 1, 0.5 and 0.2 fall: they share their mean.
    const pooled = (1 + 0.5 + 0.2) / 3;
    for (const [score, value] of [
      [1, 0],
      [2, pooled],
      [3, pooled],
      [4, pooled],
      [5, 1],
      [0, 0],
      [9, 1],
    ]) {
      expect(model.predict(score)).toBeCloseTo(value, 12);
    }
    expect(model.predict(1.5)).toBeCloseTo(pooled / 2, 12);
  });

  it("is the best non-decreasing fit: no step of a grid of such fits is better", () => {
    const random = new RandomGenerator(6);
    const outcomes = Array.from({ length: 5 }, () => random.next());
    const weights = [1, 2, 1, 3, 1];
    const scores = [0, 1, 2, 3, 4];
    const model = IsotonicRegression.fit(scores, outcomes, weights);
    const error = (values: readonly number[]) =>
      values.reduce((sum, value, i) => sum + weights[i] * (value - outcomes[i]) ** 2, 0);
    const found = error(scores.map((score) => model.predict(score)));
    const grid = Array.from({ length: 13 }, (_, i) => i / 12);
    const search = (values: number[]): number => {
      if (values.length === 5) return error(values);
      return Math.min(
        ...grid.filter((value) => value >= (values.at(-1) ?? 0)).map((value) => search([...values, value])),
      );
    };
    expect(found).toBeLessThanOrEqual(search([]) + 1e-12);
  });

  it("averages equal scores, leaves missing ones out, and survives JSON", async () => {
    const model = IsotonicRegression.fit([1, 1, Number.NaN, 2], [0, 1, 0.3, 0.9]);
    expect(model.predict(1)).toBe(0.5);
    expect(IsotonicRegression.restore(JSON.parse(JSON.stringify(model))).predict(1.5)).toBe(model.predict(1.5));
    expect((await refusal(() => IsotonicRegression.fit([], []))).code).toBe("invalid-data");
  });
});
