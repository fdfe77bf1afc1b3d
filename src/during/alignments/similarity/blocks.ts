/** The parts of a similarity matrix (vecmap.ts, similar-tokens.ts) that threads compute, in float32. */
import { type Kernels, loadKernels } from "../../../kernels/kernels.js";
import { Multiplier, type NativeFloats, viewFloats } from "../../../llama/ggml-math.js";
import { type EmbeddingSource, readRows } from "../../../member/embeddings.js";
import { normaliseRow, toUnit } from "../build/vecmap.js";
import { type Job, mathOf } from "./dictionary-blocks.js";
import { Neighbourhoods, type SimilarityOptions, type SimilarTokens, similarTokens, Target } from "./similar-tokens.js";

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
  const math = mathOf(library);
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
  /** The source rows to compute. */
  rows: Int32Array;
}

export interface NeighbourhoodJob extends CosinesJob {
  neighbourhood: number;
}

/** The largest cosines of every target among these source rows (Neighbourhoods.values). */
export function neighbourhoodBlock(job: NeighbourhoodJob): Float64Array {
  const { targets, common, neighbourhood } = job;
  const neighbourhoods = new Neighbourhoods(targets.length / common, neighbourhood);
  forEachRow(job, (cosines) => neighbourhoods.add(cosines));
  return neighbourhoods.values;
}

export interface CandidatesJob extends NeighbourhoodJob {
  /** What each target's hubness is at least. */
  leastHubness: Float64Array;
  kinds: Uint8Array;
  /** Candidates of a row at most. */
  most: number;
}

/** The targets of the highest possible scores of each row: 2 cos − least hubness, highest first. */
export interface CandidatesBlock {
  /** Neighbourhoods.values of these rows. */
  neighbourhoods: Float64Array;
  /** rows × most; -1 behind a row's last. */
  ids: Int32Array;
  cosines: Float32Array;
  /** The lowest of each row's possible scores; -Infinity where all targets are candidates. */
  bounds: Float32Array;
}

/** Candidates for the similar tokens of these rows, and the rows' part of the targets' neighbourhoods. */
export function candidatesBlock(job: CandidatesJob): CandidatesBlock {
  const { rows, targets, common, neighbourhood, most } = job;
  const columns = targets.length / common;
  const neighbourhoods = new Neighbourhoods(columns, neighbourhood);
  const ids = new Int32Array(rows.length * most);
  const cosines = new Float32Array(rows.length * most);
  const bounds = new Float32Array(rows.length);
  const search = candidateSearch(columns, most);
  forEachRow(job, (own, place) => {
    neighbourhoods.add(own);
    const found = search.find(own, job);
    ids.set(found.ids, place * most);
    for (const [rank, id] of found.ids.entries()) if (id >= 0) cosines[place * most + rank] = own[id];
    bounds[place] = found.bound;
  });
  return { neighbourhoods: neighbourhoods.values, ids, cosines, bounds };
}

class CandidateSearch {
  readonly #kernels: Kernels = loadKernels();
  readonly #scores: { at: number; view: Float32Array };
  readonly #ids: { at: number; view: Int32Array };
  readonly #best: { at: number; view: Float32Array };

  constructor(
    readonly columns: number,
    readonly most: number,
  ) {
    const { shared } = this.#kernels;
    const floats = (length: number) => {
      const at = shared.allocate(4 * length);
      return { at, view: shared.float32(at, length) };
    };
    const ids = shared.allocate(4 * most);
    this.#ids = { at: ids, view: shared.int32(ids, most) };
    this.#scores = floats(columns);
    this.#best = floats(most);
  }

  find(cosines: Float32Array, { leastHubness, kinds }: CandidatesJob): { ids: Int32Array; bound: number } {
    const { columns, most } = this;
    const scores = this.#scores.view;
    for (let z = 0; z < columns; z++) {
      const kind = kinds[z];
      if (kind === Target.candidate) scores[z] = 2 * cosines[z] - leastHubness[z];
      else scores[z] = kind === Target.deleted ? 2 * cosines[z] : Number.NEGATIVE_INFINITY;
    }
    const found = this.#kernels.top(this.#scores.at, columns, most, this.#ids.at, this.#best.at);
    return { ids: this.#ids.view, bound: found < most ? Number.NEGATIVE_INFINITY : this.#best.view[most - 1] };
  }
}

/** This thread's, kept for the next block: the kernels' memory is not freed soon. */
let lastSearch: CandidateSearch | undefined;

function candidateSearch(columns: number, most: number): CandidateSearch {
  if (lastSearch?.columns !== columns || lastSearch.most !== most) lastSearch = new CandidateSearch(columns, most);
  return lastSearch;
}

export interface SimilarityJob extends CosinesJob {
  hubness: Float64Array;
  kinds: Uint8Array;
  options: SimilarityOptions;
}

/** The similar tokens of each of these rows. */
export function similarityBlock(job: SimilarityJob): SimilarTokens[] {
  const { hubness, kinds, options } = job;
  const found: SimilarTokens[] = [];
  forEachRow(job, (cosines) => found.push(similarTokens(cosines, hubness, kinds, options)));
  return found;
}

function forEachRow(job: CosinesJob, visit: (cosines: Float32Array, place: number) => void): void {
  const { library, places, targets, common, rows } = job;
  const multiplier = new Multiplier(mathOf(library), targets, common, rows.length);
  const columns = targets.length / common;
  try {
    const all = viewFloats(places);
    for (const [place, row] of rows.entries()) {
      multiplier.input.set(all.subarray(row * common, (row + 1) * common), place * common);
    }
    multiplier.multiply(rows.length);
    for (let place = 0; place < rows.length; place++) {
      visit(multiplier.output.subarray(place * columns, (place + 1) * columns), place);
    }
  } finally {
    multiplier.free();
  }
}
