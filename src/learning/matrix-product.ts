/** Products of dense matrices in float64, in blocks that stay in the cache. */
import { type Matrix, makeMatrix } from "./matrix.js";

/** Rows of B that are worked on at once: 64 × 1024 numbers are half a megabyte. */
const BLOCK = 64;

/** A·B. Shapes: a n × k, b k × m. */
export function product(a: Matrix, b: Matrix): Matrix {
  const [n, k] = a.shape;
  const m = b.shape[1];
  const result = makeMatrix(n, m);
  const { data: x } = a;
  const { data: y } = b;
  const { data: out } = result;
  for (let from = 0; from < k; from += BLOCK) {
    const to = Math.min(from + BLOCK, k);
    for (let i = 0; i < n; i++) {
      const at = i * m;
      let l = from;
      // Four rows of B at once: one load and one store of the result for four products.
      for (; l + 3 < to; l += 4) {
        const a0 = x[i * k + l];
        const a1 = x[i * k + l + 1];
        const a2 = x[i * k + l + 2];
        const a3 = x[i * k + l + 3];
        const row = l * m;
        for (let j = 0; j < m; j++) {
          out[at + j] += a0 * y[row + j] + a1 * y[row + m + j] + a2 * y[row + 2 * m + j] + a3 * y[row + 3 * m + j];
        }
      }
      for (; l < to; l++) {
        const value = x[i * k + l];
        for (let j = 0; j < m; j++) out[at + j] += value * y[l * m + j];
      }
    }
  }
  return result;
}

/** Aᵀ, copied. */
export function transposed(a: Matrix): Matrix {
  const [n, m] = a.shape;
  const result = makeMatrix(m, n);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) result.data[j * n + i] = a.data[i * m + j];
  return result;
}

/** A with column j multiplied by scales[j], copied. */
export function scaledColumns(a: Matrix, scales: ArrayLike<number>): Matrix {
  const [n, m] = a.shape;
  const result = makeMatrix(n, m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) result.data[i * m + j] = a.data[i * m + j] * scales[j];
  return result;
}

/** A with row i multiplied by scales[i], copied. */
export function scaledRows(a: Matrix, scales: ArrayLike<number>): Matrix {
  const [n, m] = a.shape;
  const result = makeMatrix(n, m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) result.data[i * m + j] = a.data[i * m + j] * scales[i];
  return result;
}
