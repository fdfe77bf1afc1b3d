/**
 * Logistic regression with sample weights, soft labels, an unpenalised bias and a ridge:
 *
 *     z_i = β₀ + βᵀx_i
 *     minimise Σ_i w_i [softplus(z_i) − y_i z_i] + ½ ρ ‖β‖²       y_i in [0, 1]
 *
 * With hard labels, w = 1 and ρ = 1/C this is scikit-learn's LogisticRegression. Newton's method (IRLS) in few
 * dimensions, L-BFGS in many: the minimum is the same. With ρ = 0 and separable data no minimum exists; use a ridge.
 */
import { CholeskyDecomposition, Matrix as DenseMatrix } from "ml-matrix";
import { z } from "zod";
import { LlamafuseError } from "../errors.js";
import { minimise } from "./lbfgs.js";
import { dot, type Matrix, makeMatrix, rowOf } from "./matrix.js";
import { Scaler, savedScaler } from "./standardise.js";

export interface LogisticOptions {
  /** ρ ≥ 0. Default 1. */
  ridge?: number;
  /** w_i ≥ 0. Default 1 each. */
  weights?: ArrayLike<number>;
  /** Fit on standardised columns, so that the ridge treats all alike. Default true. */
  standardise?: boolean;
  /** Stop at ‖gradient‖∞ ≤ this · Σ w. Default 1e-7. */
  tolerance?: number;
  /** Default 500 (L-BFGS; Newton's method needs about ten). */
  maxIterations?: number;
}

/** Up to here a Newton step (n·d² work) is worth more than the L-BFGS steps that it replaces. */
const MOST_NEWTON_COLUMNS = 32;

export const savedLogistic = z.strictObject({
  bias: z.number(),
  coefficients: z.array(z.number()),
  scaler: savedScaler.optional(),
});

export class LogisticRegression {
  constructor(
    readonly bias: number,
    readonly coefficients: Float64Array,
    private readonly scaler?: Scaler,
  ) {}

  /**
   * x: n × d; y: n labels in [0, 1]. A row whose label is NaN is left out. Errors: invalid-data for a label outside
   * [0, 1] or no labels at all.
   */
  static fit(x: Matrix, y: ArrayLike<number>, options: LogisticOptions = {}): LogisticRegression {
    const { ridge = 1, standardise = true, tolerance = 1e-7, maxIterations = 500 } = options;
    const rows = Array.from({ length: y.length }, (_, row) => row).filter((row) => !Number.isNaN(y[row]));
    const weight = Float64Array.from(rows, (row) => options.weights?.[row] ?? 1);
    const label = Float64Array.from(rows, (row) => y[row]);
    checkLabels(label);
    const columns = x.shape[1];
    const kept = makeMatrix(rows.length, columns);
    for (const [index, row] of rows.entries()) rowOf(kept, index).set(rowOf(x, row));
    const scaler = standardise ? Scaler.fit(kept, weight) : undefined;
    const features = scaler?.applyAll(kept) ?? kept;
    const total = weight.reduce((sum, each) => sum + each, 0);
    const problem = { features, label, weight, ridge, tolerance: tolerance * total, maxIterations };
    const beta = columns <= MOST_NEWTON_COLUMNS ? newton(problem) : quasiNewton(problem);
    return new LogisticRegression(beta[columns], beta.slice(0, columns), scaler);
  }

  /** β₀ + βᵀx */
  logit(x: ArrayLike<number>): number {
    return this.bias + dot(this.coefficients, this.scaler?.apply(x) ?? x);
  }

  probability(x: ArrayLike<number>): number {
    return sigmoid(this.logit(x));
  }

  toJSON(): z.infer<typeof savedLogistic> {
    const { bias, coefficients, scaler } = this;
    return { bias, coefficients: Array.from(coefficients), ...(scaler !== undefined && { scaler: scaler.toJSON() }) };
  }

  static restore({ bias, coefficients, scaler }: z.infer<typeof savedLogistic>): LogisticRegression {
    return new LogisticRegression(bias, Float64Array.from(coefficients), scaler && Scaler.restore(scaler));
  }
}

interface Problem {
  features: Matrix;
  label: Float64Array;
  weight: Float64Array;
  ridge: number;
  tolerance: number;
  maxIterations: number;
}

/** The value at beta (coefficients, then the bias) and its gradient. */
function objective({ features, label, weight, ridge }: Problem, beta: Float64Array, gradient: Float64Array): number {
  const columns = features.shape[1];
  const { data } = features;
  let value = 0;
  for (let j = 0; j < columns; j++) {
    value += 0.5 * ridge * beta[j] ** 2;
    gradient[j] = ridge * beta[j];
  }
  gradient[columns] = 0;
  for (let row = 0, at = 0; row < label.length; row++, at += columns) {
    let logit = beta[columns];
    for (let j = 0; j < columns; j++) logit += beta[j] * data[at + j];
    value += weight[row] * (softplus(logit) - label[row] * logit);
    const residual = weight[row] * (sigmoid(logit) - label[row]);
    for (let j = 0; j < columns; j++) gradient[j] += residual * data[at + j];
    gradient[columns] += residual;
  }
  return value;
}

function quasiNewton(problem: Problem): Float64Array {
  const beta = new Float64Array(problem.features.shape[1] + 1);
  minimise((x, gradient) => objective(problem, x, gradient), beta, problem);
  return beta;
}

/** Newton steps, halved until the value falls. */
function newton(problem: Problem): Float64Array {
  const size = problem.features.shape[1] + 1;
  let beta = new Float64Array(size);
  let gradient = new Float64Array(size);
  let value = objective(problem, beta, gradient);
  for (let iteration = 0; iteration < problem.maxIterations; iteration++) {
    if (gradient.every((slope) => Math.abs(slope) <= problem.tolerance)) break;
    const step = new CholeskyDecomposition(hessian(problem, beta)).solve(DenseMatrix.columnVector(gradient));
    const slope = dot(step.to1DArray(), gradient);
    const nextGradient = new Float64Array(size);
    for (let length = 1; ; length /= 2) {
      const next = beta.map((each, i) => each - length * step.get(i, 0));
      const nextValue = objective(problem, next, nextGradient);
      if (nextValue <= value - 1e-4 * length * slope || length < 1e-10) {
        if (length < 1e-10) return beta;
        [beta, gradient, value] = [next, nextGradient, nextValue];
        break;
      }
    }
  }
  return beta;
}

/** Keeps the Hessian invertible where a column is constant and nothing is penalised. */
const JITTER = 1e-10;

/** Σ w p (1 − p) [x; 1][x; 1]ᵀ + ρ I (without the bias) */
function hessian({ features, label, weight, ridge }: Problem, beta: Float64Array): DenseMatrix {
  const columns = features.shape[1];
  const size = columns + 1;
  const sums = new Float64Array(size * size);
  const row1 = new Float64Array(size).fill(1);
  for (let row = 0; row < label.length; row++) {
    row1.set(rowOf(features, row));
    const p = sigmoid(dot(beta, row1));
    const curvature = weight[row] * p * (1 - p);
    for (let i = 0; i < size; i++) {
      const scaled = curvature * row1[i];
      for (let j = 0; j <= i; j++) sums[i * size + j] += scaled * row1[j];
    }
  }
  const matrix = DenseMatrix.zeros(size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      matrix.set(i, j, sums[i * size + j]);
      matrix.set(j, i, sums[i * size + j]);
    }
    matrix.set(i, i, matrix.get(i, i) + (i < columns ? ridge : 0) + JITTER);
  }
  return matrix;
}

export function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

/** ln(1 + exp z) */
export function softplus(z: number): number {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

function checkLabels(label: Float64Array): void {
  const bad = label.find((each) => !(each >= 0 && each <= 1));
  if (label.length > 0 && bad === undefined) return;
  throw new LlamafuseError(
    "invalid-data",
    label.length === 0
      ? "A logistic regression needs at least one label; all are missing."
      : `A logistic regression takes labels from 0 to 1; found ${bad}.`,
    { found: bad ?? 0, allowed: "0 to 1" },
  );
}
