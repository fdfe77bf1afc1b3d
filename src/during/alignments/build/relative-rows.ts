/**
 * Relative representations: a token is represented by how similar its embedding is to those of anchors that several
 * vocabularies share (Moschella et al., arXiv 2209.15430), as DeePEn uses them (arXiv 2404.12715).
 *
 *     C_va = cos(E_v, E_{anchor a})        R_v = softmax_a(100 · C_va / ‖C_v‖₂)
 *
 * Shapes: E tokens × width, C and R tokens × anchors. The released code divides each row by its Euclidean length before
 * the softmax (src/transfer_matrix/transfer_matrix.py), and so does this.
 */
import { type Kernels, loadKernels } from "../../../kernels/kernels.js";
import { dot } from "../../../learning/matrix.js";
import type { LibraryFiles } from "../../../llama/find-library.js";
import { ggmlMath, Multiplier, type NativeFloats } from "../../../llama/ggml-math.js";
import { bindLoadedLlama } from "../../../llama/library.js";
import { type EmbeddingSource, readRows } from "../../../member/embeddings.js";
import { encodeSmall } from "./small-numbers.js";
import type { RowBlock } from "./sparse-rows.js";
import { toUnit } from "./vecmap.js";

/** What similarities are multiplied with before the softmax. */
const SHARPNESS = 100;
/** Most entries kept of a row, and the smallest that is worth keeping: the others are represented by their mean (SparseRows). */
export const MOST_KEPT = 64;
export const LEAST_KEPT = 1e-4;
/** Rows of which more than this was dropped are kept whole as well, for the steps in which they count. */
export const WHOLE_ABOVE = 1e-3;

/** How a row is made: from its embedding; not at all (0 everywhere); or, at `a ≥ 0`, as 1 at anchor a. */
export const ROW_OF_EMBEDDING = -1;
export const EMPTY_ROW = -2;

/** One row, in float64 and with every entry: the definition, for small vocabularies and as a measure of the other form. */
export function relativeRow(embedding: ArrayLike<number>, anchors: readonly ArrayLike<number>[]): Float64Array {
  const cosines = Float64Array.from(anchors, (anchor) => cosine(embedding, anchor));
  const length = Math.sqrt(dot(cosines, cosines)) || 1;
  const scaled = cosines.map((value) => (SHARPNESS * value) / length);
  const largest = scaled.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exps = scaled.map((value) => Math.exp(value - largest));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  return lengths === 0 ? 0 : dot(a, b) / lengths;
}

/** Rows [from, to) of a matrix, for a thread. Everything in it can be posted. */
export interface RelativeJob {
  library: LibraryFiles;
  source: EmbeddingSource;
  /** The anchors' embeddings, each of Euclidean length 1, anchors × width. */
  anchors: NativeFloats;
  /** How each row is made, for all rows. */
  makes: Int32Array;
  from: number;
  to: number;
  threads: number;
  /** At most so many rows are wanted whole. */
  mostWhole: number;
}

/** Compute the rows in float32 and keep what is large: at most MOST_KEPT entries of at least LEAST_KEPT. */
export function relativeBlock(job: RelativeJob): RowBlock {
  const { library, source, anchors, makes, from, to, threads, mostWhole } = job;
  bindLoadedLlama(library);
  const math = ggmlMath(library);
  const { width } = source;
  const columns = anchors.length / width;
  const embeddings = readRows(source, from, to, math);
  const computed: number[] = [];
  for (let v = from; v < to; v++) if (makes[v] === ROW_OF_EMBEDDING) computed.push(v);
  const counts = new Uint32Array(to - from);
  const dropped = new Float64Array(to - from);
  const indices: number[] = [];
  const values: number[] = [];
  const wholeRows: number[] = [];
  const codes: Uint16Array[] = [];
  const summary = summaryOf(columns);
  const row = new Float64Array(width);
  const product = new Multiplier(math, anchors, width, Math.max(1, computed.length), threads);
  try {
    for (const [place, v] of computed.entries()) {
      row.set(embeddings.subarray((v - from) * width, (v - from + 1) * width));
      toUnit(row);
      product.input.set(row, place * width);
    }
    if (computed.length > 0) product.multiply(computed.length);
    let place = 0;
    for (let v = from; v < to; v++) {
      if (makes[v] === EMPTY_ROW) continue;
      if (makes[v] >= 0) {
        counts[v - from] = 1;
        indices.push(makes[v]);
        values.push(1);
        continue;
      }
      const kept = summary.take(product.output.subarray(place * columns, ++place * columns));
      counts[v - from] = kept.indices.length;
      dropped[v - from] = kept.dropped;
      indices.push(...kept.indices);
      values.push(...kept.values);
      if (kept.dropped > WHOLE_ABOVE && wholeRows.length < mostWhole) {
        wholeRows.push(v - from);
        codes.push(summary.codes());
      }
    }
  } finally {
    product.free();
  }
  return {
    counts,
    indices: Int32Array.from(indices),
    values: Float64Array.from(values),
    dropped,
    background: summary.background,
    whole: { rows: Int32Array.from(wholeRows), codes: joined(codes, columns) },
  };
}

function joined(rows: readonly Uint16Array[], columns: number): Uint16Array {
  const all = new Uint16Array(rows.length * columns);
  for (const [i, row] of rows.entries()) all.set(row, i * columns);
  return all;
}

/** This thread's, kept for the next block: the kernels' memory is not freed soon. */
let lastSummary: RowSummary | undefined;

function summaryOf(columns: number): RowSummary {
  if (lastSummary?.columns !== columns) lastSummary = new RowSummary(columns);
  lastSummary.restart();
  return lastSummary;
}

/** From similarities to the kept part of a row of R, with the dropped parts of all rows summed up. */
export class RowSummary {
  /** Σ of the dropped parts. */
  background: Float64Array;
  readonly #kernels: Kernels;
  readonly #logits: { at: number; view: Float32Array };
  readonly #exps: { at: number; view: Float64Array };
  readonly #top: { ids: number; idsView: Int32Array; logits: number };
  readonly #most: number;
  /** Of the last row: 1 / Σ e^z, and the kept entries' e^z. */
  #scale = 1;
  #kept: [number, number][] = [];

  constructor(readonly columns: number) {
    const kernels = loadKernels();
    const { shared } = kernels;
    const region = { logits: shared.allocate(4 * columns), exps: shared.allocate(8 * columns) };
    this.#kernels = kernels;
    this.#most = Math.min(MOST_KEPT, columns);
    this.#logits = { at: region.logits, view: shared.float32(region.logits, columns) };
    this.#exps = { at: region.exps, view: shared.float64(region.exps, columns) };
    const ids = shared.allocate(4 * this.#most);
    this.#top = { ids, idsView: shared.int32(ids, this.#most), logits: shared.allocate(4 * this.#most) };
    this.background = new Float64Array(columns);
  }

  /** Begin another block. */
  restart(): void {
    this.background = new Float64Array(this.columns);
  }

  /** @param cosines float32[columns] */
  take(cosines: Float32Array): { indices: number[]; values: number[]; dropped: number } {
    const { columns } = this;
    const kernels = this.#kernels;
    const logits = this.#logits.view;
    const scale = SHARPNESS / (Math.sqrt(dot(cosines, cosines)) || 1);
    for (let a = 0; a < columns; a++) logits[a] = scale * cosines[a];
    const exps = this.#exps.view;
    const sum = kernels.expInto(this.#logits.at, columns, kernels.maximum(this.#logits.at, columns), this.#exps.at);
    const found = kernels.top(this.#logits.at, columns, this.#most, this.#top.ids, this.#top.logits);
    this.#scale = 1 / sum;
    const indices: number[] = [];
    const values: number[] = [];
    this.#kept = [];
    let kept = 0;
    for (let rank = 0; rank < found; rank++) {
      const a = this.#top.idsView[rank];
      const value = exps[a] / sum;
      if (value < LEAST_KEPT) break;
      indices.push(a);
      values.push(value);
      kept += value;
      this.#kept.push([a, exps[a]]);
      exps[a] = 0;
    }
    const { background } = this;
    for (let a = 0; a < columns; a++) background[a] += exps[a] / sum;
    return { indices, values, dropped: Math.max(0, 1 - kept) };
  }

  /** All of the last row. */
  codes(): Uint16Array {
    const exps = this.#exps.view;
    for (const [a, value] of this.#kept) exps[a] = value;
    return encodeSmall(exps, this.#scale);
  }
}
