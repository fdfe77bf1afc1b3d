/** What may be chosen as a span, and how its judges read it. */
import type { ProspectScore } from "../../member/member.js";
import { byteKey, type Vocabulary } from "../../vocabulary/vocabulary.js";
import { countWords } from "./words.js";

export interface Candidate {
  bytes: Uint8Array;
  /** Whether the answer ends behind it. */
  ends: boolean;
  /** Tokens in which it was written, the end included. */
  tokens: number;
  /** Indices of the voices that wrote it. */
  writers: readonly number[];
}

/** What the sum of a text's log-probabilities is divided by: its tokens as the judge reads it, its bytes or its words. */
export type Per = "token" | "byte" | "word";
export const PER = ["token", "byte", "word"] as const satisfies readonly Per[];

/** Equal texts once, each with all who wrote it, in the order in which they were written first. */
export function pooled(candidates: readonly Candidate[]): Candidate[] {
  const pool = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const key = `${candidate.ends ? "." : ","}${byteKey(candidate.bytes)}`;
    const known = pool.get(key);
    if (known === undefined) pool.set(key, candidate);
    else {
      const writers = together(known.writers, candidate.writers);
      pool.set(key, { ...known, writers, tokens: Math.min(known.tokens, candidate.tokens) });
    }
  }
  return [...pool.values()];
}

/** All writers of equal texts, in their order. */
export function together(some: readonly number[], others: readonly number[]): number[] {
  return [...new Set([...some, ...others])].sort((a, b) => a - b);
}

export function isSameText(a: Pick<Candidate, "bytes" | "ends">, b: Pick<Candidate, "bytes" | "ends">): boolean {
  return a.ends === b.ends && Buffer.compare(a.bytes, b.bytes) === 0;
}

/** One judge's reading of a text that may come: ln-probabilities in nats, the end's among them where the answer ends. */
export interface Reading {
  logProbs: readonly number[];
  /** Raw logits of its tokens, without the end. */
  logits: ArrayLike<number>;
  /** Where each of its tokens ends, in bytes of the text; the end's is behind it. */
  ends: readonly number[];
}

/** undefined where the text does not fit the judge's context: it finds it impossible. */
export function readingOf(score: ProspectScore | undefined, length: number, vocabulary: Vocabulary): Reading {
  if (score === undefined) return { logProbs: [Number.NEGATIVE_INFINITY], logits: [], ends: [length] };
  const { ids, logProbs, endLogProb, logits } = score;
  // From behind: the first may reach back into the text before.
  const ends: number[] = [];
  for (let token = ids.length - 1, end = length; token >= 0; token--) {
    ends.unshift(end);
    end -= vocabulary.bytesOf(ids[token]).length;
  }
  if (endLogProb === undefined) return { logProbs: [...logProbs], logits, ends };
  return { logProbs: [...logProbs, endLogProb], logits, ends: [...ends, length + 1] };
}

/**
 * −Σ ln p / n in nats, n the tokens, bytes or words; a token at least. Infinity where the text is impossible or its
 * probability no number: such a text never wins against one that has one.
 */
export function meanLoss(
  { logProbs }: Pick<Reading, "logProbs">,
  { bytes, ends }: Pick<Candidate, "bytes" | "ends">,
  per: Per,
): number {
  const sum = logProbs.reduce((total, logProb) => total + logProb, 0);
  const end = ends ? 1 : 0;
  const counts = { token: logProbs.length, byte: bytes.length + end, word: bytes.length === 0 ? 1 : countWords(bytes) };
  const loss = -sum / Math.max(1, counts[per]);
  return Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss;
}

/** e^loss, the perplexity per token, byte or word. */
export function perplexity(
  reading: Pick<Reading, "logProbs">,
  candidate: Pick<Candidate, "bytes" | "ends">,
  per: Per = "token",
): number {
  return Math.exp(meanLoss(reading, candidate, per));
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The first of the smallest values; the first of all where none is a number. */
export function firstSmallest(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value < values[best] || Number.isNaN(values[best]) ? index : best), 0);
}
