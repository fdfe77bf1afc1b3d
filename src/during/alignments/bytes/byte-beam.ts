/**
 * How a text may be spelt in a member's tokens: hypotheses (ids, u), where `ids` are finished tokens and u, pending, the
 * bytes behind them, a proper beginning of at least one longer token; bytes(ids) + u = text so far.
 *
 *     weight(ids, ∅) = P(ids)        weight(ids, u) = P(ids) · Σ p(t | ids) over the tokens t that begin with u and are longer
 *     W(text) = Σ weights            P(next byte | text) = W(text + byte) / W(text)
 *     P(end | text) = Σ P(ids) · p(end | ids) over the hypotheses with nothing pending / W(text)
 *
 * With every hypothesis kept this is exact: W sums over all token sequences whose bytes begin with the text (a cover's last
 * token may go beyond it). Each finished sequence costs a model call, so `keep` bounds their number.
 *
 * Source: the covers of Phan and others, "Exact Byte-Level Probabilities from Tokenized Language Models for FIM-Tasks and
 * Model Ensembles", arXiv 2410.09303; the beam over trie states is that of genlm-bytes. A pending hypothesis here has the
 * mass beyond u, without the token u itself, which is a hypothesis of its own: the two never count a token twice.
 */
import { logSumExp } from "../../../statistics.js";
import { ByteTrie, ROOT } from "../../../vocabulary/byte-trie.js";
import type { Vocabulary } from "../../../vocabulary/vocabulary.js";
import { BYTE_ENTRIES, TokenMasses } from "./token-masses.js";

/** Finished tokens; their order is a linked list, since hypotheses share beginnings. */
export interface TokenSequence {
  readonly parent: TokenSequence | undefined;
  /** Its last token; −1 where it has none. */
  readonly token: number;
  /** How many tokens it has. */
  readonly length: number;
  /** ln P(ids). */
  readonly logProb: number;
  /** What comes next, once the model has been asked. */
  masses: TokenMasses | undefined;
  /** Beams that have it. */
  holders: number;
}

export interface Hypothesis {
  readonly sequence: TokenSequence;
  /** The pending bytes, as a node of the trie. */
  readonly node: number;
  readonly logWeight: number;
}

export interface Kept {
  /** Heaviest first. */
  hypotheses: Hypothesis[];
  /** 1 − kept weight / weight. */
  discarded: number;
}

/** What is left of a distribution behind these tokens (see TokenMasses.take). */
export type Limit = (masses: TokenMasses, sequence: TokenSequence) => void;

export class ByteBeam {
  readonly trie: ByteTrie;
  /** Heaviest first. */
  hypotheses: readonly Hypothesis[] = [];
  /** Arrays that no sequence needs any more. */
  readonly #spare: TokenMasses[] = [];
  /** Sequences of the hypotheses, and those read since. */
  readonly #held = new Set<TokenSequence>();

  constructor(
    vocabulary: Vocabulary,
    private readonly limit?: Limit,
  ) {
    this.trie = ByteTrie.of(vocabulary);
  }

  /** A text begins. */
  begin(): void {
    this.keep([{ sequence: sequenceOf(undefined, -1, 0), node: ROOT, logWeight: 0 }]);
  }

  /** ln W(text so far), of the hypotheses kept. */
  get logWeight(): number {
    return logSum(this.hypotheses);
  }

  /** The sequences that the model has not been asked about. */
  get unread(): TokenSequence[] {
    return [...new Set(this.hypotheses.map(({ sequence }) => sequence))].filter(({ masses }) => masses === undefined);
  }

  /** What the model says behind a sequence. */
  read(sequence: TokenSequence, logits: ArrayLike<number>): void {
    const { limit } = this;
    const masses = this.#spare.pop() ?? new TokenMasses(this.trie);
    masses.take(logits, limit && ((taken) => limit(taken, sequence)));
    this.adopt(sequence, masses);
  }

  /** What comes behind a sequence, where it is known without the model. */
  adopt(sequence: TokenSequence, masses: TokenMasses): void {
    sequence.masses = masses;
    this.#hold(sequence);
  }

  /**
   * The next-byte distribution into float64[257]: entry 256 is the end. All sequences have been read. False where it is
   * none, because no hypothesis is left or none goes on.
   */
  next(out: Float64Array): boolean {
    out.fill(0, 0, BYTE_ENTRIES);
    const largest = this.hypotheses[0]?.logWeight ?? Number.NEGATIVE_INFINITY;
    if (largest === Number.NEGATIVE_INFINITY) return false;
    for (const { sequence, node } of this.hypotheses)
      sequence.masses!.addNext(node, Math.exp(sequence.logProb - largest), out);
    let sum = 0;
    for (let entry = 0; entry < BYTE_ENTRIES; entry++) sum += out[entry];
    if (!(sum > 0)) return false;
    for (let entry = 0; entry < BYTE_ENTRIES; entry++) out[entry] /= sum;
    return true;
  }

  /** The hypotheses of the text with this byte more: each goes on pending, where it can, and ends in each token that fits. */
  continuations(byte: number, of: readonly Hypothesis[] = this.hypotheses): Hypothesis[] {
    const found: Hypothesis[] = [];
    for (const { sequence, node } of of) {
      const child = this.trie.child(node, byte);
      if (child >= 0) this.reach(sequence, child, found);
    }
    return found;
  }

  /** The hypotheses behind a sequence that has been read with these bytes pending, or finished by a token. */
  reach(sequence: TokenSequence, node: number, found: Hypothesis[]): void {
    const { masses, logProb } = sequence;
    const beyond = masses!.beyond(node);
    if (beyond > 0) found.push({ sequence, node, logWeight: logProb + Math.log(beyond) });
    for (let place = this.trie.low[node]; place < this.trie.ownEnd[node]; place++) {
      const finished = this.finish(sequence, place);
      if (finished !== undefined) found.push(finished);
    }
  }

  /** The sequence with the token at this place more; undefined where the model cannot say it. */
  finish(sequence: TokenSequence, place: number): Hypothesis | undefined {
    const probability = sequence.masses!.probabilities[place];
    if (!(probability > 0)) return undefined;
    const logWeight = sequence.logProb + Math.log(probability);
    return { sequence: sequenceOf(sequence, this.trie.order[place], logWeight), node: ROOT, logWeight };
  }

  /** These are the hypotheses from now on; what the model said behind a sequence that no beam has is forgotten. */
  keep(hypotheses: readonly Hypothesis[]): void {
    const kept = new Set(hypotheses.map(({ sequence }) => sequence));
    for (const sequence of kept) this.#hold(sequence);
    for (const sequence of this.#held) {
      if (kept.has(sequence)) continue;
      this.#held.delete(sequence);
      if (--sequence.holders > 0 || sequence.masses === undefined) continue;
      this.#spare.push(sequence.masses);
      sequence.masses = undefined;
    }
    this.hypotheses = hypotheses;
  }

  #hold(sequence: TokenSequence): void {
    if (this.#held.has(sequence)) return;
    this.#held.add(sequence);
    sequence.holders++;
  }
}

export function sequenceOf(parent: TokenSequence | undefined, token: number, logProb: number): TokenSequence {
  const length = token < 0 ? 0 : (parent?.length ?? 0) + 1;
  return { parent, token, length, logProb, masses: undefined, holders: 0 };
}

/** A sequence's tokens in their order, or the last `most` of them. */
export function idsOf(sequence: TokenSequence, most = Number.POSITIVE_INFINITY): number[] {
  const ids: number[] = [];
  let at: TokenSequence | undefined = sequence;
  for (; at !== undefined && at.token >= 0 && ids.length < most; at = at.parent) ids.push(at.token);
  return ids.reverse();
}

/**
 * Of these hypotheses those whose weight is at least `threshold` of the heaviest one's, and of them the `most` heaviest, the
 * first of equals.
 */
export function prune(hypotheses: readonly Hypothesis[], threshold: number, most: number): Kept {
  const best = hypotheses.reduce((largest, { logWeight }) => Math.max(largest, logWeight), Number.NEGATIVE_INFINITY);
  const least = best + Math.log(threshold);
  const kept = hypotheses
    .filter(({ logWeight }) => logWeight >= least)
    .sort((a, b) => b.logWeight - a.logWeight)
    .slice(0, most);
  return { hypotheses: kept, discarded: discardedShare(kept, hypotheses) };
}

/** 1 − the weight of those kept / the weight of all. */
export function discardedShare(kept: readonly Hypothesis[], all: readonly Hypothesis[]): number {
  return kept.length === all.length ? 0 : Math.max(0, -Math.expm1(logSum(kept) - logSum(all)));
}

/** ln Σ of the weights. */
export function logSum(hypotheses: readonly Hypothesis[]): number {
  return logSumExp(hypotheses.map(({ logWeight }) => logWeight));
}
