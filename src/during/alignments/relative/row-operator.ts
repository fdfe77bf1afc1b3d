/**
 * R as far as a step needs it: sparse rows (sparse-rows.ts), with the rows W that count most taken whole. A row counts by
 * the mass that its sparse form would lose, p_v · τ_v, and a row with almost no content is represented by the mean
 * alone, which loses all of it (τ = 1). For a distribution p over rows that sum to 1
 *
 *     ‖p·R − out‖₁ ≤ 2·Σ_{v ∉ W} p_v·τ_v + ε·Σ_{v ∈ W} p_v        ε = 1.001 · 2^-10
 *
 * The first sum is proven in sparse-rows.ts. The second: a whole row's codes are c_a = R_va (1 + δ_a), |δ_a| ≤ δ = 2^-11 +
 * 2^-24 (small-numbers.ts), so their sum S is within δ of 1, and ‖c/S − R_v‖₁ ≤ (Σ|c_a − R_va| + |1 − S|)/S ≤ 2δ/(1 − δ) < ε.
 * Back, (R·x)_v is off by at most half of the row's own share of that bound, τ_v or ε/2, times max x − min x.
 *
 * One operator serves every run on its members: what `choose` settles holds until the next choice, so a user chooses anew
 * whenever another may have come between.
 */
import { loadMatrixKernels, type MatrixKernels } from "../../../kernels/matrix-kernels.js";
import type { SparseRows } from "../build/sparse-rows.js";

/** A row that loses less than this counts for nothing: tokens differ by their favourites' mass, not by so little. */
const LEAST_LOSS = 1e-4;
/** Most rows taken whole: each costs as much as some thousand sparse ones. */
const MOST_WHOLE = 32;
/** A token less probable than this is represented by the mean alone, if the mean already holds most of its row. */
const LEAST_SHARE = 1e-9;
const MOSTLY = 0.5;
/** ε. */
const WHOLE_ERROR = 1.001 * 2 ** -10;

export class RowOperator {
  readonly rows: number;
  readonly columns: number;
  readonly #dropped: Float64Array;
  readonly #background: Float64Array;
  /** For each row its place among those that are there whole, or -1. Empty where none is. */
  readonly #places: Int32Array;
  /** Of each place: what makes its codes sum to 1; 0 until it is wanted. */
  readonly #scales: Float64Array;
  readonly #kernels: MatrixKernels;
  /** Where things lie in the kernels' memory. */
  readonly #at: Regions;
  /** Views there: 1 where a row's own entries count and 0 where the mean does; a number a row; a number a column. */
  readonly #speaks: Uint8Array;
  readonly #perRow: Float64Array;
  readonly #perColumn: Float64Array;
  /** The rows taken whole, those that count most first. */
  readonly #chosen: number[] = [];
  readonly #losses: number[] = [];

  /** Error: out-of-memory. */
  constructor(matrix: SparseRows) {
    const { rows, columns, offsets, indices, values, whole } = matrix;
    this.rows = rows;
    this.columns = columns;
    this.#dropped = matrix.dropped;
    this.#background = matrix.background;
    const codes = whole?.codes ?? new Uint16Array(0);
    this.#places = whole?.places ?? new Int32Array(0);
    this.#scales = new Float64Array(codes.length / columns);
    const { at, bytes } = layOut({
      values: values.byteLength,
      perRow: 8 * rows,
      perColumn: 8 * columns,
      offsets: offsets.byteLength,
      indices: indices.byteLength,
      whole: codes.byteLength,
      speaks: rows,
    });
    this.#at = at;
    this.#kernels = loadMatrixKernels(bytes);
    const { buffer } = this.#kernels;
    new Float64Array(buffer, at.values, values.length).set(values);
    new Uint32Array(buffer, at.offsets, offsets.length).set(offsets);
    new Int32Array(buffer, at.indices, indices.length).set(indices);
    new Uint16Array(buffer, at.whole, codes.length).set(codes);
    this.#speaks = new Uint8Array(buffer, at.speaks, rows).fill(1);
    this.#perRow = new Float64Array(buffer, at.perRow, rows);
    this.#perColumn = new Float64Array(buffer, at.perColumn, columns);
  }

  /** Settle what counts under this distribution, until the next choice. Shape: p float64[≥ rows]. */
  choose(p: Float64Array): void {
    const dropped = this.#dropped;
    const places = this.#places;
    this.#chosen.length = 0;
    this.#losses.length = 0;
    for (let v = 0; v < this.rows; v++) {
      this.#speaks[v] = p[v] < LEAST_SHARE && dropped[v] > MOSTLY ? 0 : 1;
      const loss = p[v] * dropped[v];
      if (loss > LEAST_LOSS && places[v] >= 0) this.#offer(v, loss);
    }
    for (const v of this.#chosen) {
      // Its sparse form is out of the question.
      this.#speaks[v] = 0;
      this.#findScale(places[v]);
    }
  }

  /** out = p·R; returns a bound of the error in ‖·‖₁. Shapes: p float64[≥ rows], out float64[≥ columns]. */
  times(p: Float64Array, out: Float64Array): number {
    const { offsets, indices, values, perRow, perColumn } = this.#at;
    const shares = this.#perRow;
    const dropped = this.#dropped;
    const sum = this.#perColumn;
    let lost = 0;
    for (let v = 0; v < this.rows; v++) {
      const speaks = this.#speaks[v] === 1;
      shares[v] = speaks ? p[v] : 0;
      lost += speaks ? p[v] * dropped[v] : p[v];
    }
    let taken = 0;
    for (const v of this.#chosen) taken += p[v];
    lost = Math.max(0, lost - taken);
    sum.fill(0);
    for (let a = 0; a < this.#background.length; a++) sum[a] = lost * this.#background[a];
    this.#kernels.addRows(offsets, indices, values, this.rows, perRow, perColumn);
    for (const v of this.#chosen) {
      const place = this.#places[v];
      this.#kernels.addSmall(this.#wholeAt(place), this.columns, p[v] * this.#scales[place], perColumn);
    }
    out.set(sum);
    return 2 * lost + WHOLE_ERROR * taken;
  }

  /** out = R·x. Shapes: x float64[≥ columns], out float64[≥ rows]. */
  timesVector(x: Float64Array, out: Float64Array): void {
    const { offsets, indices, values, speaks, perRow, perColumn } = this.#at;
    this.#perColumn.set(x.length === this.columns ? x : x.subarray(0, this.columns));
    this.#kernels.rowDots(offsets, indices, values, this.rows, speaks, perColumn, perRow);
    let mean = 0;
    for (let a = 0; a < this.#background.length; a++) mean += this.#background[a] * x[a];
    const sums = this.#perRow;
    for (let v = 0; v < this.rows; v++) {
      out[v] = this.#speaks[v] === 1 ? sums[v] + mean * this.#dropped[v] : mean;
    }
    for (const v of this.#chosen) out[v] = this.#scales[this.#places[v]] * this.#dot(this.#places[v]);
  }

  #findScale(place: number): void {
    if (this.#scales[place] !== 0) return;
    this.#perColumn.fill(1);
    this.#scales[place] = 1 / this.#dot(place);
  }

  #dot(place: number): number {
    return this.#kernels.dotSmall(this.#wholeAt(place), this.columns, this.#at.perColumn);
  }

  #wholeAt(place: number): number {
    return this.#at.whole + 2 * this.columns * place;
  }

  /** Insert by falling loss, and let go of what comes last. */
  #offer(v: number, loss: number): void {
    const losses = this.#losses;
    if (losses.length === MOST_WHOLE && loss <= losses[MOST_WHOLE - 1]) return;
    let place = Math.min(losses.length, MOST_WHOLE - 1);
    for (; place > 0 && loss > losses[place - 1]; place--) {
      losses[place] = losses[place - 1];
      this.#chosen[place] = this.#chosen[place - 1];
    }
    losses[place] = loss;
    this.#chosen[place] = v;
  }
}

interface Regions {
  values: number;
  perRow: number;
  perColumn: number;
  offsets: number;
  indices: number;
  whole: number;
  speaks: number;
}

/** One behind the other, each at a multiple of 16 bytes. */
function layOut(sizes: Regions): { at: Regions; bytes: number } {
  const at = { ...sizes };
  let bytes = 0;
  for (const name of Object.keys(sizes) as (keyof Regions)[]) {
    at[name] = bytes;
    bytes += Math.ceil(sizes[name] / 16) * 16;
  }
  return { at, bytes };
}
