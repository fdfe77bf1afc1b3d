/**
 * Ridge regression of several targets on the same features, with an unpenalised bias, by the normal equations:
 *
 *     ŷ_m(x) = b_m + β_mᵀx;   minimise Σ_i (y_im − ŷ_m(x_i))² + ρ ‖β_m‖²      over the rows where y_im is known
 *
 * With all targets known there is one matrix to factor; missing ones cost a factorisation for each pattern.
 */
import { CholeskyDecomposition, Matrix as DenseMatrix } from "ml-matrix";
import { z } from "zod";
import { dot, type Matrix, makeMatrix, rowOf } from "./matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "./packed-numbers.js";

export interface RidgeOptions {
  /** ρ ≥ 0. Default 1. */
  ridge?: number;
}

export const savedRidge = z.strictObject({
  /** targets × (d + 1), the bias last. */
  coefficients: packedNumbers,
});

/** Keeps the equations solvable where columns depend on each other and nothing is penalised. */
const LEAST_RIDGE = 1e-10;

export class RidgeRegression {
  private constructor(private readonly coefficients: Matrix) {}

  /** x: n × d; y: n × targets, NaN where unknown, at least one known a target. */
  static fit(x: Matrix, y: Matrix, { ridge = 1 }: RidgeOptions = {}): RidgeRegression {
    const [rows, columns] = x.shape;
    const targets = y.shape[1];
    const padded = makeMatrix(rows, columns + 1);
    for (let row = 0; row < rows; row++) {
      rowOf(padded, row).set(rowOf(x, row));
      padded.data[row * (columns + 1) + columns] = 1;
    }
    const everyRow = Array.from({ length: rows }, (_, row) => row);
    const full = gram(padded, everyRow);
    const solvers = new Map<string, CholeskyDecomposition>();
    const coefficients = makeMatrix(targets, columns + 1);
    for (let target = 0; target < targets; target++) {
      const isKnown = (row: number) => !Number.isNaN(y.data[row * targets + target]);
      const missing = everyRow.filter((row) => !isKnown(row));
      const pattern = missing.join();
      const solver = solvers.get(pattern) ?? factor(without(full, padded, missing), rows - missing.length, ridge);
      solvers.set(pattern, solver);
      const right = new Float64Array(columns + 1);
      for (const row of everyRow)
        if (isKnown(row)) addScaled(right, rowOf(padded, row), y.data[row * targets + target]);
      rowOf(coefficients, target).set(solver.solve(DenseMatrix.columnVector(right)).to1DArray());
    }
    return new RidgeRegression(coefficients);
  }

  /** ŷ_m(x) of every target. */
  predict(x: ArrayLike<number>): Float64Array {
    const [targets, width] = this.coefficients.shape;
    return Float64Array.from({ length: targets }, (_, target) => {
      const row = rowOf(this.coefficients, target);
      return row[width - 1] + dot(row.subarray(0, width - 1), x);
    });
  }

  toJSON(): z.infer<typeof savedRidge> {
    return { coefficients: packMatrix(this.coefficients) };
  }

  static restore({ coefficients }: z.infer<typeof savedRidge>): RidgeRegression {
    return new RidgeRegression(unpackMatrix(coefficients));
  }
}

/** Σ x xᵀ over these rows, the lower triangle. */
function gram(x: Matrix, rows: readonly number[]): Float64Array {
  const size = x.shape[1];
  const sums = new Float64Array(size * size);
  for (const row of rows) {
    const values = rowOf(x, row);
    for (let i = 0, at = 0; i < size; i++, at += size) {
      const value = values[i];
      for (let j = 0; j <= i; j++) sums[at + j] += value * values[j];
    }
  }
  return sums;
}

function without(full: Float64Array, x: Matrix, missing: readonly number[]): Float64Array {
  if (missing.length === 0) return full;
  const part = gram(x, missing);
  return full.map((sum, at) => sum - part[at]);
}

function factor(sums: Float64Array, rows: number, ridge: number): CholeskyDecomposition {
  const size = Math.sqrt(sums.length);
  const matrix = DenseMatrix.zeros(size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      matrix.set(i, j, sums[i * size + j]);
      matrix.set(j, i, sums[i * size + j]);
    }
    matrix.set(i, i, matrix.get(i, i) + LEAST_RIDGE * rows + (i < size - 1 ? ridge : 0));
  }
  return new CholeskyDecomposition(matrix);
}

function addScaled(target: Float64Array, values: Float64Array, scale: number): void {
  for (let i = 0; i < target.length; i++) target[i] += scale * values[i];
}
