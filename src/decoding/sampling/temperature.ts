/** The temperature of a step, and what it makes of weights. */

/** out_j = (w_j / max w)^(1/T), 0 staying 0; the arrays may be the same. T = 0 leaves the greatest alone, the first of equals. */
export function toPower(weights: Float64Array, count: number, temperature: number, out: Float64Array): void {
  let greatest = 0;
  let best = -1;
  for (let at = 0; at < count; at++) {
    if (!(weights[at] > greatest)) continue;
    greatest = weights[at];
    best = at;
  }
  const logGreatest = Math.log(greatest);
  for (let at = 0; at < count; at++) {
    if (temperature === 0) out[at] = at === best ? 1 : 0;
    else out[at] = weights[at] === 0 ? 0 : Math.exp((Math.log(weights[at]) - logGreatest) / temperature);
  }
}

/**
 * Dynamic temperature, as llama.cpp has it: from max(0, T − range) to T + range by (H / ln n)^exponent, H the entropy of the n
 * entries that are left.
 */
export function dynamicTemperature(
  weights: Float64Array,
  count: number,
  { temperature, range, exponent }: { temperature: number; range: number; exponent: number },
): number {
  if (range === 0 || count <= 1) return temperature;
  let total = 0;
  for (let at = 0; at < count; at++) total += weights[at];
  let entropy = 0;
  for (let at = 0; at < count; at++) {
    const share = weights[at] / total;
    if (share > 0) entropy -= share * Math.log(share);
  }
  const least = Math.max(0, temperature - range);
  return least + (temperature + range - least) * (entropy / Math.log(count)) ** exponent;
}
