/**
 * The similarity of two models' tokens (vecmap.ts, similar-tokens.ts) in float64 and in one piece: for small vocabularies,
 * and the measure of the form in blocks.
 */
import { dot } from "../../../learning/matrix.js";
import { EMPTY_ROW, ROW_OF_EMBEDDING } from "../build/relative-rows.js";
import type { SparseRows } from "../build/sparse-rows.js";
import { addPair, emptySums, learnMaps, normaliseRow, toUnit } from "../build/vecmap.js";
import { Neighbourhoods, type SimilarityOptions, type SimilarTokens, similarTokens } from "./similar-tokens.js";

type Rows = readonly ArrayLike<number>[];

/** Both models' rows in the common space, each of length 1. `pairs`: rows of the source and the target that are one token. */
export function mapEmbeddings(source: Rows, target: Rows, pairs: Iterable<readonly [number, number]>) {
  const x = normalised(source);
  const z = normalised(target);
  const sums = emptySums(x[0].length, z[0].length);
  for (const [a, b] of pairs) addPair(sums, x[a], z[b]);
  const maps = learnMaps(sums);
  const place = (rows: readonly Float64Array[], map: typeof maps.source) =>
    rows.map((row) => {
      const width = map.shape[1];
      const placed = new Float64Array(width);
      for (let i = 0; i < row.length; i++) {
        for (let j = 0; j < width; j++) placed[j] += row[i] * map.data[i * width + j];
      }
      toUnit(placed);
      return placed;
    });
  return { source: place(x, maps.source), target: place(z, maps.target) };
}

function normalised(rows: Rows): Float64Array[] {
  const copies = rows.map((row) => Float64Array.from(row));
  const mean = new Float64Array(copies[0].length);
  for (const row of copies) {
    toUnit(row);
    for (let j = 0; j < mean.length; j++) mean[j] += row[j] / copies.length;
  }
  for (const row of copies) normaliseRow(row, mean);
  return copies;
}

/** Every pair's cosine, a row a source token. */
export function cosinesOf({ source, target }: { source: Rows; target: Rows }): Float64Array[] {
  return source.map((x) => Float64Array.from(target, (z) => dot(x, z)));
}

/** How the rows of a similarity matrix are made. */
export interface SimilarityPlan {
  /** For each source token: ROW_OF_EMBEDDING, EMPTY_ROW, or the target that it stands for, at score 1. */
  makes: Int32Array;
  /** What each target is (Target). */
  kinds: Uint8Array;
  /** K. */
  neighbourhood: number;
  options: SimilarityOptions;
}

/** The matrix, from all cosines. */
export function similarityOf(cosines: readonly Float64Array[], plan: SimilarityPlan): SparseRows {
  const { makes, kinds, neighbourhood, options } = plan;
  const neighbourhoods = new Neighbourhoods(kinds.length, neighbourhood);
  for (const [x, row] of cosines.entries()) if (makes[x] !== EMPTY_ROW) neighbourhoods.add(row);
  const hubness = neighbourhoods.hubness();
  return rowsOf(
    cosines.map((row, x) => similarityRow(makes[x], () => similarTokens(row, hubness, kinds, options))),
    kinds.length,
  );
}

/** These rows as one matrix. */
export function rowsOf(rows: readonly SimilarTokens[], columns: number): SparseRows {
  return {
    rows: rows.length,
    columns,
    offsets: rows.reduce(
      (offsets, { ids }, x) => {
        offsets[x + 1] = offsets[x] + ids.length;
        return offsets;
      },
      new Uint32Array(rows.length + 1),
    ),
    indices: Int32Array.from(rows.flatMap(({ ids }) => ids)),
    values: Float64Array.from(rows.flatMap(({ scores }) => scores)),
    dropped: new Float64Array(rows.length),
    background: new Float64Array(0),
  };
}

/** A row by its make; `compute` where the embedding decides. */
export function similarityRow(make: number, compute: () => SimilarTokens): SimilarTokens {
  if (make >= 0) return { ids: [make], scores: [1] };
  return make === ROW_OF_EMBEDDING ? compute() : { ids: [], scores: [] };
}
