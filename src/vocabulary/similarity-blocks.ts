/** The parts of a similarity matrix (vecmap.ts, similar-tokens.ts) that threads compute, in float32. */
import { dot, type Matrix, makeMatrix } from "../learning/matrix.js";
import type { LibraryFiles } from "../llama/find-library.js";
import { allocateFloats, freeFloats, ggmlMath, Multiplier, type NativeFloats, viewFloats } from "../llama/ggml-math.js";
import { bindLoadedLlama } from "../llama/library.js";
import { type EmbeddingSource, gatherRows, readRows } from "../member/embeddings.js";
import { EMPTY_ROW } from "./relative-rows.js";
import { Neighbourhoods, type SimilarityOptions, similarTokens } from "./similar-tokens.js";
import { similarityRow } from "./similarity-exact.js";
import type { RowBlock } from "./sparse-rows.js";
import { learnMaps, normaliseRow, toUnit } from "./vecmap.js";

/** Rows whose products are summed at once in float32; beyond, sums are float64. */
const CHUNK = 1024;

interface Job {
  library: LibraryFiles;
}

export interface MapsJob extends Job {
  source: EmbeddingSource;
  target: EmbeddingSource;
  /** Rows of the source and the target that are one token. */
  pairs: readonly [Int32Array, Int32Array];
}

/** How a model's rows get to their places: (row normalised with the mean) · map. */
export interface Placement {
  mean: Float64Array;
  /** width × common width, row-major. */
  map: Float64Array;
  common: number;
}

/** VecMap's maps of both models, from the dictionary's pairs. */
export function mapsBlock({ library, source, target, pairs }: MapsJob): { source: Placement; target: Placement } {
  bindLoadedLlama(library);
  const math = ggmlMath(library);
  const sides = [source, target].map((side, index) => {
    const mean = meanDirection(side, math);
    const rows = gatherRows(side, pairs[index], math, (row) => normaliseRow(row, mean));
    return { mean, rows, width: side.width };
  });
  try {
    const [x, z] = sides;
    const sums = {
      source: sumOfProducts(math, x, x),
      target: sumOfProducts(math, z, z),
      cross: sumOfProducts(math, x, z),
    };
    const maps = learnMaps(sums);
    const placement = (map: Matrix, mean: Float64Array) => ({ mean, map: map.data, common: map.shape[1] });
    return { source: placement(maps.source, x.mean), target: placement(maps.target, z.mean) };
  } finally {
    for (const { rows } of sides) freeFloats(rows);
  }
}

/** The mean of all rows at length 1. */
function meanDirection(source: EmbeddingSource, math: ReturnType<typeof ggmlMath>): Float64Array {
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
  math: ReturnType<typeof ggmlMath>,
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

export interface PlaceJob extends Job {
  source: EmbeddingSource;
  mean: Float64Array;
  /** The transposed map, common width × width. */
  map: NativeFloats;
  /** All rows' places, rows × common width. */
  places: NativeFloats;
  from: number;
  to: number;
}

/** Write the places of rows [from, to), each at length 1. */
export function placeBlock({ library, source, mean, map, places, from, to }: PlaceJob): null {
  bindLoadedLlama(library);
  const math = ggmlMath(library);
  const { width } = source;
  const common = map.length / width;
  const embeddings = readRows(source, from, to, math);
  const multiplier = new Multiplier(math, map, width, to - from);
  try {
    const row = new Float64Array(width);
    for (let v = 0; v < to - from; v++) {
      row.set(embeddings.subarray(v * width, (v + 1) * width));
      normaliseRow(row, mean);
      multiplier.input.set(row, v * width);
    }
    multiplier.multiply(to - from);
    const out = viewFloats(places);
    for (let v = 0; v < to - from; v++) {
      const place = multiplier.output.subarray(v * common, (v + 1) * common);
      toUnit(place);
      out.set(place, (from + v) * common);
    }
  } finally {
    multiplier.free();
  }
  return null;
}

export interface CosinesJob extends Job {
  /** Source rows × common width, and target rows × common width. */
  places: NativeFloats;
  targets: NativeFloats;
  common: number;
  /** For each source row: ROW_OF_EMBEDDING, EMPTY_ROW, or the target that it stands for. */
  makes: Int32Array;
  from: number;
  to: number;
}

export interface NeighbourhoodJob extends CosinesJob {
  neighbourhood: number;
}

/** The largest cosines of every target among these source rows (Neighbourhoods.values). */
export function neighbourhoodBlock(job: NeighbourhoodJob): Float64Array {
  const { targets, common, neighbourhood, makes } = job;
  const neighbourhoods = new Neighbourhoods(targets.length / common, neighbourhood);
  forEachRow(job, (row, cosines) => {
    if (makes[row] !== EMPTY_ROW) neighbourhoods.add(cosines);
  });
  return neighbourhoods.values;
}

export interface SimilarityJob extends CosinesJob {
  hubness: Float64Array;
  kinds: Uint8Array;
  options: SimilarityOptions;
}

/** Rows [from, to) of the matrix. */
export function similarityBlock(job: SimilarityJob): RowBlock {
  const { makes, from, to, hubness, kinds, options } = job;
  const counts = new Uint32Array(to - from);
  const indices: number[] = [];
  const values: number[] = [];
  forEachRow(job, (row, cosines) => {
    const { ids, scores } = similarityRow(makes[row], () => similarTokens(cosines, hubness, kinds, options));
    counts[row - from] = ids.length;
    indices.push(...ids);
    values.push(...scores);
  });
  return {
    counts,
    indices: Int32Array.from(indices),
    values: Float64Array.from(values),
    dropped: new Float64Array(to - from),
    background: new Float64Array(0),
  };
}

function forEachRow(job: CosinesJob, visit: (row: number, cosines: Float32Array) => void): void {
  const { library, places, targets, common, from, to } = job;
  bindLoadedLlama(library);
  const multiplier = new Multiplier(ggmlMath(library), targets, common, to - from);
  const columns = targets.length / common;
  try {
    multiplier.input.set(viewFloats(places).subarray(from * common, to * common));
    multiplier.multiply(to - from);
    for (let row = from; row < to; row++) {
      visit(row, multiplier.output.subarray((row - from) * columns, (row - from + 1) * columns));
    }
  } finally {
    multiplier.free();
  }
}
