/**
 * When a stream of queries asks the large model and when the student answers (Ramírez, Lindemann, Birch and Titov, "Cache &
 * Distil", arXiv 2310.13561; guillemram97/neural-caching, handler.py). A budget of calls is spent along the stream:
 *
 *     b1         front-loading: while the budget lasts
 *     b2         at random, with probability budget / (stream − first queries)
 *     entropy    entropy of the student's class probabilities (nats) > h
 *     margin     difference of its two largest logits < h, of logits as released, though the paper writes probabilities
 *     committee  at most h of the four students before agree with this one; until there are five, always
 *     coreset    largest cosine to the embeddings of cached queries < h
 *
 * Always asked: the first queries, and all when no more remain than the budget pays.
 */
import { argmax, dot } from "../../../learning/matrix.js";
import { softmax } from "../../../learning/softmax-regression.js";
import { entropyOf, marginOf } from "../signals/class-confidence.js";

export const CACHING_STRATEGIES = ["b1", "b2", "entropy", "margin", "committee", "coreset"] as const;

export type CachingStrategyName = (typeof CACHING_STRATEGIES)[number];

export interface CachingOptions {
  strategy: CachingStrategyName;
  /** h */
  threshold: number;
  /** In the unit of `costPerCall`. */
  budget: number;
  costPerCall: number;
  streamLength: number;
  /** Queries at the start that are always asked. */
  first: number;
  /** As released: what remains of the stream is counted without the first queries, so the budget is spent early. */
  compat?: boolean;
}

/** What a query shows. */
export interface CachingView {
  /** Of this student and up to four before it, the newest last. */
  logits: readonly ArrayLike<number>[];
  /** Of unit length; of coreset. */
  embedding?: ArrayLike<number>;
  /** From [0, 1); of b2. */
  draw(): number;
}

/** Students that a committee needs, this one included. */
export const COMMITTEE = 5;

export class CachingStrategy {
  #remaining: number;
  /** Queries seen. */
  #seen = 0;
  readonly #cached: ArrayLike<number>[] = [];
  #calls = 0;

  constructor(private readonly options: CachingOptions) {
    this.#remaining = options.budget;
  }

  /** The budget that is left. */
  get remaining(): number {
    return this.#remaining;
  }

  get calls(): number {
    return this.#calls;
  }

  /** Whether this query asks the large model; if so, it is charged. */
  ask(view: CachingView): boolean {
    const { costPerCall } = this.options;
    this.#seen++;
    const asks = this.#remaining - costPerCall >= 0 && (this.#mustAsk() || this.#wants(view));
    if (!asks) return false;
    this.#remaining -= costPerCall;
    this.#calls++;
    if (view.embedding !== undefined) this.#cached.push(view.embedding);
    return true;
  }

  #mustAsk(): boolean {
    const { streamLength, first, costPerCall, compat = false } = this.options;
    if (this.#seen <= first) return true;
    // The released code takes the first queries off twice.
    const missing = streamLength - (compat ? first : 0) - this.#seen;
    return missing * costPerCall <= this.#remaining - costPerCall;
  }

  #wants({ logits, embedding, draw }: CachingView): boolean {
    const { strategy, threshold, budget, streamLength, first } = this.options;
    const student = logits.at(-1)!;
    switch (strategy) {
      case "b1":
        return true;
      case "b2":
        return draw() > 1 - budget / (streamLength - first);
      case "entropy":
        return entropyOf(softmax(student)) > threshold;
      case "margin":
        return marginOf(student) < threshold;
      case "committee": {
        if (logits.length < COMMITTEE) return true;
        const answer = argmax(student);
        return logits.slice(0, -1).filter((each) => argmax(each) === answer).length <= Math.trunc(threshold);
      }
      case "coreset":
        return this.#cached.every((cached) => dot(cached, embedding!) < threshold);
    }
  }
}
