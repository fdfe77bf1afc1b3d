/**
 * Random Q8_0 weights at the speed of a copy: one pool of random blocks, read cyclically from another start for every
 * tensor. The pool's length is a prime number of blocks, so that no two rows of a matrix begin at the same block before
 * every block has begun one; rows that overlap are shifted by whole blocks, which makes their dot products independent.
 */
import { generator } from "./tiny-model.js";

/** Weights of a Q8_0 block, and its bytes: a half-precision scale, then one signed byte each. */
export const BLOCK_WEIGHTS = 32;
export const BLOCK_BYTES = 34;
/** Prime; 16 MiB, more rows than the largest vocabulary has. */
const POOL_BLOCKS = 493_447;
/** Standard deviation of a byte drawn uniformly from -127 … 127. */
const BYTE_DEVIATION = Math.sqrt((255 * 255 - 1) / 12);

export class RandomBlocks {
  readonly #bytes = Buffer.alloc(POOL_BLOCKS * BLOCK_BYTES);
  #scale = 0;

  constructor(seed: number) {
    const random = generator(seed);
    for (let at = 0; at < this.#bytes.length; at += 4) {
      if (at + 4 > this.#bytes.length) break;
      this.#bytes.writeUInt32LE(Math.floor(random() * 0x1_0000_0000), at);
    }
    // -128 would make the bytes' mean differ from zero.
    for (let at = 0; at < this.#bytes.length; at++) if (this.#bytes[at] === 0x80) this.#bytes[at] = 0;
  }

  /** Blocks [start, start + count) of the endless cycle, with this standard deviation. The chunks are copies. */
  *chunks(start: number, count: number, deviation: number): Generator<Uint8Array> {
    this.#setScale(deviation);
    for (let done = 0; done < count; ) {
      const at = (start + done) % POOL_BLOCKS;
      const blocks = Math.min(count - done, POOL_BLOCKS - at);
      yield Buffer.from(this.#bytes.subarray(at * BLOCK_BYTES, (at + blocks) * BLOCK_BYTES));
      done += blocks;
    }
  }

  /** The weights that `chunks` would give for these blocks. */
  weights(start: number, count: number, deviation: number): Float64Array {
    const scale = fromHalf(toHalf(deviation / BYTE_DEVIATION));
    const weights = new Float64Array(count * BLOCK_WEIGHTS);
    for (let block = 0; block < count; block++) {
      const at = ((start + block) % POOL_BLOCKS) * BLOCK_BYTES + 2;
      for (let i = 0; i < BLOCK_WEIGHTS; i++) weights[block * BLOCK_WEIGHTS + i] = scale * this.#bytes.readInt8(at + i);
    }
    return weights;
  }

  #setScale(deviation: number): void {
    const scale = toHalf(deviation / BYTE_DEVIATION);
    if (scale === this.#scale) return;
    this.#scale = scale;
    for (let block = 0; block < POOL_BLOCKS; block++) this.#bytes.writeUInt16LE(scale, block * BLOCK_BYTES);
  }
}

/** Quantise a row whose length is a multiple of BLOCK_WEIGHTS. */
export function encodeRow(weights: Float64Array): Uint8Array {
  const blocks = weights.length / BLOCK_WEIGHTS;
  const bytes = Buffer.alloc(blocks * BLOCK_BYTES);
  for (let block = 0; block < blocks; block++) {
    const own = weights.subarray(block * BLOCK_WEIGHTS, (block + 1) * BLOCK_WEIGHTS);
    const largest = own.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
    const half = toHalf(largest / 127);
    const scale = fromHalf(half);
    bytes.writeUInt16LE(half, block * BLOCK_BYTES);
    for (let i = 0; i < BLOCK_WEIGHTS; i++) {
      const quantised = scale === 0 ? 0 : Math.round(own[i] / scale);
      bytes.writeInt8(Math.max(-127, Math.min(127, quantised)), block * BLOCK_BYTES + 2 + i);
    }
  }
  return bytes;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
/** What a half's exponent is biased less than a float's, in place. */
const BIAS = 112 << 23;

/** A positive number in the range of normal halves (6e-5 … 65504), its last bits cut off. */
function toHalf(value: number): number {
  float[0] = value;
  return bits[0] < BIAS ? 0 : (bits[0] - BIAS) >>> 13;
}

function fromHalf(half: number): number {
  bits[0] = half === 0 ? 0 : (half << 13) + BIAS;
  return float[0];
}
