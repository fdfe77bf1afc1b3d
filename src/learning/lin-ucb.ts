/**
 * Disjoint LinUCB (Li and others, arXiv 1003.0146), with forgetting as in MetaLLM's released code:
 *
 *     θ_m = A_m⁻¹ b_m;   choose argmax_m θ_mᵀx + α √(xᵀ A_m⁻¹ x)
 *     A_m ← γ A_m + x xᵀ,  b_m ← γ b_m + r x        A_m starts as λI, b_m as 0
 *
 * γ below 1 forgets λI too, as published. A⁻¹ is kept by Sherman and Morrison's formula and computed anew from A every
 * 500 updates of an arm, so that rounding does not add up.
 */
import { Matrix as DenseMatrix, inverse } from "ml-matrix";
import { z } from "zod";
import { dot, type Matrix, makeMatrix, rowOf } from "./matrix.js";
import { pack, packedNumbers, packMatrix, unpack, unpackMatrix } from "./packed-numbers.js";

export interface LinUcbOptions {
  /** α ≥ 0: how much uncertainty counts. Default 0, as MetaLLM's released run. */
  alpha?: number;
  /** λ > 0. Default 12.94. */
  lambda?: number;
  /** γ in (0, 1]. Default 1. */
  gamma?: number;
}

const UPDATES_BETWEEN_INVERSIONS = 500;

const savedArm = z.strictObject({ a: packedNumbers, b: packedNumbers });
export const savedLinUcb = z.array(savedArm);

interface Arm {
  a: Matrix;
  inverse: Matrix;
  b: Float64Array;
  updates: number;
}

export class LinUcb {
  readonly #arms: Arm[];

  /** `arms` of contexts of `dimension` numbers. */
  constructor(
    arms: number,
    private readonly dimension: number,
    private readonly options: LinUcbOptions = {},
  ) {
    const { lambda = 12.94 } = options;
    this.#arms = Array.from({ length: arms }, () => ({
      a: scaledIdentity(dimension, lambda),
      inverse: scaledIdentity(dimension, 1 / lambda),
      b: new Float64Array(dimension),
      updates: 0,
    }));
  }

  /** θ_m */
  theta(arm: number): Float64Array {
    const { inverse, b } = this.#arms[arm];
    return multiply(inverse, b);
  }

  /** θ_mᵀx + α √(xᵀ A_m⁻¹ x) of every arm. */
  scores(x: ArrayLike<number>): Float64Array {
    const { alpha = 0 } = this.options;
    return Float64Array.from(this.#arms, ({ inverse, b }) => {
      const direction = multiply(inverse, x);
      return dot(direction, b) + alpha * Math.sqrt(Math.max(0, dot(direction, x)));
    });
  }

  /** `forget: false` leaves γ out, as for a warm start with every arm's outcome. */
  update(arm: number, x: ArrayLike<number>, reward: number, { forget = true } = {}): void {
    const gamma = forget ? (this.options.gamma ?? 1) : 1;
    const state = this.#arms[arm];
    const { a, b, inverse } = state;
    const n = this.dimension;
    const direction = multiply(inverse, x);
    const divisor = gamma + dot(direction, x);
    for (let i = 0; i < n; i++) {
      b[i] = gamma * b[i] + reward * x[i];
      for (let j = 0; j < n; j++) {
        a.data[i * n + j] = gamma * a.data[i * n + j] + x[i] * x[j];
        inverse.data[i * n + j] = (inverse.data[i * n + j] - (direction[i] * direction[j]) / divisor) / gamma;
      }
    }
    if (++state.updates % UPDATES_BETWEEN_INVERSIONS === 0) state.inverse = invert(a);
  }

  /**
   * As after an update of every arm with every known reward, without forgetting. contexts: n × d; rewards: n × arms, NaN
   * where unknown.
   */
  static warm(contexts: Matrix, rewards: Matrix, options: LinUcbOptions = {}): LinUcb {
    const [rows, dimension] = contexts.shape;
    const arms = rewards.shape[1];
    const bandit = new LinUcb(arms, dimension, options);
    const everyRow = Array.from({ length: rows }, (_, row) => row);
    const full = products(contexts, everyRow);
    for (const [arm, { a, b }] of bandit.#arms.entries()) {
      const missing = everyRow.filter((row) => Number.isNaN(rewards.data[row * arms + arm]));
      const left = missing.length === 0 ? undefined : products(contexts, missing);
      for (let i = 0; i < a.data.length; i++) a.data[i] += full.data[i] - (left?.data[i] ?? 0);
      for (const row of everyRow) {
        const reward = rewards.data[row * arms + arm];
        if (Number.isNaN(reward)) continue;
        const x = rowOf(contexts, row);
        for (let i = 0; i < dimension; i++) b[i] += reward * x[i];
      }
    }
    for (const arm of bandit.#arms) arm.inverse = invert(arm.a);
    return bandit;
  }

  toJSON(): z.infer<typeof savedLinUcb> {
    return this.#arms.map(({ a, b }) => ({ a: packMatrix(a), b: pack(b) }));
  }

  static restore(saved: z.infer<typeof savedLinUcb>, options?: LinUcbOptions): LinUcb {
    const arms = saved.map(({ a, b }) => {
      const matrix = unpackMatrix(a);
      return { a: matrix, inverse: invert(matrix), b: unpack(b, "float64"), updates: 0 };
    });
    const bandit = new LinUcb(0, arms[0]?.b.length ?? 0, options);
    bandit.#arms.push(...arms);
    return bandit;
  }
}

function scaledIdentity(size: number, scale: number): Matrix {
  const matrix = makeMatrix(size, size);
  for (let i = 0; i < size; i++) matrix.data[i * size + i] = scale;
  return matrix;
}

/** Σ x xᵀ over these rows. */
function products(contexts: Matrix, rows: readonly number[]): Matrix {
  const size = contexts.shape[1];
  const sums = makeMatrix(size, size);
  for (const row of rows) {
    const x = rowOf(contexts, row);
    for (let i = 0, at = 0; i < size; i++, at += size) {
      for (let j = 0; j < size; j++) sums.data[at + j] += x[i] * x[j];
    }
  }
  return sums;
}

function multiply(matrix: Matrix, x: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: matrix.shape[0] }, (_, row) => dot(rowOf(matrix, row), x));
}

function invert(matrix: Matrix): Matrix {
  const size = matrix.shape[0];
  return makeMatrix(
    size,
    size,
    Float64Array.from(inverse(DenseMatrix.from1DArray(size, size, matrix.data)).to1DArray()),
  );
}
