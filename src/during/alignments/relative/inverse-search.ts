/**
 * From a target in relative space back to a distribution over one vocabulary: gradient steps on the logits, as DeePEn
 * does it (arXiv 2404.12715; released code src/logits_processor/based_on_probaility_transfer_logits_processor.py).
 *
 *     p = softmax(z)      q = p·R      loss(z) = (1/|A|) Σ_a t_a (ln t_a − ln q_a)
 *     ∂loss/∂z = p ⊙ (d − p·d)      d = −R·(t / (|A| q))
 *
 * `steps` steps of AdamW from the member's own logits: decoupled decay z ← (1 − η_k λ) z, then z ← z − η_k m̂/(√v̂ + 1e-8)
 * with β = (.9, .999), and η_k on a cosine from η to η/4 over ten steps, of which the default takes five. The mean over
 * anchors makes gradients so small that the 1e-8 counts; both are part of the method. Dividing by so little, the optimiser
 * turns even rounding into steps, thousands of times larger each time; slopes that differ by rounding alone count as
 * equal here, so that members that agree leave the logits as they are (up to λ).
 */
import type { RowOperator } from "./row-operator.js";

export interface InverseSearchOptions {
  /** η; up to 1e-6 nothing is searched. */
  learningRate: number;
  steps: number;
  /** λ. */
  weightDecay: number;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;
/** Slopes are sums of up to 10⁵ products in float64; a relative difference below this says nothing. */
const ROUNDING = 1e-12;
/** Steps from η to the smallest rate, and that rate's share of η. */
const PERIOD = 10;
const SMALLEST_SHARE = 0.25;

export class InverseSearch {
  /** z, float64[rows]. Set it to the logits to begin with (-Infinity for tokens that are out of the question). */
  readonly logits: Float64Array;
  /** softmax(z), after `search` or `normalise`. */
  readonly probabilities: Float64Array;
  readonly #relative: Float64Array;
  readonly #pull: Float64Array;
  readonly #slope: Float64Array;
  readonly #first: Float64Array;
  readonly #second: Float64Array;

  constructor(
    private readonly matrix: RowOperator,
    private readonly options: InverseSearchOptions,
  ) {
    const { rows, columns } = matrix;
    this.logits = new Float64Array(rows);
    this.probabilities = new Float64Array(rows);
    this.#relative = new Float64Array(columns);
    this.#pull = new Float64Array(columns);
    this.#slope = new Float64Array(rows);
    this.#first = new Float64Array(rows);
    this.#second = new Float64Array(rows);
  }

  /** Move `logits` towards the target and leave their softmax in `probabilities`. Shape: target float64[≥ columns]. */
  search(target: Float64Array): void {
    this.#first.fill(0);
    this.#second.fill(0);
    this.normalise();
    // Runs on the same members share the matrix, and another's choice may have come between.
    this.matrix.choose(this.probabilities);
    for (let step = 1; step <= this.options.steps; step++) {
      const mean = this.#findSlopes(target);
      this.#move(step, mean);
      this.normalise();
    }
  }

  normalise(): void {
    softmaxInto(this.logits, this.probabilities);
  }

  /** d in `#slope`; returns p·d = −Σ_a t_a / |A|, as far as q_a is above 0. */
  #findSlopes(target: Float64Array): number {
    const { columns } = this.matrix;
    const q = this.#relative;
    const pull = this.#pull;
    this.matrix.times(this.probabilities, q);
    let mean = 0;
    for (let a = 0; a < columns; a++) {
      // An anchor that no token of this vocabulary reaches cannot be pulled at; the published code divides by 0 there.
      pull[a] = q[a] > 0 ? -target[a] / (columns * q[a]) : 0;
      mean += q[a] * pull[a];
    }
    this.matrix.timesVector(pull, this.#slope);
    return mean;
  }

  #move(step: number, mean: number): void {
    const { learningRate, weightDecay } = this.options;
    const { logits: z, probabilities: p } = this;
    const slope = this.#slope;
    const first = this.#first;
    const second = this.#second;
    const rate =
      learningRate * (SMALLEST_SHARE + ((1 - SMALLEST_SHARE) * (1 + Math.cos((Math.PI * (step - 1)) / PERIOD))) / 2);
    const firstScale = 1 / (1 - BETA1 ** step);
    const secondScale = 1 / (1 - BETA2 ** step);
    const decay = 1 - rate * weightDecay;
    const rounding = ROUNDING * Math.abs(mean);
    for (let v = 0; v < z.length; v++) {
      const difference = slope[v] - mean;
      const gradient = Math.abs(difference) > rounding ? p[v] * difference : 0;
      first[v] = BETA1 * first[v] + (1 - BETA1) * gradient;
      second[v] = BETA2 * second[v] + (1 - BETA2) * gradient * gradient;
      z[v] = decay * z[v] - (rate * firstScale * first[v]) / (Math.sqrt(secondScale * second[v]) + EPSILON);
    }
  }
}

/** out_v = e^{z_v} / Σ e^z. Shapes: z, out float64[n]. */
function softmaxInto(z: Float64Array, out: Float64Array): void {
  let largest = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < z.length; v++) if (z[v] > largest) largest = z[v];
  let sum = 0;
  for (let v = 0; v < z.length; v++) {
    out[v] = Math.exp(z[v] - largest);
    sum += out[v];
  }
  const scale = 1 / sum;
  for (let v = 0; v < z.length; v++) out[v] *= scale;
}
