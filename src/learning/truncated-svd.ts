/**
 * The leading right singular vectors of a sparse n × m matrix A ≈ U S Vᵀ, by the randomised range finder with power
 * iterations (Halko, Martinsson and Tropp, arXiv 0909.4061, algorithms 4.4 and 5.1). A text's projection Vᵀx is latent
 * semantic analysis.
 */

import { Matrix as DenseMatrix, EigenvalueDecomposition } from "ml-matrix";
import { RandomGenerator } from "../random.js";
import { drawNormal } from "./draws.js";
import { finish } from "./finish.js";
import { dot, type Matrix, makeMatrix, rowOf } from "./matrix.js";
import type { SparseVector } from "./tf-idf.js";

/** Directions beyond those asked for, and passes over A: what makes the leading ones accurate. */
const OVERSAMPLING = 10;
const POWER_ITERATIONS = 2;
/** Directions shorter than this share of the longest (squared) are rounding. */
const LEAST_EIGENVALUE = 1e-12;

/** V: m × rank, or fewer columns where A has fewer directions; by falling singular value. */
export function truncatedSvd(rows: readonly SparseVector[], columns: number, rank: number, seed: number): Matrix {
  return finish(svdSteps(rows, columns, rank, seed));
}

/** The same with a pause after each of its long parts. */
export function* svdSteps(
  rows: readonly SparseVector[],
  columns: number,
  rank: number,
  seed: number,
): Generator<void, Matrix> {
  const random = new RandomGenerator(seed);
  const start = makeMatrix(columns, Math.min(rank + OVERSAMPLING, rows.length, columns));
  for (let i = 0; i < start.data.length; i++) start.data[i] = drawNormal(random);
  let product = times(rows, start);
  yield;
  let basis = orthonormal(product);
  for (let pass = 0; pass < POWER_ITERATIONS; pass++) {
    yield;
    const features = transposeTimes(rows, basis, columns);
    yield;
    product = times(rows, features);
    yield;
    basis = orthonormal(product);
  }
  yield;
  product = transposeTimes(rows, basis, columns);
  yield;
  return withPositivePeaks(orthonormal(product, rank));
}

/** Vᵀx for a sparse x. */
export function project(vectors: Matrix, { indices, values }: SparseVector): Float64Array {
  const rank = vectors.shape[1];
  const { data } = vectors;
  const projected = new Float64Array(rank);
  for (let entry = 0; entry < indices.length; entry++) {
    const value = values[entry];
    const at = indices[entry] * rank;
    for (let j = 0; j < rank; j++) projected[j] += value * data[at + j];
  }
  return projected;
}

/** A·B, n × width; b: m × width. */
function times(rows: readonly SparseVector[], b: Matrix): Matrix {
  const product = makeMatrix(rows.length, b.shape[1]);
  for (const [row, vector] of rows.entries()) rowOf(product, row).set(project(b, vector));
  return product;
}

/** Aᵀ·Y, m × width; y: n × width. */
function transposeTimes(rows: readonly SparseVector[], y: Matrix, columns: number): Matrix {
  const width = y.shape[1];
  const product = makeMatrix(columns, width);
  for (const [row, { indices, values }] of rows.entries()) {
    const from = row * width;
    for (let entry = 0; entry < indices.length; entry++) {
      const value = values[entry];
      const at = indices[entry] * width;
      for (let j = 0; j < width; j++) product.data[at + j] += value * y.data[from + j];
    }
  }
  return product;
}

/**
 * X·E·Λ^−½, where XᵀX = E Λ Eᵀ: an orthonormal basis of the columns' span by falling singular value, cut to `rank`
 * columns and without directions that are none.
 */
function orthonormal(x: Matrix, rank = x.shape[1]): Matrix {
  if (x.data.length === 0) return makeMatrix(x.shape[0], 0);
  const columns = rowsOf(transposed(x));
  const gram = DenseMatrix.zeros(columns.length, columns.length);
  for (const [i, a] of columns.entries()) {
    for (let j = 0; j <= i; j++) {
      const product = dot(a, columns[j]);
      gram.set(i, j, product);
      gram.set(j, i, product);
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(gram, { assumeSymmetric: true });
  const order = realEigenvalues.map((value, index) => ({ value, index })).sort((a, b) => b.value - a.value);
  const kept = order.slice(0, rank).filter(({ value }) => value > LEAST_EIGENVALUE * order[0].value);
  const directions = kept.map(({ value, index }) =>
    Float64Array.from(eigenvectorMatrix.getColumn(index), (share) => share / Math.sqrt(value)),
  );
  const basis = makeMatrix(x.shape[0], kept.length);
  for (const [row, values] of rowsOf(x).entries()) {
    for (const [column, direction] of directions.entries())
      basis.data[row * kept.length + column] = dot(values, direction);
  }
  return basis;
}

function transposed(x: Matrix): Matrix {
  const [rows, columns] = x.shape;
  const result = makeMatrix(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result.data[column * rows + row] = x.data[row * columns + column];
    }
  }
  return result;
}

function rowsOf(x: Matrix): Float64Array[] {
  return Array.from({ length: x.shape[0] }, (_, row) => rowOf(x, row));
}

/** Singular vectors are determined up to their sign: the largest entry of each column is made positive. */
function withPositivePeaks(vectors: Matrix): Matrix {
  const [rows, width] = vectors.shape;
  for (let column = 0; column < width; column++) {
    let peak = 0;
    for (let row = 0; row < rows; row++) {
      const value = vectors.data[row * width + column];
      if (Math.abs(value) > Math.abs(peak)) peak = value;
    }
    if (peak < 0) for (let row = 0; row < rows; row++) vectors.data[row * width + column] *= -1;
  }
  return vectors;
}
