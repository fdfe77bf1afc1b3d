/** What src/kernels computes, written the plain way: every value and the order of every sum as its docstrings say. */

export function maximum(logits: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const z of logits) {
    if (Number.isNaN(z)) return Number.NaN;
    best = Math.max(best, z);
  }
  return best;
}

/** The sum of the given exponentials in the order of expInto. */
export function sumInFour(values: Float64Array): number {
  const lanes = [0, 0, 0, 0];
  const even = values.length - (values.length % 4);
  for (let i = 0; i < even; i++) lanes[i % 4] += values[i];
  let total = lanes[0] + lanes[1] + (lanes[2] + lanes[3]);
  for (let i = even; i < values.length; i++) total += values[i];
  return total;
}

export function top(logits: Float32Array, k: number): { id: number; logit: number }[] {
  return Array.from(logits, (logit, id) => ({ id, logit }))
    .filter(({ logit }) => logit > Number.NEGATIVE_INFINITY)
    .sort((a, b) => b.logit - a.logit || a.id - b.id)
    .slice(0, k);
}

export function scatter(exps: Float64Array, map: Int32Array, scale: number, size: number): Float64Array {
  const out = new Float64Array(size);
  for (let i = 0; i < exps.length; i++) if (map[i] >= 0 && map[i] < size) out[map[i]] += exps[i] * scale;
  return out;
}

export function combine(inputs: readonly Float64Array[], weights: readonly number[], size: number): Float64Array {
  return Float64Array.from({ length: size }, (_, j) =>
    inputs.reduce((sum, input, c) => sum + weights[c] * input[j], 0),
  );
}

export function argmax(values: Float64Array): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) {
    if (values[i] > (best < 0 ? Number.NEGATIVE_INFINITY : values[best])) best = i;
  }
  return best;
}

/** The sum in the order of `sum`. */
export function sumInEight(values: Float64Array): number {
  const s = new Array<number>(8).fill(0);
  const even = values.length - (values.length % 8);
  for (let i = 0; i < even; i++) s[i % 8] += values[i];
  let total = s[0] + s[2] + (s[4] + s[6]) + (s[1] + s[3] + (s[5] + s[7]));
  for (let i = even; i < values.length; i++) total += values[i];
  return total;
}
