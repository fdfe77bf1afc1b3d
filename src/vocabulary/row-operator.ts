/**
 * R as far as a step needs it: sparse rows (sparse-rows.ts), with the rows that count most taken whole. A row counts by
 * the mass that its sparse form would lose, p_v · τ_v; what the others lose bounds the error of the step.
 */
import { decodeSmall } from "./small-numbers.js";
import { rowsTimes, type SparseRows, timesRows } from "./sparse-rows.js";

/** A row that loses less than this counts for nothing: tokens differ by their favourites' mass, not by so little. */
const LEAST_LOSS = 1e-4;
/** Most rows taken whole: each costs as much as some thousand sparse ones. */
const MOST_WHOLE = 32;

export class RowOperator {
  readonly rows: number;
  readonly columns: number;
  /** The rows taken whole, those that count most first. */
  readonly #chosen: number[] = [];
  readonly #losses: number[] = [];
  readonly #whole: Float64Array[] = [];
  readonly #shares = new Float64Array(MOST_WHOLE);

  constructor(private readonly matrix: SparseRows) {
    this.rows = matrix.rows;
    this.columns = matrix.columns;
  }

  /** Take whole what counts under this distribution, until the next choice. Shape: p float64[≥ rows]. */
  choose(p: Float64Array): void {
    const { whole, dropped } = this.matrix;
    this.#chosen.length = 0;
    this.#losses.length = 0;
    if (whole === undefined) return;
    for (let v = 0; v < this.rows; v++) {
      const loss = p[v] * dropped[v];
      if (loss > LEAST_LOSS && whole.places[v] >= 0) this.#offer(v, loss);
    }
    for (const [i, v] of this.#chosen.entries()) {
      this.#whole[i] ??= new Float64Array(this.columns);
      const at = whole.places[v] * this.columns;
      decodeSmall(whole.codes.subarray(at, at + this.columns), this.#whole[i]);
    }
  }

  /** out = p·R; returns the mass lost, half of what bounds the error in ‖·‖₁. Shapes: p float64[≥ rows], out float64[≥ columns]. */
  times(p: Float64Array, out: Float64Array): number {
    const chosen = this.#chosen;
    for (const [i, v] of chosen.entries()) {
      this.#shares[i] = p[v];
      p[v] = 0;
    }
    const lost = timesRows(p, this.matrix, out);
    for (const [i, v] of chosen.entries()) {
      const share = this.#shares[i];
      const row = this.#whole[i];
      p[v] = share;
      for (let a = 0; a < this.columns; a++) out[a] += share * row[a];
    }
    return lost;
  }

  /** out = R·x. Shapes: x float64[≥ columns], out float64[≥ rows]. */
  timesVector(x: Float64Array, out: Float64Array): void {
    rowsTimes(this.matrix, x, out);
    for (const [i, v] of this.#chosen.entries()) {
      const row = this.#whole[i];
      let sum = 0;
      for (let a = 0; a < this.columns; a++) sum += row[a] * x[a];
      out[v] = sum;
    }
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
