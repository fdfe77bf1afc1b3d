/**
 * The seeded generator that one request owns: xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", arXiv 1805.01407), in 32-bit integer arithmetic, so that a seed means the same numbers on every platform.
 */
import { randomInt } from "node:crypto";

/** Seeds are integers that a double holds exactly. */
export const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** A seed for a request that brought none: 32 bits, short enough to read aloud. */
export function randomSeed(): number {
  return randomInt(0x1_0000_0000);
}

export class RandomGenerator {
  readonly #state = new Uint32Array(4);

  /** The four state words are splitmix32 outputs: two from the low 32 bits of the seed, two with the high bits mixed in. */
  constructor(readonly seed: number) {
    let counter = seed >>> 0;
    for (let word = 0; word < 4; word++) {
      if (word === 2) counter ^= Math.floor(seed / 0x1_0000_0000);
      counter = (counter + 0x9e3779b9) >>> 0;
      this.#state[word] = mix(counter);
    }
  }

  /** The next 32 bits. */
  nextUint32(): number {
    const state = this.#state;
    const [s0, s1, s2, s3] = [state[0], state[1], state[2], state[3]];
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    state[0] = s0 ^ s3 ^ s1;
    state[1] = s1 ^ s2 ^ s0;
    state[2] = s2 ^ s0 ^ (s1 << 9);
    state[3] = rotateLeft(s3 ^ s1, 11);
    return result;
  }

  /** Uniform in [0, 1), a multiple of 2⁻⁵³; takes two 32-bit draws. */
  next(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 0x400_0000 + low) / 0x20_0000_0000_0000;
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The finaliser of splitmix32: a bijection of 32-bit words. */
function mix(word: number): number {
  let z = word;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
