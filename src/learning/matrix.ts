/** Matrices of offline work: row-major ndarrays over one Float64Array, so that rows are views and columns strides. */
import ndarray from "ndarray";
import { LlamafuseError } from "../errors.js";
import { checkArgument } from "../read-options.js";

/**
 * rows × columns: an ndarray of two dimensions, as `makeMatrix` and `matrixOf` make it. The declaration is our own, so that
 * programs that use the package need no types of ndarray.
 */
export interface Matrix {
  /** Row-major, from 0. */
  readonly data: Float64Array;
  /** [rows, columns] */
  readonly shape: readonly number[];
  get(row: number, column: number): number;
  set(row: number, column: number, value: number): void;
}

/** Error: invalid-option unless it is a matrix. */
export function checkMatrix(what: string, value: unknown): void {
  checkArgument(what, value, "a matrix, as makeMatrix or matrixOf gives it", () => {
    const { data, shape, get, set } = (value ?? {}) as Partial<Matrix>;
    const isShape = Array.isArray(shape) && shape.length === 2;
    return (
      data instanceof Float64Array &&
      isShape &&
      data.length === shape[0] * shape[1] &&
      typeof get === "function" &&
      typeof set === "function"
    );
  });
}

/** A matrix over `data` (not copied), or of zeros. Error: invalid-data where `data` has another length. */
export function makeMatrix(rows: number, columns: number, data = new Float64Array(rows * columns)): Matrix {
  if (data.length !== rows * columns) {
    throw new LlamafuseError("invalid-data", `${data.length} numbers do not fill a ${rows} × ${columns} matrix.`, {
      found: data.length,
      allowed: rows * columns,
    });
  }
  return ndarray(data, [rows, columns]) as Matrix;
}

/** A matrix with these rows, copied. */
export function matrixOf(rows: readonly ArrayLike<number>[]): Matrix {
  const columns = rows[0]?.length ?? 0;
  const matrix = makeMatrix(rows.length, columns);
  for (const [index, row] of rows.entries()) matrix.data.set(row, index * columns);
  return matrix;
}

/** A row as a view: writing to it writes to the matrix. */
export function rowOf(matrix: Matrix, row: number): Float64Array {
  const columns = matrix.shape[1];
  return matrix.data.subarray(row * columns, (row + 1) * columns);
}

/** A column's values, copied. */
export function columnOf(matrix: Matrix, column: number): Float64Array {
  const [rows, columns] = matrix.shape;
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row++) values[row] = matrix.data[row * columns + column];
  return values;
}

/** The named rows, in that order, copied. */
export function selectRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  const selected = makeMatrix(rows.length, matrix.shape[1]);
  for (let index = 0; index < rows.length; index++) rowOf(selected, index).set(rowOf(matrix, rows[index]));
  return selected;
}

/** Σ a_j b_j, in four partial sums. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const { length } = a;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let j = 0;
  for (; j + 3 < length; j += 4) {
    s0 += a[j] * b[j];
    s1 += a[j + 1] * b[j + 1];
    s2 += a[j + 2] * b[j + 2];
    s3 += a[j + 3] * b[j + 3];
  }
  for (; j < length; j++) s0 += a[j] * b[j];
  return s0 + s1 + (s2 + s3);
}

/** A copy with Euclidean length 1; zeros stay zeros. */
export function unitVector(values: ArrayLike<number>): Float64Array {
  const length = Math.sqrt(dot(values, values));
  return Float64Array.from(values, (value) => (length === 0 ? 0 : value / length));
}

/** The index of the largest value, the first among equals; NaN never wins. -1 without any number. */
export function argmax(values: ArrayLike<number>): number {
  let best = -1;
  for (let index = 0; index < values.length; index++) {
    if (best < 0 ? !Number.isNaN(values[index]) : values[index] > values[best]) best = index;
  }
  return best;
}

/** The mean of the numbers among the values; NaN where there is none. */
export function meanOf(values: Iterable<number>): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return sum / count;
}
