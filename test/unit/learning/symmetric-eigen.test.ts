import { describe, expect, it } from "vitest";
import { drawNormal } from "../../../src/learning/draws.js";
import { dot, type Matrix, makeMatrix, matrixOf, rowOf } from "../../../src/learning/matrix.js";
import { product, scaledColumns, transposed } from "../../../src/learning/matrix-product.js";
import { symmetricEigen } from "../../../src/learning/symmetric-eigen.js";
import { RandomGenerator } from "../../../src/random.js";

const random = new RandomGenerator(3);

function randomMatrix(rows: number, columns: number): Matrix {
  return makeMatrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => drawNormal(random)),
  );
}

describe("eigenvectors of a symmetric matrix", () => {
  it.each([1, 2, 3, 10, 65, 130])("rebuild it and are orthonormal (%i rows)", (n) => {
    const half = randomMatrix(n, n);
    const a = product(half, transposed(half));
    const { values, vectors } = symmetricEigen(a);
    const rebuilt = product(scaledColumns(transposed(vectors), values), vectors);
    const scale = values[n - 1];
    for (let at = 0; at < n * n; at++) expect(Math.abs(rebuilt.data[at] - a.data[at])).toBeLessThan(1e-12 * scale);
    for (let i = 0; i < n; i++) {
      if (i > 0) expect(values[i]).toBeGreaterThanOrEqual(values[i - 1]);
      for (let j = 0; j <= i; j++) {
        expect(Math.abs(dot(rowOf(vectors, i), rowOf(vectors, j)) - (i === j ? 1 : 0))).toBeLessThan(1e-12);
      }
    }
  });

  it("are found where eigenvalues are equal or zero, and where the matrix is diagonal", () => {
    const { values } = symmetricEigen(
      matrixOf([
        [2, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 2, 0],
        [0, 0, 0, -1],
      ]),
    );
    expect([...values]).toEqual([-1, 0, 2, 2]);
    const ones = symmetricEigen(
      matrixOf([
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
      ]),
    );
    expect(ones.values[2]).toBeCloseTo(3, 12);
    expect(Math.abs(ones.values[0])).toBeLessThan(1e-12);
  });
});

describe("matrix products", () => {
  it.each([
    [1, 1, 1],
    [3, 5, 2],
    [70, 131, 33],
  ])("of %i × %i × %i are those of the definition", (n, k, m) => {
    const [a, b] = [randomMatrix(n, k), randomMatrix(k, m)];
    const found = product(a, b);
    const columns = transposed(b);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        expect(found.data[i * m + j]).toBeCloseTo(dot(rowOf(a, i), rowOf(columns, j)), 10);
      }
    }
  });
});
