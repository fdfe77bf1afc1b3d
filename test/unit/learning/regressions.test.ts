import { describe, expect, it } from "vitest";
import { drawNormal } from "../../../src/learning/draws.js";
import { dot, makeMatrix, matrixOf, rowOf } from "../../../src/learning/matrix.js";
import { PrincipalComponents } from "../../../src/learning/principal-components.js";
import { RidgeRegression } from "../../../src/learning/ridge-regression.js";
import { RandomGenerator } from "../../../src/random.js";

function normals(rows: number, columns: number, seed: number) {
  const random = new RandomGenerator(seed);
  const matrix = makeMatrix(rows, columns);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = drawNormal(random);
  return matrix;
}

describe("ridge regression of several targets", () => {
  it("is the hand-computed line through three points", () => {
    // Centred x: −1, 0, 1; centred y: −1, 0, 1 → slope 2 / (2 + 1) with ρ = 1, through the means.
    const line = RidgeRegression.fit(matrixOf([[1], [2], [3]]), matrixOf([[4], [5], [6]]));
    expect(line.predict([2])[0]).toBeCloseTo(5, 9);
    expect(line.predict([5])[0]).toBeCloseTo(5 + 3 * (2 / 3), 8);
  });

  it("recovers the plane that made the numbers where nothing is penalised", () => {
    const x = normals(50, 3, 2);
    const y = matrixOf(Array.from({ length: 50 }, (_, row) => [0.5 + dot(rowOf(x, row), [1, -2, 3])]));
    const plane = RidgeRegression.fit(x, y, { ridge: 0 });
    expect(plane.predict([0, 0, 0])[0]).toBeCloseTo(0.5, 6);
    for (const [j, slope] of [1, -2, 3].entries()) {
      const unit = Float64Array.from([0, 0, 0], (_, index) => Number(index === j));
      expect(plane.predict(unit)[0] - 0.5).toBeCloseTo(slope, 6);
    }
  });

  it("has no gradient left at its coefficients, whatever cells are missing", () => {
    const x = normals(60, 4, 1);
    const y = normals(60, 3, 2);
    for (let row = 0; row < 60; row += 3) y.set(row, 1, Number.NaN);
    for (let row = 0; row < 20; row++) y.set(row, 2, Number.NaN);
    const ridge = 0.7;
    const regression = RidgeRegression.fit(x, y, { ridge });
    const origin = regression.predict(new Float64Array(4));
    for (let target = 0; target < 3; target++) {
      const slope = (j: number) => {
        const unit = new Float64Array(4);
        unit[j] = 1;
        return regression.predict(unit)[target] - origin[target];
      };
      const gradient = Float64Array.from({ length: 5 }, (_, j) => (j < 4 ? ridge * slope(j) : 0));
      for (let row = 0; row < 60; row++) {
        if (Number.isNaN(y.get(row, target))) continue;
        const residual = regression.predict(rowOf(x, row))[target] - y.get(row, target);
        for (let j = 0; j < 5; j++) gradient[j] += residual * (j < 4 ? x.get(row, j) : 1);
      }
      for (const each of gradient) expect(Math.abs(each)).toBeLessThan(1e-6);
    }
    const restored = RidgeRegression.restore(JSON.parse(JSON.stringify(regression)));
    expect(restored.predict(rowOf(x, 0))).toEqual(regression.predict(rowOf(x, 0)));
  });
});

describe("principal components", () => {
  it("finds the direction in which points differ, around their mean", () => {
    const points = matrixOf([
      [10, 1, 5],
      [13, 5, 5],
      [7, -3, 5],
    ]);
    const components = PrincipalComponents.fit(points, 2, 1);
    // All differences are multiples of (3, 4, 0) / 5.
    expect(components.count).toBe(1);
    expect(components.transform([13, 5, 5])[0]).toBeCloseTo(5, 9);
    expect(components.transform([10, 1, 9])[0]).toBeCloseTo(0, 9);
  });

  it("keeps distances where all directions are kept", () => {
    const points = normals(50, 6, 3);
    const components = PrincipalComponents.fit(points, 6, 1);
    const all = components.transformAll(points);
    const distance = (a: Float64Array, b: Float64Array) => Math.hypot(...a.map((value, j) => value - b[j]));
    for (let row = 1; row < 50; row++) {
      expect(distance(rowOf(all, 0), rowOf(all, row))).toBeCloseTo(distance(rowOf(points, 0), rowOf(points, row)), 9);
    }
  });
});
