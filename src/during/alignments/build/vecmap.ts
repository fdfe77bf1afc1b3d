/**
 * VecMap's supervised mapping of two embedding spaces onto one (Artetxe, Labaka and Agirre, AAAI 2018; `--supervised` of
 * the released code), as EVA maps the tokens of two models (arXiv 2404.09492). With X and Z the normalised embeddings
 * and X_d, Z_d the rows of the dictionary's pairs:
 *
 *     normalised: each row to length 1, the mean of all rows taken off, each row to length 1 again
 *     W_x = (X_dᵀX_d)^−½, W_z alike             whitening
 *     U S Vᵀ = W_x X_dᵀ Z_d W_z                  the orthogonal maps
 *     P_x = W_x U S^½ · Uᵀ W_x⁻¹ U               re-weighting, de-whitening
 *     P_z = W_z V S^½ · Vᵀ W_z⁻¹ V
 *
 * and a token's place is x·P_x or z·P_z. Only the dictionary's sums of products enter, so this works on those. Where the
 * widths differ the smaller one is the common space (ours; the released code stops with an error of shapes).
 */
import type { Matrix } from "../../../learning/matrix.js";
import { makeMatrix } from "../../../learning/matrix.js";
import { product, scaledColumns, scaledRows, transposed } from "../../../learning/matrix-product.js";
import { type Eigen, symmetricEigen } from "../../../learning/symmetric-eigen.js";

/** Sums over the dictionary's pairs (x, z). */
export interface DictionarySums {
  /** Σ xᵀx, width × width. */
  source: Matrix;
  /** Σ zᵀz. */
  target: Matrix;
  /** Σ xᵀz. */
  cross: Matrix;
}

/** P_x and P_z: width × common width. */
export interface Maps {
  source: Matrix;
  target: Matrix;
}

/** Directions with less than this share of the largest eigenvalue hold nothing but rounding, and are left out. */
const LEAST_SHARE = 1e-12;

/**
 * With the eigenvectors Q_x and eigenvalues d_x of X_dᵀX_d, and Z's alike, all of this happens between them:
 *
 *     N = d_x^−½ Q_xᵀ X_dᵀZ_d Q_z d_z^−½ = U' S V'ᵀ        U = Q_x U', V = Q_z V'
 *     P_x = Q_x d_x^−½ U' S^½ · U'ᵀ d_x^½ U'              P_z alike
 */
export function learnMaps({ source, target, cross }: DictionarySums): Maps {
  return mapsBetween(symmetricEigen(source), symmetricEigen(target), cross);
}

/** The same from the decompositions of Σ xᵀx and Σ zᵀz, which are most of the work. */
export function mapsBetween(x: Eigen, z: Eigen, cross: Matrix): Maps {
  // The decomposition of one side gives the other's directions: take the narrower one's.
  if (cross.shape[0] > cross.shape[1]) {
    const turned = mapsBetween(z, x, transposed(cross));
    return { source: turned.target, target: turned.source };
  }
  const between = product(product(x.vectors, cross), transposed(z.vectors));
  const n = scaledRows(scaledColumns(between, powers(z.values, -0.5)), powers(x.values, -0.5));
  const { values, vectors } = symmetricEigen(product(n, transposed(n)));
  const singular = values.map((value) => Math.sqrt(Math.max(0, value)));
  const largest = singular[singular.length - 1];
  const u = transposed(vectors);
  const inverse = singular.map((value) => (value > LEAST_SHARE * largest ? 1 / value : 0));
  const v = scaledColumns(product(transposed(n), u), inverse);
  const root = singular.map(Math.sqrt);
  return { source: placed(x, u, root), target: placed(z, v, root) };
}

/** Q d^−½ U' S^½ · U'ᵀ d^½ U'. */
function placed({ values, vectors }: Eigen, u: Matrix, root: Float64Array): Matrix {
  const turned = scaledColumns(scaledRows(u, powers(values, -0.5)), root);
  const back = product(transposed(u), scaledRows(u, powers(values, 0.5)));
  return product(transposed(vectors), product(turned, back));
}

/** Each eigenvalue's power; 0 for the directions that hold nothing. */
function powers(values: Float64Array, exponent: number): Float64Array {
  const largest = values[values.length - 1];
  return values.map((value) => (value > LEAST_SHARE * largest ? value ** exponent : 0));
}

/** A row to length 1, less the mean, to length 1 again; in place. Zeros stay where length 1 cannot be. */
export function normaliseRow(row: Float64Array, mean: Float64Array): void {
  toUnit(row);
  for (let j = 0; j < row.length; j++) row[j] -= mean[j];
  toUnit(row);
}

export function toUnit(row: Float64Array | Float32Array): void {
  let square = 0;
  for (let j = 0; j < row.length; j++) square += row[j] * row[j];
  if (square === 0) return;
  const scale = 1 / Math.sqrt(square);
  for (let j = 0; j < row.length; j++) row[j] *= scale;
}

/** Add the outer products of one pair to the sums. For small vocabularies; large ones are added in blocks. */
export function addPair(sums: DictionarySums, x: Float64Array, z: Float64Array): void {
  addOuter(sums.source, x, x);
  addOuter(sums.target, z, z);
  addOuter(sums.cross, x, z);
}

export function emptySums(sourceWidth: number, targetWidth: number): DictionarySums {
  return {
    source: makeMatrix(sourceWidth, sourceWidth),
    target: makeMatrix(targetWidth, targetWidth),
    cross: makeMatrix(sourceWidth, targetWidth),
  };
}

function addOuter(sum: Matrix, a: Float64Array, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) sum.data[i * b.length + j] += a[i] * b[j];
  }
}
