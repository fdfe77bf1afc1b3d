import { expect, test } from "vitest";
import { RandomGenerator, randomSeed } from "../../src/random.js";

/** xoshiro128** and splitmix32's finaliser in big integers, from their definitions. */
function reference(seed: number, count: number): number[] {
  const word = (value: bigint) => value & 0xffffffffn;
  const rotate = (value: bigint, bits: bigint) => word((value << bits) | (value >> (32n - bits)));
  const mix = (z0: bigint) => {
    let z = z0;
    z = word((z ^ (z >> 16n)) * 0x85ebca6bn);
    z = word((z ^ (z >> 13n)) * 0xc2b2ae35n);
    return z ^ (z >> 16n);
  };
  const low = word(BigInt(seed));
  const first = word(low + 0x9e3779b9n);
  const second = word(first + 0x9e3779b9n);
  const third = word((second ^ (BigInt(seed) >> 32n)) + 0x9e3779b9n);
  const state = [first, second, third, word(third + 0x9e3779b9n)].map(mix);
  return Array.from({ length: count }, () => {
    const result = word(rotate(word(state[1] * 5n), 7n) * 9n);
    const shifted = word(state[1] << 9n);
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 11n);
    return Number(result);
  });
}

test("xoshiro128** as defined, for small and large seeds", () => {
  for (const seed of [0, 1, 42, 0xffffffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER]) {
    const random = new RandomGenerator(seed);
    expect(Array.from({ length: 200 }, () => random.nextUint32())).toEqual(reference(seed, 200));
  }
});

test("next() is uniform in [0, 1) with 53 bits", () => {
  const random = new RandomGenerator(9);
  const counts = new Array(16).fill(0);
  for (let draw = 0; draw < 160_000; draw++) {
    const u = random.next();
    if (u < 0 || u >= 1 || !Number.isInteger(u * 2 ** 53)) expect.fail(`${u}`);
    counts[Math.floor(u * 16)]++;
  }
  const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  expect(chiSquare).toBeLessThan(37.7); // χ²(15) at 0.001
});

test("seeds that differ only above 32 bits give other numbers", () => {
  expect(new RandomGenerator(7).next()).not.toBe(new RandomGenerator(7 + 2 ** 32).next());
});

test("random seeds are 32-bit integers", () => {
  for (let draw = 0; draw < 50; draw++) {
    const seed = randomSeed();
    expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
  }
});
