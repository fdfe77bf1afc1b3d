/**
 * Adam as in PyTorch (Kingma and Ba, arXiv 1412.6980), where weight decay is an L2 term added to the gradient:
 *
 *     g ← g + λθ;  m ← β₁m + (1 − β₁)g;  v ← β₂v + (1 − β₂)g²
 *     θ ← θ − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)          β = (0.9, 0.999), ε = 1e-8
 */

export interface AdamOptions {
  /** η. Default 1e-3. */
  learningRate?: number;
  /** λ. Default 0. */
  weightDecay?: number;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

export class Adam {
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  #step = 0;

  /** Moves `parameters` in place. */
  constructor(
    private readonly parameters: Float64Array,
    private readonly options: AdamOptions = {},
  ) {
    this.#first = new Float64Array(parameters.length);
    this.#second = new Float64Array(parameters.length);
  }

  step(gradient: Float64Array): void {
    const { learningRate = 1e-3, weightDecay = 0 } = this.options;
    const [theta, m, v] = [this.parameters, this.#first, this.#second];
    this.#step++;
    const rate = learningRate / (1 - BETA1 ** this.#step);
    const correction = Math.sqrt(1 - BETA2 ** this.#step);
    for (let i = 0; i < theta.length; i++) {
      const g = gradient[i] + weightDecay * theta[i];
      m[i] = BETA1 * m[i] + (1 - BETA1) * g;
      v[i] = BETA2 * v[i] + (1 - BETA2) * g * g;
      theta[i] -= (rate * m[i]) / (Math.sqrt(v[i]) / correction + EPSILON);
    }
  }
}
