/** The kernels' work as plain JavaScript loops over typed arrays, as one would write them first. */
export const plain = {
  copy(from: Float32Array, to: Float32Array): void {
    to.set(from);
  },

  maximum(logits: Float32Array): number {
    let best = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < logits.length; i++) if (logits[i] > best) best = logits[i];
    return best;
  },

  expInto(logits: Float32Array, shift: number, out: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < logits.length; i++) sum += out[i] = Math.exp(logits[i] - shift);
    return sum;
  },

  sumExp(logits: Float32Array, shift: number): number {
    let sum = 0;
    for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - shift);
    return sum;
  },

  /** A sorted buffer: what enters moves the smaller ones down. */
  top(logits: Float32Array, k: number): Int32Array {
    const ids = new Int32Array(k).fill(-1);
    const best = new Float64Array(k).fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < logits.length; i++) {
      const z = logits[i];
      if (!(z > best[k - 1])) continue;
      let place = k - 1;
      for (; place > 0 && best[place - 1] < z; place--) {
        best[place] = best[place - 1];
        ids[place] = ids[place - 1];
      }
      best[place] = z;
      ids[place] = i;
    }
    return ids;
  },

  scatter(exps: Float64Array, map: Int32Array, scale: number, out: Float64Array): void {
    out.fill(0);
    for (let i = 0; i < exps.length; i++) if (map[i] >= 0) out[map[i]] += exps[i] * scale;
  },

  combine(inputs: readonly Float64Array[], weights: readonly number[], out: Float64Array): number {
    let best = 0;
    for (let j = 0; j < out.length; j++) {
      let sum = 0;
      for (let c = 0; c < inputs.length; c++) sum += weights[c] * inputs[c][j];
      out[j] = sum;
      if (sum > out[best]) best = j;
    }
    return best;
  },

  argmax(values: Float64Array): number {
    let best = 0;
    for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
    return best;
  },

  sum(values: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i];
    return sum;
  },
};
