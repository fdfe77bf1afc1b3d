/**
 * A member's next-token distribution in the order of a byte trie, and its sums over nodes.
 *
 *     p(t) = e^(z_t) / Σ e^(z_u)        t, u: text and end tokens, so that p is given that the member says something
 *     mass(node) = Σ p(t) over the tokens below node
 *
 * Sums go over blocks of 64 tokens and what is left at the ends, in float64: n / 64 + 128 additions at most, and no
 * difference of two large sums, in which the mass of a rare string would drown.
 */
import { type ByteTrie, ROOT } from "../../../vocabulary/byte-trie.js";

const BLOCK_BITS = 6;
const BLOCK = 1 << BLOCK_BITS;
/** The entry of the end in a next-byte distribution. */
export const END = 256;
/** Entries of a next-byte distribution: 256 bytes and the end. */
export const BYTE_ENTRIES = 257;

export class TokenMasses {
  /** Place in the trie's order → probability. */
  readonly probabilities: Float64Array;
  /** Probability of all end tokens. */
  end = 0;
  readonly #blocks: Float64Array;

  constructor(private readonly trie: ByteTrie) {
    this.probabilities = new Float64Array(trie.order.length);
    this.#blocks = new Float64Array(Math.ceil(trie.order.length / BLOCK));
  }

  /** Take a member's logits. `limit`: sets entries of the probabilities to what is left of them before they are summed. */
  take(logits: ArrayLike<number>, limit?: (masses: TokenMasses) => void): void {
    const { probabilities, trie } = this;
    const { order, vocabulary } = trie;
    let largest = Number.NEGATIVE_INFINITY;
    for (let place = 0; place < order.length; place++)
      if (logits[order[place]] > largest) largest = logits[order[place]];
    for (const id of vocabulary.endTokens) if (logits[id] > largest) largest = logits[id];
    let sum = 0;
    for (let place = 0; place < order.length; place++)
      sum += probabilities[place] = Math.exp(logits[order[place]] - largest);
    let end = 0;
    for (const id of vocabulary.endTokens) end += Math.exp(logits[id] - largest);
    sum += end;
    for (let place = 0; place < order.length; place++) probabilities[place] /= sum;
    this.end = end / sum;
    limit?.(this);
    this.#sumBlocks();
  }

  /** Divide everything by its sum; returns the sum. For `limit`. */
  normalise(): number {
    let sum = this.end;
    for (const value of this.probabilities) sum += value;
    this.end /= sum;
    for (let place = 0; place < this.probabilities.length; place++) this.probabilities[place] /= sum;
    return sum;
  }

  /** Σ p(t) of the tokens below a node. */
  below(node: number): number {
    return this.#range(this.trie.low[node], this.trie.high[node]);
  }

  /** Of those among them that are longer than its string. */
  beyond(node: number): number {
    return this.#range(this.trie.ownEnd[node], this.trie.high[node]);
  }

  /** out_b += scale · mass of the node's string with the byte b more; at the root, out_END += scale · the end's. */
  addNext(node: number, scale: number, out: Float64Array): void {
    const { firstChild, byte } = this.trie;
    for (let child = firstChild[node]; child < firstChild[node + 1]; child++)
      out[byte[child]] += scale * this.below(child);
    if (node === ROOT) out[END] += scale * this.end;
  }

  #sumBlocks(): void {
    const { probabilities } = this;
    for (let block = 0; block < this.#blocks.length; block++) {
      const stop = Math.min((block + 1) << BLOCK_BITS, probabilities.length);
      let sum = 0;
      for (let place = block << BLOCK_BITS; place < stop; place++) sum += probabilities[place];
      this.#blocks[block] = sum;
    }
  }

  #range(low: number, high: number): number {
    const { probabilities } = this;
    let sum = 0;
    const firstBlock = (low + BLOCK - 1) >>> BLOCK_BITS;
    const lastBlock = high >>> BLOCK_BITS;
    if (firstBlock >= lastBlock) {
      for (let place = low; place < high; place++) sum += probabilities[place];
      return sum;
    }
    for (let place = low; place < firstBlock << BLOCK_BITS; place++) sum += probabilities[place];
    for (let block = firstBlock; block < lastBlock; block++) sum += this.#blocks[block];
    for (let place = lastBlock << BLOCK_BITS; place < high; place++) sum += probabilities[place];
    return sum;
  }
}
