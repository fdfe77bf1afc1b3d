/**
 * All eigenvalues and eigenvectors of a symmetric matrix: Householder tridiagonalisation, then implicit QL steps
 * (Bowdler, Martin, Reinsch and Wilkinson, Numerische Mathematik 11, 1968). Rows are kept together in memory, so that
 * matrices of some thousand rows take minutes where a transcription by columns takes an hour.
 */
import { dot, type Matrix, makeMatrix } from "./matrix.js";

export interface Eigen {
  /** Ascending. */
  values: Float64Array;
  /** Row i is the unit eigenvector of values[i]. */
  vectors: Matrix;
}

/** More QL steps on one eigenvalue than this, and the matrix is not one of finite numbers. */
const MOST_STEPS = 60;

/** A = Σ_i values_i · v_i v_iᵀ. Shape: a n × n, symmetric; only its lower triangle is read. */
export function symmetricEigen(a: Matrix): Eigen {
  const n = a.shape[0];
  const work = Float64Array.from(a.data);
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  const reflections = tridiagonalise(work, n, diagonal, beside);
  // Row i of `vectors` becomes eigenvector i: rotations then mix two rows, which lie in one piece each.
  const vectors = makeMatrix(n, n);
  for (let i = 0; i < n; i++) vectors.data[i * n + i] = 1;
  diagonalise(diagonal, beside, vectors.data, n);
  applyReflections(vectors.data, n, work, reflections);
  return sorted(diagonal, vectors, n);
}

/**
 * T = Hᵀ A H with H a product of reflections 1 − u uᵀ/h. Row i of `a` is overwritten with u (columns 0 … i − 1); returns
 * the h of each, 0 where row i needed none. `beside[i]` is T's entry (i, i − 1).
 */
function tridiagonalise(a: Float64Array, n: number, diagonal: Float64Array, beside: Float64Array): Float64Array {
  const lengths = new Float64Array(n);
  const p = new Float64Array(n);
  for (let i = n - 1; i >= 1; i--) {
    const row = a.subarray(i * n, i * n + i);
    let scale = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(row[k]);
    if (i === 1 || scale === 0) {
      beside[i] = row[i - 1];
      continue;
    }
    let square = 0;
    for (let k = 0; k < i; k++) {
      row[k] /= scale;
      square += row[k] * row[k];
    }
    const last = row[i - 1];
    const length = last >= 0 ? -Math.sqrt(square) : Math.sqrt(square);
    beside[i] = scale * length;
    const h = square - last * length;
    lengths[i] = h;
    row[i - 1] = last - length;
    // p = A u / h, from the lower triangle alone: each row serves as itself and as its column.
    p.fill(0, 0, i);
    for (let j = 0; j < i; j++) {
      const other = a.subarray(j * n, j * n + j + 1);
      const uj = row[j];
      let sum = other[j] * uj;
      for (let k = 0; k < j; k++) {
        sum += other[k] * row[k];
        p[k] += other[k] * uj;
      }
      p[j] += sum;
    }
    let product = 0;
    for (let j = 0; j < i; j++) {
      p[j] /= h;
      product += p[j] * row[j];
    }
    const half = product / (2 * h);
    for (let j = 0; j < i; j++) p[j] -= half * row[j];
    for (let j = 0; j < i; j++) {
      const other = a.subarray(j * n, j * n + j + 1);
      const uj = row[j];
      const pj = p[j];
      for (let k = 0; k <= j; k++) other[k] -= uj * p[k] + pj * row[k];
    }
  }
  for (let i = 0; i < n; i++) diagonal[i] = a[i * n + i];
  return lengths;
}

/** QL with implicit shifts; every rotation of T is applied to two rows of `vectors`. */
function diagonalise(d: Float64Array, e: Float64Array, vectors: Float64Array, n: number): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  for (let l = 0; l < n; l++) {
    for (let step = 0; ; step++) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]) > Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))) m++;
      if (m === l || step > MOST_STEPS) break;
      let g = (d[l + 1] - d[l]) / (2 * e[l]);
      let r = Math.hypot(g, 1);
      g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
      let s = 1;
      let c = 1;
      let p = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        rotate(vectors, i * n, (i + 1) * n, n, c, s);
      }
      if (r === 0 && i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

function rotate(rows: Float64Array, first: number, second: number, n: number, c: number, s: number): void {
  for (let k = 0; k < n; k++) {
    const x = rows[first + k];
    const y = rows[second + k];
    rows[second + k] = s * x + c * y;
    rows[first + k] = c * x - s * y;
  }
}

/** From eigenvectors of T to those of A: each row v becomes H v. */
function applyReflections(vectors: Float64Array, n: number, a: Float64Array, lengths: Float64Array): void {
  for (let row = 0; row < n; row++) {
    const v = vectors.subarray(row * n, (row + 1) * n);
    for (let i = 1; i < n; i++) {
      if (lengths[i] === 0) continue;
      const u = a.subarray(i * n, i * n + i);
      const share = dot(u, v.subarray(0, i)) / lengths[i];
      for (let k = 0; k < i; k++) v[k] -= share * u[k];
    }
  }
}

function sorted(values: Float64Array, vectors: Matrix, n: number): Eigen {
  const order = Array.from(values.keys()).sort((a, b) => values[a] - values[b]);
  const rows = makeMatrix(n, n);
  for (const [place, i] of order.entries()) {
    rows.data.set(vectors.data.subarray(i * n, (i + 1) * n), place * n);
  }
  return { values: Float64Array.from(order, (i) => values[i]), vectors: rows };
}
