/** VecMap's maps of two models (vecmap.ts), in the parts that threads compute: sums over the dictionary's pairs in float32. */
import { dot, type Matrix, makeMatrix } from "../../../learning/matrix.js";
import { type Eigen, symmetricEigen } from "../../../learning/symmetric-eigen.js";
import type { LibraryFiles } from "../../../llama/find-library.js";
import {
  allocateFloats,
  freeFloats,
  type GgmlMath,
  ggmlMath,
  Multiplier,
  type NativeFloats,
  viewFloats,
} from "../../../llama/ggml-math.js";
import { bindLoadedLlama } from "../../../llama/library.js";
import { type EmbeddingSource, gatherRows, readRows } from "../../../member/embeddings.js";
import { mapsBetween, normaliseRow } from "../build/vecmap.js";

/** Rows whose products are summed at once in float32; beyond, sums are float64. */
const CHUNK = 1024;

/** What every job brings. */
export interface Job {
  library: LibraryFiles;
}

/** A model's embeddings, and which of its rows are the dictionary's, pair by pair. */
export interface DictionarySide {
  source: EmbeddingSource;
  rows: Int32Array;
}

/** What one side of the dictionary says of its space. */
export interface Directions {
  /** The mean of all of the model's rows at length 1. */
  mean: Float64Array;
  /** Of Σ xᵀx over the pairs. */
  eigen: Eigen;
}

export function directionsBlock({ library, side }: Job & { side: DictionarySide }): Directions {
  const math = mathOf(library);
  const placed = placedRows(math, side);
  try {
    return { mean: placed.mean, eigen: symmetricEigen(sumOfProducts(math, placed, placed)) };
  } finally {
    freeFloats(placed.rows);
  }
}

/** Σ xᵀz over the pairs. */
export function crossBlock({ library, source, target }: Job & Record<"source" | "target", DictionarySide>): Matrix {
  const math = mathOf(library);
  const x = placedRows(math, source);
  try {
    const z = placedRows(math, target);
    try {
      return sumOfProducts(math, x, z);
    } finally {
      freeFloats(z.rows);
    }
  } finally {
    freeFloats(x.rows);
  }
}

/** How a model's rows get to their places: (row normalised with the mean) · map. */
export interface Placement {
  mean: Float64Array;
  /** width × common width, row-major. */
  map: Float64Array;
  common: number;
}

export interface MapsJob {
  source: Directions;
  target: Directions;
  cross: Matrix;
}

/** VecMap's maps of both models. */
export function mapsBlock({ source, target, cross }: MapsJob): { source: Placement; target: Placement } {
  const maps = mapsBetween(source.eigen, target.eigen, cross);
  const placement = ({ mean }: Directions, { data, shape }: Matrix) => ({ mean, map: data, common: shape[1] });
  return { source: placement(source, maps.source), target: placement(target, maps.target) };
}

export function mathOf(library: LibraryFiles): GgmlMath {
  bindLoadedLlama(library);
  return ggmlMath(library);
}

/** The dictionary's rows, normalised, in native memory that the caller frees. */
function placedRows(math: GgmlMath, { source, rows }: DictionarySide) {
  const mean = meanDirection(source, math);
  return { mean, rows: gatherRows(source, rows, math, (row) => normaliseRow(row, mean)), width: source.width };
}

/** The mean of all rows at length 1. */
function meanDirection(source: EmbeddingSource, math: GgmlMath): Float64Array {
  const { rows, width } = source;
  const mean = new Float64Array(width);
  for (let from = 0; from < rows; from += CHUNK) {
    const to = Math.min(from + CHUNK, rows);
    const chunk = readRows(source, from, to, math);
    for (let at = 0; at < (to - from) * width; at += width) {
      const row = chunk.subarray(at, at + width);
      const length = Math.sqrt(dot(row, row)) || 1;
      for (let j = 0; j < width; j++) mean[j] += row[j] / length / rows;
    }
  }
  return mean;
}

/** Σ aᵀb over the pairs, a's width × b's width. */
function sumOfProducts(
  math: GgmlMath,
  a: { rows: NativeFloats; width: number },
  b: { rows: NativeFloats; width: number },
): Matrix {
  const pairs = a.rows.length / a.width;
  const sum = makeMatrix(a.width, b.width);
  const right = allocateFloats(b.width * CHUNK);
  const multiplier = new Multiplier(math, right, CHUNK, a.width);
  const rightView = viewFloats(right);
  const [aRows, bRows] = [viewFloats(a.rows), viewFloats(b.rows)];
  try {
    for (let from = 0; from < pairs; from += CHUNK) {
      transposeInto(aRows, a.width, from, pairs, multiplier.input);
      transposeInto(bRows, b.width, from, pairs, rightView);
      multiplier.multiply(a.width);
      const { output } = multiplier;
      for (let at = 0; at < sum.data.length; at++) sum.data[at] += output[at];
    }
  } finally {
    multiplier.free();
    freeFloats(right);
  }
  return sum;
}

/** Rows [from, from + CHUNK) as columns, with zeros for rows that there are not. Shape: out width × CHUNK. */
function transposeInto(rows: Float32Array, width: number, from: number, count: number, out: Float32Array): void {
  for (let row = 0; row < CHUNK; row++) {
    const at = (from + row) * width;
    for (let j = 0; j < width; j++) out[j * CHUNK + row] = from + row < count ? rows[at + j] : 0;
  }
}
