/**
 * Probabilities in 16 bits: six of an exponent and ten of a mantissa, so numbers from 2^-63 up to 1 with a relative error
 * of at most 2^-11, and 0. Made from float32 by leaving bits out, and read by putting them back.
 */

/** float32 has 13 more bits of mantissa, and an exponent that counts from 2^-127 on. */
const SHIFT = 13;
const BASE = 64 << 23;
const ROUND = 1 << (SHIFT - 1);
const LARGEST = 0xffff;

const number = new Float32Array(1);
const bits = new Int32Array(number.buffer);

/** The codes of values · scale, which lie between 0 and 1. */
export function encodeSmall(values: Float64Array, scale: number): Uint16Array {
  const codes = new Uint16Array(values.length);
  for (let a = 0; a < values.length; a++) {
    number[0] = values[a] * scale;
    const code = (bits[0] + ROUND - BASE) >> SHIFT;
    codes[a] = code < 0 ? 0 : Math.min(code, LARGEST);
  }
  return codes;
}

/** The numbers of these codes, scaled to sum 1, in `out`; code 0 is 0. Shapes: both [n]. */
export function decodeSmall(codes: Uint16Array, out: Float64Array): void {
  let sum = 0;
  for (let a = 0; a < codes.length; a++) {
    bits[0] = codes[a] === 0 ? 0 : (codes[a] << SHIFT) + BASE;
    out[a] = number[0];
    sum += number[0];
  }
  const scale = 1 / sum;
  for (let a = 0; a < codes.length; a++) out[a] *= scale;
}
