/**
 * What stands for the hypotheses that a beam has dropped: bytes by how often the text so far has them.
 *
 *     u(b) = (count(b) + ½) / (bytes so far + ½ · alphabet)        0 for bytes that are in no token (Krichevsky–Trofimov)
 *
 * A poor guess, and never 0 for what the member can spell, so that a byte that no kept hypothesis expects has a probability.
 */
import type { ByteTrie } from "../../../vocabulary/byte-trie.js";

const PRIOR = 0.5;

export class ByteFrequencies {
  readonly #weights = new Float64Array(256);
  #sum = 0;

  constructor({ byte }: ByteTrie) {
    // The root's own byte is no one's.
    for (let node = 1; node < byte.length; node++) this.#weights[byte[node]] = PRIOR;
    for (const weight of this.#weights) this.#sum += weight;
  }

  of(byte: number): number {
    return this.#weights[byte] / this.#sum;
  }

  count(byte: number): void {
    if (this.#weights[byte] === 0) return;
    this.#weights[byte]++;
    this.#sum++;
  }

  /** out_b = (1 − share) · out_b + share · u(b) */
  mixInto(out: Float64Array, share: number): void {
    if (share === 0) return;
    for (let entry = 0; entry < out.length; entry++) out[entry] *= 1 - share;
    for (let byte = 0; byte < 256; byte++) out[byte] += share * this.of(byte);
  }
}
