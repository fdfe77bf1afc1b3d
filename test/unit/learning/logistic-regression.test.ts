import { describe, expect, it } from "vitest";
import { drawNormal } from "../../../src/learning/draws.js";
import { LogisticRegression, sigmoid, softplus } from "../../../src/learning/logistic-regression.js";
import { makeMatrix, matrixOf, rowOf } from "../../../src/learning/matrix.js";
import { SoftmaxRegression } from "../../../src/learning/softmax-regression.js";
import { RandomGenerator } from "../../../src/random.js";
import { refusal } from "../../support/refusal.js";

function drawn(rows: number, columns: number, seed = 3) {
  const random = new RandomGenerator(seed);
  const x = makeMatrix(rows, columns);
  for (let i = 0; i < x.data.length; i++) x.data[i] = drawNormal(random);
  const y = Float64Array.from({ length: rows }, (_, row) => Number(random.next() < sigmoid(rowOf(x, row)[0] - 0.5)));
  return { x, y };
}

/** The objective of the docstring, by its letter. */
function objective(
  x: ReturnType<typeof makeMatrix>,
  y: ArrayLike<number>,
  model: LogisticRegression,
  ridge: number,
  weights?: ArrayLike<number>,
): number {
  let value = 0.5 * ridge * model.coefficients.reduce((sum, beta) => sum + beta * beta, 0);
  for (let row = 0; row < y.length; row++) {
    const z = model.logit(rowOf(x, row));
    value += (weights?.[row] ?? 1) * (softplus(z) - y[row] * z);
  }
  return value;
}

describe("logistic regression", () => {
  it("without features is the log odds of the weighted mean", () => {
    const x = matrixOf([[0], [0], [0]]);
    const model = LogisticRegression.fit(x, [1, 0, 0.5], { weights: [3, 1, 2] });
    // (3·1 + 1·0 + 2·0.5) / 6 = 2/3
    expect(model.probability([0])).toBeCloseTo(2 / 3, 9);
  });

  it("has the closed form on one binary feature", () => {
    // At x = 0: 1 of 4; at x = 1: 3 of 4. Without a ridge the fitted probabilities are the frequencies.
    const x = matrixOf([[0], [0], [0], [0], [1], [1], [1], [1]]);
    const y = [1, 0, 0, 0, 1, 1, 1, 0];
    for (const standardise of [true, false]) {
      const model = LogisticRegression.fit(x, y, { ridge: 0, standardise });
      expect(model.probability([0])).toBeCloseTo(0.25, 7);
      expect(model.probability([1])).toBeCloseTo(0.75, 7);
    }
  });

  it("is at the minimum of its objective: every small step away is worse", () => {
    const { x, y } = drawn(60, 4);
    const weights = Float64Array.from(y, (_, row) => 1 + (row % 3));
    const fit = LogisticRegression.fit(x, y, { ridge: 0.7, weights, standardise: false });
    const least = objective(x, y, fit, 0.7, weights);
    for (let j = 0; j <= 4; j++) {
      for (const step of [-1e-3, 1e-3]) {
        const coefficients = Float64Array.from(fit.coefficients);
        if (j < 4) coefficients[j] += step;
        const moved = new LogisticRegression(fit.bias + (j === 4 ? step : 0), coefficients);
        expect(objective(x, y, moved, 0.7, weights)).toBeGreaterThan(least);
      }
    }
  });

  it("Newton's method and L-BFGS find the same minimum", () => {
    const { x, y } = drawn(200, 5);
    // 40 columns of which 35 are zero go the other way and change nothing.
    const wide = matrixOf(
      y.length === 0 ? [] : Array.from(y, (_, row) => [...rowOf(x, row), ...new Array(35).fill(0)]),
    );
    const narrow = LogisticRegression.fit(x, y);
    const other = LogisticRegression.fit(wide, y);
    for (let row = 0; row < 20; row++) {
      expect(other.logit(rowOf(wide, row))).toBeCloseTo(narrow.logit(rowOf(x, row)), 4);
    }
  });

  it("leaves missing labels out, and keeps its promise through JSON", () => {
    const { x, y } = drawn(50, 3);
    const holes = Float64Array.from(y, (label, row) => (row < 10 ? Number.NaN : label));
    const cut = makeMatrix(40, 3, x.data.slice(30));
    const [one, other] = [LogisticRegression.fit(x, holes), LogisticRegression.fit(cut, y.slice(10))];
    expect(one.toJSON()).toEqual(other.toJSON());
    const restored = LogisticRegression.restore(JSON.parse(JSON.stringify(one.toJSON())));
    expect(restored.logit(rowOf(x, 0))).toBe(one.logit(rowOf(x, 0)));
  });

  it("refuses labels outside 0 … 1, and none at all", async () => {
    const x = matrixOf([[1], [2]]);
    expect((await refusal(() => LogisticRegression.fit(x, [0, 2]))).message).toMatch(/found 2/);
    expect((await refusal(() => LogisticRegression.fit(x, [Number.NaN, Number.NaN]))).code).toBe("invalid-data");
  });
});

describe("softmax regression", () => {
  it("with two classes is the logistic regression of half the ridge", () => {
    // Two opposite rows of B share one logit: ρ‖B‖²/2 = ρ‖β‖²/4, for β their difference.
    const { x, y } = drawn(80, 3);
    const targets = matrixOf(Array.from(y, (label) => [1 - label, label]));
    const pair = SoftmaxRegression.fit(x, targets, { ridge: 2, tolerance: 1e-10 });
    const one = LogisticRegression.fit(x, y, { ridge: 1, tolerance: 1e-10 });
    for (let row = 0; row < 10; row++) {
      expect(pair.probabilities(rowOf(x, row))[1]).toBeCloseTo(one.probability(rowOf(x, row)), 6);
    }
  });

  it("without features is the mean of the targets, and leaves missing rows out", () => {
    const targets = matrixOf([
      [0.2, 0.3, 0.5],
      [0.6, 0.3, 0.1],
      [Number.NaN, Number.NaN, Number.NaN],
    ]);
    const model = SoftmaxRegression.fit(matrixOf([[0], [0], [9]]), targets);
    const found = model.probabilities([0]);
    for (const [index, share] of [0.4, 0.3, 0.3].entries()) expect(found[index]).toBeCloseTo(share, 6);
    expect(SoftmaxRegression.restore(JSON.parse(JSON.stringify(model))).probabilities([0])).toEqual(found);
  });

  it("refuses targets that are no distribution", async () => {
    const error = await refusal(() => SoftmaxRegression.fit(matrixOf([[1]]), matrixOf([[0.5, 0.2]])));
    expect(error.message).toMatch(/sums to 0.7/);
  });
});
