/** The weighted sum of distributions over one space: the one loop of a full-vocabulary method that the coordinator runs. */

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
