/** softmax over the logits that are at least the k-th largest, 0 elsewhere. Shapes: logits and out one a token. */
export function topShares(logits: ArrayLike<number>, k: number, out: Float64Array): Float64Array {
  const kth = Float64Array.from(logits).sort()[Math.max(0, logits.length - k)];
  let largest = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < logits.length; v++) if (logits[v] > largest) largest = logits[v];
  let sum = 0;
  for (let v = 0; v < logits.length; v++) {
    out[v] = logits[v] >= kth ? Math.exp(logits[v] - largest) : 0;
    sum += out[v];
  }
  for (let v = 0; v < logits.length; v++) out[v] /= sum;
  return out;
}
