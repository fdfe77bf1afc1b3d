/**
 * A tall matrix of which each row is a few large entries and a remainder that looks alike in all rows:
 *
 *     R̃_v = K_v + τ_v · bᵀ        K: kept entries, τ_v ≥ 0: mass of what was dropped, b ≥ 0: the mean of what was, Σ b = 1
 *
 * Where R has rows ≥ 0 that sum to 1, so has R̃, and the error is bounded row by row, whatever was dropped:
 *
 *     ‖R_v − R̃_v‖₁ ≤ 2·τ_v        ‖R_v − R̃_v‖_∞ ≤ max(cut_v, τ_v · max b)        cut_v: the largest dropped entry
 *
 * and therefore ‖p·R − p·R̃‖₁ ≤ 2·Σ_v p_v·τ_v for a distribution p. A plain sparse matrix has τ = 0 and no b.
 */
export interface SparseRows {
  rows: number;
  columns: number;
  /** Row v's entries are [offsets[v], offsets[v + 1]); length = rows + 1. */
  offsets: Uint32Array;
  /** Column of each entry. */
  indices: Int32Array;
  /** K. In float64, because an optimiser that divides by tiny gradients sees rows that sum to 1 but nearly. */
  values: Float64Array;
  /** τ, one a row. */
  dropped: Float64Array;
  /** b: float64[columns]; empty where nothing was dropped. */
  background: Float64Array;
  /** The whole rows of those of which much was dropped, for steps in which they count (row-operator.ts). */
  whole?: WholeRows;
}

export interface WholeRows {
  /** For each row its place among `codes`, or -1. */
  places: Int32Array;
  /** Row at place i: codes[i · columns … (i + 1) · columns), each a small number (small-numbers.ts). */
  codes: Uint16Array;
}

/** Whether every number of a matrix can be what it stands for: shapes that fit, places inside, finite values. */
export function isSound({ rows, columns, offsets, indices, values, dropped, background, whole }: SparseRows): boolean {
  const fits =
    offsets.length === rows + 1 &&
    offsets[0] === 0 &&
    offsets[rows] === indices.length &&
    values.length === indices.length &&
    dropped.length === rows &&
    (background.length === 0 || background.length === columns);
  return (
    fits &&
    offsets.every((offset, v) => v === 0 || offset >= offsets[v - 1]) &&
    indices.every((column) => column >= 0 && column < columns) &&
    values.every(Number.isFinite) &&
    dropped.every((mass) => mass >= 0 && mass < Number.POSITIVE_INFINITY) &&
    background.every((mass) => mass >= 0 && mass < Number.POSITIVE_INFINITY) &&
    (whole === undefined || (whole.places.length === rows && areSound(whole, columns)))
  );
}

function areSound({ places, codes }: WholeRows, columns: number): boolean {
  const count = codes.length / columns;
  return Number.isInteger(count) && places.every((place) => place >= -1 && place < count);
}

/**
 * out = p·R̃, out_a = Σ_v p_v R̃_va. Shapes: p float64[≥ rows], out float64[≥ columns]. Returns Σ_v p_v·τ_v: twice that
 * bounds the error in ‖·‖₁.
 */
export function timesRows(p: Float64Array, matrix: SparseRows, out: Float64Array): number {
  const { rows, columns, offsets, indices, values, dropped, background } = matrix;
  out.fill(0, 0, columns);
  let lost = 0;
  for (let v = 0; v < rows; v++) {
    const share = p[v];
    if (share === 0) continue;
    lost += share * dropped[v];
    const end = offsets[v + 1];
    for (let entry = offsets[v]; entry < end; entry++) out[indices[entry]] += share * values[entry];
  }
  if (lost > 0) for (let a = 0; a < background.length; a++) out[a] += lost * background[a];
  return lost;
}

/** All entries of a dense matrix, row by row, as they are. */
export function keepAll(dense: readonly ArrayLike<number>[]): SparseRows {
  const rows = dense.length;
  const columns = dense[0]?.length ?? 0;
  const values = new Float64Array(rows * columns);
  for (const [v, row] of dense.entries()) values.set(row, v * columns);
  return {
    rows,
    columns,
    offsets: Uint32Array.from({ length: rows + 1 }, (_, v) => v * columns),
    indices: Int32Array.from({ length: rows * columns }, (_, entry) => entry % columns),
    values,
    dropped: new Float64Array(rows),
    background: new Float64Array(0),
  };
}

/** Rows of a matrix that were computed together. */
export interface RowBlock {
  /** Entries of each row. */
  counts: Uint32Array;
  indices: Int32Array;
  values: Float64Array;
  dropped: Float64Array;
  /** Σ_v of what was dropped, column by column; empty where nothing is kept of it. */
  background: Float64Array;
  /** Which rows of the block are there whole, and their codes. */
  whole?: { rows: Int32Array; codes: Uint16Array };
}

/** Whole rows take at most so much memory; those of the lowest tokens, which are the commonest, go first. */
const WHOLE_BYTES = 1 << 29;

/** A matrix in the making: blocks of its rows, one behind another. */
export class BlockList {
  readonly #blocks: Omit<RowBlock, "background" | "whole">[] = [];
  #rows = 0;
  #entries = 0;
  readonly #background: Float64Array;
  #hasBackground = false;
  /** The rows that are there whole, and their codes, for which memory is set aside when there are any. */
  readonly #wholeRows: number[] = [];
  #codes = new Uint16Array(0);
  readonly #mostWhole: number;

  /** @param rows as many as the matrix will have at most */
  constructor(
    rows: number,
    private readonly columns: number,
    wholeBytes = WHOLE_BYTES,
  ) {
    this.#background = new Float64Array(columns);
    this.#mostWhole = Math.min(rows, Math.floor(wholeBytes / (2 * columns)));
  }

  /** How many more whole rows there is room for. */
  get wholeRoom(): number {
    return this.#mostWhole - this.#wholeRows.length;
  }

  add({ counts, indices, values, dropped, background, whole }: RowBlock): void {
    for (let a = 0; a < background.length; a++) this.#background[a] += background[a];
    this.#hasBackground ||= background.length > 0;
    if (whole !== undefined) this.#keepWhole(whole.rows, whole.codes);
    this.#blocks.push({ counts, indices, values, dropped });
    this.#rows += counts.length;
    this.#entries += indices.length;
  }

  #keepWhole(rows: Int32Array, codes: Uint16Array): void {
    const count = Math.min(rows.length, this.wholeRoom);
    if (count === 0) return;
    // Pages that stay empty take no memory.
    if (this.#codes.length === 0) this.#codes = new Uint16Array(this.#mostWhole * this.columns);
    this.#codes.set(codes.subarray(0, count * this.columns), this.#wholeRows.length * this.columns);
    for (let place = 0; place < count; place++) this.#wholeRows.push(this.#rows + rows[place]);
  }

  /** The matrix. Call once, when all blocks are there. */
  join(): SparseRows {
    const rows = this.#rows;
    const offsets = new Uint32Array(rows + 1);
    const indices = new Int32Array(this.#entries);
    const values = new Float64Array(this.#entries);
    const dropped = new Float64Array(rows);
    let v = 0;
    let at = 0;
    for (const block of this.#blocks) {
      indices.set(block.indices, at);
      values.set(block.values, at);
      at += block.indices.length;
      dropped.set(block.dropped, v);
      for (const count of block.counts) {
        offsets[v + 1] = offsets[v] + count;
        v++;
      }
    }
    const background = this.#hasBackground ? this.#background : new Float64Array(0);
    const total = background.reduce((sum, value) => sum + value, 0);
    if (total > 0) for (let a = 0; a < background.length; a++) background[a] /= total;
    const whole = this.#whole();
    return { rows, columns: this.columns, offsets, indices, values, dropped, background, whole };
  }

  #whole(): WholeRows | undefined {
    if (this.#wholeRows.length === 0) return undefined;
    const places = new Int32Array(this.#rows).fill(-1);
    for (const [place, row] of this.#wholeRows.entries()) places[row] = place;
    return { places, codes: this.#codes.subarray(0, this.#wholeRows.length * this.columns) };
  }
}
