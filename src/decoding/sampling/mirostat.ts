/**
 * Mirostat (Basu and others, "Mirostat: A Neural Text Decoding Algorithm that Directly Controls Perplexity", arXiv 2007.14966),
 * as llama.cpp has it. μ starts at 2τ; after a choice of probability p among what was left, μ ← μ − η (−log₂ p − τ).
 *
 * - version 2 keeps the entries with −log₂ p ≤ μ, the greatest at least;
 * - version 1 keeps the first k by Zipf's law, whose exponent s it estimates from the 100 most probable entries:
 *   k = ((s − 1) 2^μ / (1 − n^(1 − s)))^(1/s), n the number of entries.
 */
import { Survivors } from "../survivors.js";

const ESTIMATED_FROM = 100;

export class Mirostat {
  #mu: number;
  #entries = new Int32Array(0);

  constructor(
    private readonly version: 1 | 2,
    private readonly tau: number,
    private readonly eta: number,
  ) {
    this.#mu = 2 * tau;
  }

  /** The surviving entries, ascending. */
  get entries(): Int32Array {
    return this.#entries;
  }

  /** How many of the entries survive. */
  select(weights: Float64Array, size: number): number {
    return this.version === 1
      ? this.#cut(weights, size, this.#zipf(weights, size))
      : this.#cutBySurprise(weights, size);
  }

  /** A choice, by its probability among what was left. */
  observe(probability: number): void {
    this.#mu -= this.eta * (-Math.log2(probability) - this.tau);
  }

  #cut(weights: Float64Array, size: number, topK: number): number {
    const survivors = new Survivors({ topK });
    const count = survivors.select(weights, size);
    this.#entries = survivors.entries;
    return count;
  }

  #cutBySurprise(weights: Float64Array, size: number): number {
    let total = 0;
    let greatest = 0;
    for (let entry = 0; entry < size; entry++) {
      total += weights[entry];
      greatest = Math.max(greatest, weights[entry]);
    }
    if (-Math.log2(greatest / total) > this.#mu) return this.#cut(weights, size, 1);
    if (this.#entries.length < size) this.#entries = new Int32Array(size);
    let count = 0;
    for (let entry = 0; entry < size; entry++)
      if (weights[entry] > 0 && -Math.log2(weights[entry] / total) <= this.#mu) this.#entries[count++] = entry;
    return count;
  }

  /** k. */
  #zipf(weights: Float64Array, size: number): number {
    const best = this.#cut(weights, size, ESTIMATED_FROM);
    const sorted = Float64Array.from(this.#entries.subarray(0, best), (entry) => weights[entry])
      .sort()
      .reverse();
    let products = 0;
    let squares = 0;
    for (let rank = 0; rank + 1 < sorted.length && rank < ESTIMATED_FROM - 1; rank++) {
      const step = Math.log((rank + 2) / (rank + 1));
      products += step * Math.log(sorted[rank] / sorted[rank + 1]);
      squares += step * step;
    }
    const exponent = products / squares;
    const beyond = exponent - 1;
    const k = ((beyond * 2 ** this.#mu) / (1 - size ** -beyond)) ** (1 / exponent);
    // Equal probabilities have no exponent, and one entry has no slope.
    return Number.isNaN(k) ? 1 : Math.max(1, Math.min(size, Math.trunc(k)));
  }
}
