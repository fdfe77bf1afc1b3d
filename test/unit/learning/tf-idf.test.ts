import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { TfIdf } from "../../../src/learning/tf-idf.js";
import { project, truncatedSvd } from "../../../src/learning/truncated-svd.js";
import { RandomGenerator } from "../../../src/random.js";

describe("TF-IDF", () => {
  it("has the weights of the formula", () => {
    const tfIdf = TfIdf.fit(["a a b", "a c", "b a"], { terms: (text) => text.split(" ") });
    // a is in 3 of 3 texts, b in 2, c in 1 and dropped.
    const idf = { a: Math.log(4 / 4) + 1, b: Math.log(4 / 3) + 1 };
    const [a, b] = [(1 + Math.log(2)) * idf.a, idf.b];
    const length = Math.hypot(a, b);
    const { indices, values } = tfIdf.transform("a a b c unknown");
    expect(tfIdf.size).toBe(2);
    expect(Array.from(indices)).toEqual([0, 1]);
    expect(values[0]).toBeCloseTo(a / length, 12);
    expect(values[1]).toBeCloseTo(b / length, 12);
    expect(tfIdf.transform("nothing known").indices).toHaveLength(0);
    const restored = TfIdf.restore(JSON.parse(JSON.stringify(tfIdf)), (text: string) => text.split(" "));
    expect(restored.transform("b a")).toEqual(tfIdf.transform("b a"));
  });

  it("sees words and pairs whatever their case, and every figure of a number", () => {
    const tfIdf = TfIdf.fit(["Two 12 Cows", "two 12 cows"]);
    // two, 1, 2, cows and the four… three pairs between them
    expect(tfIdf.transform("TWO 12 COWS").indices).toHaveLength(7);
  });
});

describe("truncated SVD", () => {
  it("spans the leading right singular vectors", () => {
    const random = new RandomGenerator(3);
    const dense = Matrix.zeros(40, 12);
    // Singular values that fall quickly, so that directions are told apart.
    for (let k = 0; k < 12; k++) {
      const left = Array.from({ length: 40 }, () => random.next() - 0.5);
      const right = Array.from({ length: 12 }, () => random.next() - 0.5);
      dense.add(
        Matrix.columnVector(left)
          .mmul(Matrix.rowVector(right))
          .mul(0.4 ** k * 10),
      );
    }
    const rows = dense.to2DArray().map((row) => ({
      indices: Int32Array.from(row.keys()),
      values: Float64Array.from(row),
    }));
    const vectors = truncatedSvd(rows, 12, 4, 1);
    const exact = new SingularValueDecomposition(dense, { autoTranspose: true }).rightSingularVectors;
    for (let k = 0; k < 4; k++) {
      let cosine = 0;
      for (let j = 0; j < 12; j++) cosine += vectors.get(j, k) * exact.get(j, k);
      expect(Math.abs(cosine)).toBeCloseTo(1, 5);
    }
    const projected = project(vectors, rows[0]);
    const byHand = rows[0].values.reduce((sum, value, j) => sum + value * vectors.get(j, 0), 0);
    expect(projected[0]).toBeCloseTo(byHand, 12);
    expect(truncatedSvd(rows, 12, 4, 1).data).toEqual(vectors.data);
  });

  it("gives no more directions than there are", () => {
    const row = { indices: Int32Array.of(0, 1), values: Float64Array.of(1, 2) };
    expect(truncatedSvd([row, row, row], 3, 3, 1).shape).toEqual([3, 1]);
  });
});
