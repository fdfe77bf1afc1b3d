/** Logits that are easy to get wrong, by name. Everything is made from a seed. */

/** Uniform numbers in [0, 1): a linear congruential generator modulo 2^32, whose low bits are left unused. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

/** Logits as a language model gives them: normal with deviation 2.5, and a few peaks. */
export function typicalLogits(n: number, seed: number): Float32Array {
  const random = uniform(seed);
  const logits = Float32Array.from({ length: n }, () => 2.5 * normal(random));
  for (let peak = 0; peak < Math.min(5, n); peak++) logits[Math.floor(random() * n)] = 12 + 4 * random();
  return logits;
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Lengths around the widths of vectors, tiles and blocks. */
export const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 127, 1000, 4099];

export const LOGIT_CASES: Record<string, (n: number) => Float32Array> = {
  typical: (n) => typicalLogits(n, n + 1),
  "all equal": (n) => new Float32Array(n).fill(3.25),
  ascending: (n) => Float32Array.from({ length: n }, (_, i) => i / 100 - 5),
  descending: (n) => Float32Array.from({ length: n }, (_, i) => 5 - i / 100),
  "many ties": (n) => typicalLogits(n, n + 2).map(Math.round),
  "every third -Infinity": (n) => typicalLogits(n, n + 3).map((z, i) => (i % 3 === 1 ? Number.NEGATIVE_INFINITY : z)),
  "all -Infinity": (n) => new Float32Array(n).fill(Number.NEGATIVE_INFINITY),
  "subnormal logits": (n) => Float32Array.from({ length: n }, (_, i) => ((i % 7) - 3) * 1e-44),
  "signed zeros": (n) => Float32Array.from({ length: n }, (_, i) => (i % 2 === 0 ? -0 : 0)),
  "huge range": (n) => typicalLogits(n, n + 4).map((z) => z * 1e30),
  "range of a thousand": (n) => typicalLogits(n, n + 5).map((z) => z * 100),
  "all negative": (n) => typicalLogits(n, n + 6).map((z) => z - 1e4),
};

/** Bits, because deep equality takes 0 for unequal to -0 and a NaN for any other. */
export function bits(values: Float64Array | readonly number[]): bigint[] {
  return Array.from(new BigUint64Array(Float64Array.from(values).buffer));
}
