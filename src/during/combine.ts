/** The weighted sum of distributions over one space: the one loop of a full-vocabulary method that the coordinator runs. */
import type { Kernels } from "../kernels/kernels.js";

/**
 * Sums distributions, step after step, into one array. With kernels, inputs that are views on the kernels' shared memory,
 * as the projections of an ensemble's own members are, have the same sums in the same order, only faster.
 */
export class Combiner {
  #probabilities: Float64Array = new Float64Array(0);
  /** Offsets in the shared memory: the sums, the inputs' offsets, the weights. */
  #out = 0;
  #inputs = 0;
  #weights = 0;
  #members = 0;

  constructor(private readonly kernels?: Kernels) {}

  /** The sums of the last call. Longer than `size` where an earlier call was larger. */
  get probabilities(): Float64Array {
    return this.#probabilities;
  }

  /** See the function `combine`. `isInSharedMemory`: whether all inputs are views on it. Default false. */
  combine(inputs: readonly Float64Array[], weights: readonly number[], size: number, isInSharedMemory = false): number {
    const { kernels } = this;
    this.#reserve(inputs.length, size);
    if (kernels === undefined || !isInSharedMemory) return combine(inputs, weights, this.#probabilities, size);
    const offsets = kernels.shared.uint32(this.#inputs, inputs.length);
    inputs.forEach((input, c) => {
      offsets[c] = input.byteOffset;
    });
    kernels.shared.float64(this.#weights, weights.length).set(weights);
    return kernels.combine(this.#inputs, this.#weights, inputs.length, this.#out, size);
  }

  #reserve(members: number, size: number): void {
    const shared = this.kernels?.shared;
    if (size > this.#probabilities.length) {
      this.#out = shared?.allocate(8 * size) ?? 0;
      this.#probabilities = shared?.float64(this.#out, size) ?? new Float64Array(size);
    }
    if (shared !== undefined && members > this.#members) {
      this.#members = members;
      this.#inputs = shared.allocate(4 * members);
      this.#weights = shared.allocate(8 * members);
    }
  }
}

/**
 * out_j = Σ_c weights_c · inputs_c[j] for j < size, summed from 0 in the order of c; returns the index of the largest,
 * the lowest among equals, or -1 if size is 0. Shapes: inputs float64[≥ size] each, out float64[≥ size].
 */
export function combine(
  inputs: readonly Float64Array[],
  weights: ArrayLike<number>,
  out: Float64Array,
  size: number,
): number {
  out.fill(0, 0, size);
  for (let c = 0; c < inputs.length; c++) {
    const input = inputs[c];
    const weight = weights[c];
    for (let j = 0; j < size; j++) out[j] += weight * input[j];
  }
  return argmax(out, size);
}

/** The index of the largest of the first `size` values, the lowest among equals; -1 if size is 0. */
export function argmax(values: ArrayLike<number>, size: number): number {
  let best = -1;
  let largest = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < size; j++) {
    if (values[j] > largest) {
      largest = values[j];
      best = j;
    }
  }
  return best;
}

/**
 * The probability that a member says something: its projection without the remainder, which is the entry `size` (see
 * UnionDictionary). 1 − remainder, unless that would lose digits.
 */
export function textProbability(projection: Float64Array, size: number): number {
  const remainder = projection[size];
  if (remainder < 0.5) return 1 - remainder;
  let sum = 0;
  for (let entry = 0; entry < size; entry++) sum += projection[entry];
  return sum;
}
