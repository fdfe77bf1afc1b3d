/**
 * Multinomial logistic regression on soft targets, with sample weights, an unpenalised bias and a ridge:
 *
 *     z_i = B x_i + b,   p_i = softmax(z_i)
 *     minimise −Σ_i w_i Σ_c t_ic ln p_ic + ½ ρ ‖B‖²       Σ_c t_ic = 1
 *
 * The gradient is Xᵀ(P − T); minimised by L-BFGS. With ρ = 1/C this is scikit-learn's multinomial LogisticRegression.
 */

import { z } from "zod";
import { LlamafuseError } from "../errors.js";
import { logSumExp } from "../statistics.js";
import { minimise } from "./lbfgs.js";
import type { LogisticOptions } from "./logistic-regression.js";
import { dot, type Matrix, makeMatrix, rowOf } from "./matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "./packed-numbers.js";
import { Scaler, savedScaler } from "./standardise.js";

export const savedSoftmax = z.strictObject({
  /** classes × (d + 1), the bias last. */
  coefficients: packedNumbers,
  scaler: savedScaler.optional(),
});

export class SoftmaxRegression {
  private constructor(
    private readonly coefficients: Matrix,
    private readonly scaler?: Scaler,
  ) {}

  /** x: n × d; targets: n × classes, each row a distribution (all NaN: left out). Errors: invalid-data. */
  static fit(x: Matrix, targets: Matrix, options: LogisticOptions = {}): SoftmaxRegression {
    const { ridge = 1, standardise = true, tolerance = 1e-7, maxIterations = 500 } = options;
    const [rows, classes] = targets.shape;
    const columns = x.shape[1];
    const weight = new Float64Array(rows);
    let total = 0;
    for (let row = 0; row < rows; row++) {
      const target = rowOf(targets, row);
      if (target.every(Number.isNaN)) continue;
      checkTarget(target);
      total += weight[row] = options.weights?.[row] ?? 1;
    }
    const scaler = standardise ? Scaler.fit(x, weight) : undefined;
    const features = scaler?.applyAll(x) ?? x;
    const width = columns + 1;
    const evaluate = (beta: Float64Array, gradient: Float64Array): number => {
      let value = 0;
      for (let i = 0; i < beta.length; i++) {
        const penalised = i % width < columns;
        if (penalised) value += 0.5 * ridge * beta[i] ** 2;
        gradient[i] = penalised ? ridge * beta[i] : 0;
      }
      for (let row = 0; row < rows; row++) {
        if (weight[row] === 0) continue;
        const x = rowOf(features, row);
        const z = logits(beta, classes, x);
        const shift = logSumExp(z);
        for (let c = 0; c < classes; c++) {
          const target = targets.data[row * classes + c];
          value -= weight[row] * target * (z[c] - shift);
          const residual = weight[row] * (Math.exp(z[c] - shift) - target);
          const at = c * width;
          for (let j = 0; j < columns; j++) gradient[at + j] += residual * x[j];
          gradient[at + columns] += residual;
        }
      }
      return value;
    };
    const coefficients = makeMatrix(classes, width);
    minimise(evaluate, coefficients.data, { tolerance: tolerance * total, maxIterations });
    return new SoftmaxRegression(coefficients, scaler);
  }

  /** One probability a class. */
  probabilities(x: ArrayLike<number>): Float64Array {
    return softmax(logits(this.coefficients.data, this.coefficients.shape[0], this.scaler?.apply(x) ?? x));
  }

  toJSON(): z.infer<typeof savedSoftmax> {
    const coefficients = packMatrix(this.coefficients);
    return { coefficients, ...(this.scaler !== undefined && { scaler: this.scaler.toJSON() }) };
  }

  static restore({ coefficients, scaler }: z.infer<typeof savedSoftmax>): SoftmaxRegression {
    return new SoftmaxRegression(unpackMatrix(coefficients), scaler && Scaler.restore(scaler));
  }
}

function logits(beta: Float64Array, classes: number, x: ArrayLike<number>): Float64Array {
  const width = x.length + 1;
  const z = new Float64Array(classes);
  for (let c = 0, at = 0; c < classes; c++, at += width) {
    z[c] = beta[at + x.length] + dot(x, beta.subarray(at, at + x.length));
  }
  return z;
}

/** exp(z / temperature), normalised. */
export function softmax(z: ArrayLike<number>, temperature = 1): Float64Array {
  const scaled = Float64Array.from(z, (value) => value / temperature);
  const shift = logSumExp(scaled);
  return scaled.map((value) => Math.exp(value - shift));
}

function checkTarget(target: Float64Array): void {
  const sum = target.reduce((total, share) => total + share, 0);
  if (Math.abs(sum - 1) <= 1e-6 && target.every((share) => share >= 0)) return;
  throw new LlamafuseError("invalid-data", `A target distribution sums to ${sum}, or has a negative share.`, {
    found: sum,
    allowed: 1,
  });
}
