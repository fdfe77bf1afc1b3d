/**
 * Ordinary least squares with an intercept, y ≈ b + aᵀx, by the normal equations:
 *
 *     minimise Σ_i (y_i − b − aᵀx_i)² + ρ ‖a‖²
 */
import { CholeskyDecomposition, Matrix as DenseMatrix } from "ml-matrix";
import { type Matrix, rowOf } from "./matrix.js";

/** Keeps the equations solvable where columns depend on each other. */
const LEAST_RIDGE = 1e-10;

/** a_1 … a_d, then b. x: n × d; y: n numbers. */
export function leastSquares(x: Matrix, y: ArrayLike<number>, { ridge = 0 } = {}): Float64Array {
  const columns = x.shape[1];
  const size = columns + 1;
  const products = DenseMatrix.zeros(size, size);
  const right = DenseMatrix.zeros(size, 1);
  const padded = new Float64Array(size).fill(1);
  for (let row = 0; row < y.length; row++) {
    padded.set(rowOf(x, row));
    for (let i = 0; i < size; i++) {
      right.set(i, 0, right.get(i, 0) + padded[i] * y[row]);
      for (let j = 0; j < size; j++) products.set(i, j, products.get(i, j) + padded[i] * padded[j]);
    }
  }
  for (let i = 0; i < size; i++) {
    products.set(i, i, products.get(i, i) + LEAST_RIDGE * y.length + (i < columns ? ridge : 0));
  }
  return Float64Array.from(new CholeskyDecomposition(products).solve(right).to1DArray());
}
