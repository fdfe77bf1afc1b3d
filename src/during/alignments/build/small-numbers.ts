/**
 * Probabilities in 16 bits: six of an exponent and ten of a mantissa, so numbers from 2^-63 up to 1 with a relative error
 * of at most 2^-11; smaller ones become 2^-63, which is nothing beside 1 / (a vocabulary's size). Made from float32 by
 * leaving bits out. The kernels compute with them as they are (addSmall, dotSmall).
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

/** The number of one code. */
export function decodeSmall(code: number): number {
  bits[0] = (code << SHIFT) + BASE;
  return number[0];
}
