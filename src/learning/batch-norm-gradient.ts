/** The slopes of a batch-normalised perceptron (batch-norm-mlp.ts): forward in training mode, and back. */
import { sigmoid, softplus } from "./logistic-regression.js";
import { dot } from "./matrix.js";

export interface NetworkShape {
  inputs: number;
  hidden: number;
}

export interface LabelledRow {
  x: ArrayLike<number>;
  label: number;
}

/** ε, below the variances. */
export const EPSILON = 1e-5;

export function parameterCount({ inputs, hidden }: NetworkShape): number {
  return 2 * inputs * hidden + 3 * hidden + 2 * inputs + 1;
}

/** The layers as views on the parameters, or on their gradient: W₁ (h × d), b₁, γ, β, W₂ (d × h), b₂, w₃, b₃. */
export function layersOf({ inputs, hidden }: NetworkShape, parameters: Float64Array) {
  let at = 0;
  const next = (count: number) => {
    at += count;
    return parameters.subarray(at - count, at);
  };
  return {
    w1: next(hidden * inputs),
    b1: next(hidden),
    gamma: next(hidden),
    beta: next(hidden),
    w2: next(inputs * hidden),
    b2: next(inputs),
    w3: next(inputs),
    b3: next(1),
  };
}

/**
 * Adds the gradient of a batch's mean cross-entropy to `gradient` (of the size of `parameters`). `dropout` draws what an
 * entry is multiplied by: 0, or what makes up for the zeros. Returns the batch's loss, and the mean and (biased) variance
 * of each hidden unit.
 */
export function addGradient(
  shape: NetworkShape,
  parameters: Float64Array,
  batch: readonly LabelledRow[],
  dropout: () => number,
  gradient: Float64Array,
): { loss: number; means: Float64Array; variances: Float64Array } {
  const { inputs, hidden } = shape;
  const { w1, b1, gamma, beta, w2, b2, w3, b3 } = layersOf(shape, parameters);
  const slopes = layersOf(shape, gradient);
  const [rowsW1, rowsW2] = [rowsOf(w1, inputs), rowsOf(w2, hidden)];
  const [slopesW1, slopesW2] = [rowsOf(slopes.w1, inputs), rowsOf(slopes.w2, hidden)];
  const count = batch.length;
  const normal = new Float64Array(count * hidden);
  for (const [i, { x }] of batch.entries()) {
    for (let j = 0; j < hidden; j++) normal[i * hidden + j] = dot(rowsW1[j], x) + b1[j];
  }
  const { means, variances } = normalise(normal, hidden, count);

  // Slopes by r and, further down, by the normalised activations and by a, in one array.
  const back = new Float64Array(count * hidden);
  const r = new Float64Array(hidden);
  const u = new Float64Array(inputs);
  const hiddenDrops = new Float64Array(hidden);
  const outputDrops = new Float64Array(inputs);
  let loss = 0;
  for (const [i, { label }] of batch.entries()) {
    const own = normal.subarray(i * hidden, (i + 1) * hidden);
    const ownBack = back.subarray(i * hidden, (i + 1) * hidden);
    for (let j = 0; j < hidden; j++) {
      hiddenDrops[j] = dropout();
      r[j] = Math.max(0, gamma[j] * own[j] + beta[j]) * hiddenDrops[j];
    }
    for (let k = 0; k < inputs; k++) {
      outputDrops[k] = dropout();
      u[k] = outputDrops[k] * (dot(rowsW2[k], r) + b2[k]);
    }
    const logit = b3[0] + dot(w3, u);
    loss += (softplus(logit) - label * logit) / count;
    const slope = (sigmoid(logit) - label) / count;
    slopes.b3[0] += slope;
    for (let k = 0; k < inputs; k++) {
      slopes.w3[k] += slope * u[k];
      const slopeU = slope * w3[k] * outputDrops[k];
      if (slopeU === 0) continue;
      slopes.b2[k] += slopeU;
      addScaled(slopesW2[k], slopeU, r);
      addScaled(ownBack, slopeU, rowsW2[k]);
    }
    for (let j = 0; j < hidden; j++) {
      ownBack[j] = gamma[j] * own[j] + beta[j] > 0 ? ownBack[j] * hiddenDrops[j] : 0;
      slopes.gamma[j] += ownBack[j] * own[j];
      slopes.beta[j] += ownBack[j];
      ownBack[j] *= gamma[j];
    }
  }
  throughNormalisation(back, normal, variances, count);
  for (const [i, { x }] of batch.entries()) {
    for (let j = 0; j < hidden; j++) {
      const slopeA = back[i * hidden + j];
      if (slopeA === 0) continue;
      slopes.b1[j] += slopeA;
      addScaled(slopesW1[j], slopeA, x);
    }
  }
  return { loss, means, variances };
}

/** The rows of a matrix as views on it. */
function rowsOf(values: Float64Array, columns: number): Float64Array[] {
  return Array.from({ length: values.length / columns }, (_, row) =>
    values.subarray(row * columns, (row + 1) * columns),
  );
}

/** sum += factor · values */
function addScaled(sum: Float64Array, factor: number, values: ArrayLike<number>): void {
  for (let i = 0; i < sum.length; i++) sum[i] += factor * values[i];
}

/** Columns to mean 0 and variance 1, in place. */
function normalise(a: Float64Array, hidden: number, count: number) {
  const means = new Float64Array(hidden);
  const variances = new Float64Array(hidden);
  for (let j = 0; j < hidden; j++) {
    for (let at = j; at < a.length; at += hidden) means[j] += a[at] / count;
    for (let at = j; at < a.length; at += hidden) variances[j] += (a[at] - means[j]) ** 2 / count;
    const deviation = Math.sqrt(variances[j] + EPSILON);
    for (let at = j; at < a.length; at += hidden) a[at] = (a[at] - means[j]) / deviation;
  }
  return { means, variances };
}

/** ∂a = (∂â − mean ∂â − â · mean(∂â · â)) / √(σ² + ε), in place. */
function throughNormalisation(back: Float64Array, normal: Float64Array, variances: Float64Array, count: number): void {
  const hidden = variances.length;
  for (let j = 0; j < hidden; j++) {
    let mean = 0;
    let product = 0;
    for (let at = j; at < back.length; at += hidden) {
      mean += back[at] / count;
      product += (back[at] * normal[at]) / count;
    }
    const deviation = Math.sqrt(variances[j] + EPSILON);
    for (let at = j; at < back.length; at += hidden) back[at] = (back[at] - mean - normal[at] * product) / deviation;
  }
}
