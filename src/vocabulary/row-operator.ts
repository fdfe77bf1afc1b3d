/**
 * R as far as a step needs it: sparse rows (sparse-rows.ts), with the rows that count most taken whole. A row counts by
 * the mass that its sparse form would lose, p_v · τ_v; what the others lose bounds the error of the step.
 */
import { type Kernels, loadKernels } from "../kernels/kernels.js";
import type { SparseRows, WholeRows } from "./sparse-rows.js";

/** A row that loses less than this counts for nothing: tokens differ by their favourites' mass, not by so little. */
const LEAST_LOSS = 1e-4;
/** Most rows taken whole: each costs as much as some thousand sparse ones. */
const MOST_WHOLE = 32;
/** A token less probable than this is told by the mean alone, if its row is told mostly by that. */
const LEAST_SHARE = 1e-9;
const MOSTLY = 0.5;

export class RowOperator {
  readonly rows: number;
  readonly columns: number;
  readonly #dropped: Float64Array;
  readonly #background: Float64Array;
  readonly #whole: WholeRows | undefined;
  readonly #kernels: Kernels = loadKernels();
  /** Where things lie in the kernels' memory. */
  readonly #at: Regions;
  /** Views there: 1 where a row's own entries count and 0 where the mean does; a number a row; a number a column. */
  readonly #speaks: Uint8Array;
  readonly #perRow: Float64Array;
  readonly #perColumn: Float64Array;
  /** The rows taken whole, those that count most first, and what makes their codes sum to 1. */
  readonly #chosen: number[] = [];
  readonly #losses: number[] = [];
  readonly #scales: number[] = [];

  constructor(matrix: SparseRows) {
    const { rows, columns } = matrix;
    const { shared } = this.#kernels;
    this.rows = rows;
    this.columns = columns;
    this.#dropped = matrix.dropped;
    this.#background = matrix.background;
    this.#whole = matrix.whole;
    this.#at = {
      offsets: shared.allocate(4 * (rows + 1)),
      indices: shared.allocate(4 * matrix.indices.length),
      values: shared.allocate(8 * matrix.values.length),
      speaks: shared.allocate(rows),
      perRow: shared.allocate(8 * rows),
      perColumn: shared.allocate(8 * columns),
      whole: matrix.whole === undefined ? 0 : shared.allocate(2 * columns * MOST_WHOLE),
    };
    shared.uint32(this.#at.offsets, rows + 1).set(matrix.offsets);
    shared.int32(this.#at.indices, matrix.indices.length).set(matrix.indices);
    shared.float64(this.#at.values, matrix.values.length).set(matrix.values);
    this.#speaks = shared.uint8(this.#at.speaks, rows);
    this.#perRow = shared.float64(this.#at.perRow, rows);
    this.#perColumn = shared.float64(this.#at.perColumn, columns);
    this.#speaks.fill(1);
  }

  /** Settle what counts under this distribution, until the next choice. Shape: p float64[≥ rows]. */
  choose(p: Float64Array): void {
    const dropped = this.#dropped;
    const whole = this.#whole;
    this.#chosen.length = 0;
    this.#losses.length = 0;
    for (let v = 0; v < this.rows; v++) {
      this.#speaks[v] = p[v] < LEAST_SHARE && dropped[v] > MOSTLY ? 0 : 1;
      const loss = p[v] * dropped[v];
      if (loss > LEAST_LOSS && whole !== undefined && whole.places[v] >= 0) this.#offer(v, loss);
    }
    for (const [i, v] of this.#chosen.entries()) {
      // Its sparse form is out of the question.
      this.#speaks[v] = 0;
      this.#scales[i] = this.#take(i, v);
    }
  }

  /** out = p·R; returns the mass lost, half of what bounds the error in ‖·‖₁. Shapes: p float64[≥ rows], out float64[≥ columns]. */
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
    for (const v of this.#chosen) lost -= p[v];
    if (lost < 0) lost = 0;
    sum.fill(0);
    for (let a = 0; a < this.#background.length; a++) sum[a] = lost * this.#background[a];
    this.#kernels.addRows(offsets, indices, values, this.rows, perRow, perColumn);
    for (const [i, v] of this.#chosen.entries()) {
      this.#kernels.addSmall(this.#wholeAt(i), this.columns, p[v] * this.#scales[i], perColumn);
    }
    out.set(sum);
    return lost;
  }

  /** out = R·x. Shapes: x float64[≥ columns], out float64[≥ rows]. */
  timesVector(x: Float64Array, out: Float64Array): void {
    const { offsets, indices, values, speaks, perRow, perColumn } = this.#at;
    this.#load(x);
    this.#kernels.rowDots(offsets, indices, values, this.rows, speaks, perColumn, perRow);
    let mean = 0;
    for (let a = 0; a < this.#background.length; a++) mean += this.#background[a] * x[a];
    const sums = this.#perRow;
    for (let v = 0; v < this.rows; v++) {
      out[v] = this.#speaks[v] === 1 ? sums[v] + mean * this.#dropped[v] : mean;
    }
    for (const [i, v] of this.#chosen.entries()) out[v] = this.#scales[i] * this.#dot(i);
  }

  /** Row v as the i-th whole one; returns 1 / the sum of its codes. */
  #take(i: number, v: number): number {
    const { places, codes } = this.#whole!;
    const from = places[v] * this.columns;
    this.#kernels.shared.uint16(this.#wholeAt(i), this.columns).set(codes.subarray(from, from + this.columns));
    this.#perColumn.fill(1);
    return 1 / this.#dot(i);
  }

  #dot(i: number): number {
    return this.#kernels.dotSmall(this.#wholeAt(i), this.columns, this.#at.perColumn);
  }

  #load(x: Float64Array): void {
    this.#perColumn.set(x.length === this.columns ? x : x.subarray(0, this.columns));
  }

  #wholeAt(i: number): number {
    return this.#at.whole + 2 * this.columns * i;
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
  offsets: number;
  indices: number;
  values: number;
  speaks: number;
  perRow: number;
  perColumn: number;
  whole: number;
}
