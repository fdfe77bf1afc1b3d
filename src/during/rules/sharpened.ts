/**
 * SAFE's rule (arXiv 2510.15346): the weighted mean, made sharper where it is sure of nothing. Different tokenizers cut the
 * same word in different places, so that its probability is spread over beginnings of it.
 *
 *     p = Σ_i w_i · p_i                                             stands where max p ≥ 1/2, else
 *     "prefix":     p'(c) = Σ {p(u): c begins u, and no shorter candidate does},  0 for every other u that a candidate begins
 *                   candidates c: the drafter's tokens with p(c) > λ
 *     "geometric":  p'(u) ∝ Π_i p_i(u)^w_i
 *
 * Shapes: the step's entries, float64. Our reading of a report of the paper, whose code cannot be had: which candidate takes
 * the mass where several begin the same string (the shortest), and λ, which the report does not tell.
 */
import type { Member } from "../../member/member.js";
import { byteKey } from "../../vocabulary/vocabulary.js";
import type { AlignedStep } from "../alignments/alignment.js";
import { argmax, type Combiner } from "../combine.js";
import { LogLinearRule } from "./log-linear.js";
import { MeanRule } from "./mean.js";
import type { FusedValues, FusionRule } from "./rule.js";

export const SHARPENINGS = ["prefix", "geometric", "none"] as const;

export interface SharpeningOptions {
  sharpen: (typeof SHARPENINGS)[number];
  lambda: number;
}

/** Where the mean of the members is surer than this, it is sure enough. */
export const SURE = 0.5;

interface Candidate {
  entry: number;
  bytes: Uint8Array;
}

export class SharpenedRule implements FusionRule {
  readonly #mean: MeanRule;
  readonly #product = new LogLinearRule();

  constructor(
    private readonly drafter: Pick<Member, "vocabulary" | "atFragmentStart">,
    private readonly options: SharpeningOptions,
    combiner?: Combiner,
  ) {
    this.#mean = new MeanRule(combiner);
  }

  fuse(step: AlignedStep, weights: readonly number[], asked: readonly number[]): FusedValues {
    const fused = this.#mean.fuse(step, weights);
    if (this.options.sharpen === "none" || fused.probabilities[fused.best] >= SURE) return fused;
    if (this.options.sharpen === "geometric") return this.#product.fuse(step, weights, asked);
    return this.#gather(step, fused);
  }

  #gather(step: AlignedStep, fused: FusedValues): FusedValues {
    const { probabilities } = fused;
    const candidates = this.#candidates(step, probabilities);
    if (candidates.length === 0) return fused;
    for (let entry = 0; entry < step.size; entry++) {
      if (probabilities[entry] === 0 || entry === step.endEntry) continue;
      const taker = candidates.find(({ bytes }) => begins(bytes, step.bytesOf(entry)));
      if (taker === undefined || taker.entry === entry) continue;
      probabilities[taker.entry] += probabilities[entry];
      probabilities[entry] = 0;
    }
    return { probabilities, best: argmax(probabilities, step.size) };
  }

  /** Shortest first. */
  #candidates(step: AlignedStep, probabilities: Float64Array): Candidate[] {
    const { vocabulary, atFragmentStart } = this.drafter;
    const candidates: Candidate[] = [];
    for (let entry = 0; entry < step.size; entry++) {
      if (!(probabilities[entry] > this.options.lambda) || entry === step.endEntry) continue;
      const bytes = step.bytesOf(entry);
      if (vocabulary.idsOf(byteKey(bytes), atFragmentStart).length > 0) candidates.push({ entry, bytes });
    }
    return candidates.sort((a, b) => a.bytes.length - b.bytes.length);
  }
}

function begins(start: Uint8Array, bytes: Uint8Array): boolean {
  if (start.length > bytes.length) return false;
  for (let at = 0; at < start.length; at++) if (start[at] !== bytes[at]) return false;
  return true;
}
