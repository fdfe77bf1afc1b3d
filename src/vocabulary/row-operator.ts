/**
 * R as far as a step needs it: sparse rows (sparse-rows.ts), with the rows that count most taken whole. A row counts by
 * the mass that its sparse form would lose, p_v · τ_v; what the others lose bounds the error of the step.
 */
import { type Kernels, loadKernels } from "../kernels/kernels.js";
import { rowsTimes, type SparseRows, timesRows, type WholeRows } from "./sparse-rows.js";

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
  /** The rows taken whole, those that count most first, and what makes their codes sum to 1. */
  readonly #chosen: number[] = [];
  readonly #losses: number[] = [];
  readonly #scales: number[] = [];
  readonly #shares: number[] = [];
  /** 1 where a row's own entries count, 0 where the mean does. */
  readonly #speaks: Uint8Array;
  readonly #scratch: Scratch | undefined;

  constructor(private readonly matrix: SparseRows) {
    this.rows = matrix.rows;
    this.columns = matrix.columns;
    this.#speaks = new Uint8Array(matrix.rows).fill(1);
    if (matrix.whole !== undefined) this.#scratch = new Scratch(matrix.columns);
  }

  /** Settle what counts under this distribution, until the next choice. Shape: p float64[≥ rows]. */
  choose(p: Float64Array): void {
    const { whole, dropped } = this.matrix;
    this.#chosen.length = 0;
    this.#losses.length = 0;
    for (let v = 0; v < this.rows; v++) {
      this.#speaks[v] = p[v] < LEAST_SHARE && dropped[v] > MOSTLY ? 0 : 1;
      const loss = p[v] * dropped[v];
      if (loss > LEAST_LOSS && whole !== undefined && whole.places[v] >= 0) this.#offer(v, loss);
    }
    for (const [i, v] of this.#chosen.entries()) this.#scales[i] = this.#scratch!.take(i, whole!, v);
  }

  /** out = p·R; returns the mass lost, half of what bounds the error in ‖·‖₁. Shapes: p float64[≥ rows], out float64[≥ columns]. */
  times(p: Float64Array, out: Float64Array): number {
    const chosen = this.#chosen;
    for (const [i, v] of chosen.entries()) {
      this.#shares[i] = p[v];
      p[v] = 0;
    }
    const lost = timesRows(p, this.matrix, out, this.#speaks);
    for (const [i, v] of chosen.entries()) p[v] = this.#shares[i];
    if (chosen.length > 0) this.#scratch!.addInto(out, chosen.length, this.#shares, this.#scales);
    return lost;
  }

  /** out = R·x. Shapes: x float64[≥ columns], out float64[≥ rows]. */
  timesVector(x: Float64Array, out: Float64Array): void {
    rowsTimes(this.matrix, x, out, this.#speaks);
    if (this.#chosen.length === 0) return;
    this.#scratch!.load(x);
    for (const [i, v] of this.#chosen.entries()) out[v] = this.#scales[i] * this.#scratch!.dot(i);
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

/** The rows taken whole, in the kernels' memory, and a vector beside them. */
class Scratch {
  readonly #kernels: Kernels = loadKernels();
  readonly #codes: number;
  readonly #vector: number;
  readonly #vectorView: Float64Array;

  constructor(private readonly columns: number) {
    const { shared } = this.#kernels;
    this.#codes = shared.allocate(2 * columns * MOST_WHOLE);
    this.#vector = shared.allocate(8 * columns);
    this.#vectorView = shared.float64(this.#vector, columns);
  }

  /** Row v as the i-th; returns 1 / the sum of its codes. */
  take(i: number, { places, codes }: WholeRows, v: number): number {
    const { columns } = this;
    const from = places[v] * columns;
    this.#kernels.shared.uint16(this.#at(i), columns).set(codes.subarray(from, from + columns));
    this.#vectorView.fill(1);
    return 1 / this.dot(i);
  }

  load(x: Float64Array): void {
    this.#vectorView.set(x.length === this.columns ? x : x.subarray(0, this.columns));
  }

  dot(i: number): number {
    return this.#kernels.dotSmall(this.#at(i), this.columns, this.#vector);
  }

  /** out += Σ_i shares_i · scales_i · row i. */
  addInto(out: Float64Array, count: number, shares: readonly number[], scales: readonly number[]): void {
    this.load(out);
    for (let i = 0; i < count; i++) {
      this.#kernels.addSmall(this.#at(i), this.columns, shares[i] * scales[i], this.#vector);
    }
    out.set(this.#vectorView);
  }

  #at(i: number): number {
    return this.#codes + 2 * this.columns * i;
  }
}
