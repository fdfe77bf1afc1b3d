/** Distributions for the sampler's tests: every shape that a fused step can have, from one seed. */

import type { FusedDistribution } from "../../../src/during/method.js";
import type { RandomGenerator } from "../../../src/random.js";

/** A distribution whose entry i has the bytes `keys[i]` (default: its index in decimal). */
export function distributionOf(
  probabilities: readonly number[] | Float64Array,
  options: { endEntry?: number; best?: number; keys?: readonly string[]; spare?: number } = {},
): FusedDistribution {
  const size = probabilities.length;
  const array = new Float64Array(size + (options.spare ?? 0)).fill(7);
  array.set(probabilities);
  return {
    size,
    probabilities: array,
    endEntry: options.endEntry ?? -1,
    best: options.best ?? -1,
    bytesOf: (entry) =>
      new TextEncoder().encode(entry === options.endEntry ? "" : (options.keys?.[entry] ?? String(entry))),
  };
}

/** Peaked, flat, tied, sparse and uniform weights, normalised to a sum of 1 or slightly less. */
export function randomProbabilities(random: RandomGenerator, maxSize: number): Float64Array {
  const size = 1 + Math.floor(random.next() * maxSize);
  const shape = Math.floor(random.next() * 5);
  const spread = random.next() * 12;
  const weights = Float64Array.from({ length: size }, () => {
    const u = random.next();
    if (shape === 0) return 1;
    if (shape === 1) return Math.exp(spread * (u - 1));
    if (shape === 2) return Math.ceil(u * 4); // many ties
    if (shape === 3) return u < 0.7 ? 0 : u; // many zeros
    return u ** 40; // one spike, a long tail, some of it below 1e-30
  });
  if (!weights.some((weight) => weight > 0)) weights[size - 1] = 1;
  const sum = weights.reduce((a, b) => a + b, 0) * (random.next() < 0.5 ? 1 : 1 + 1e-9);
  return weights.map((weight) => weight / sum);
}
