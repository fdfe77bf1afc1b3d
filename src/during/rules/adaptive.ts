/**
 * A log-linear pool that learns its coefficients from the text so far, among its own members as experts.
 *
 *     q(u) ∝ Π_i max(p_i(u), ε)^(c_i)        ε = 1e-9        c_i: at first the weights w_i
 *     p(u) = Σ_i v_i p_i(u) + v_q q(u)        v: at first w_i / 2 and ½
 *
 * Behind every entry u that was chosen:
 *
 *     v_j ← (1 − s) · v_j e_j(u) / p(u) + s · prior_j        e: the p_i and q; a Bayesian mixture with fixed share
 *     c_i ← c_i + η / √n · clip(ln p_i(u) − Σ_x q(x) ln p_i(x), ±3)        n: entries so far; the gradient of ln q(u)
 *
 * The coefficients need not sum to 1: members that are right together and for different reasons count for more than 1.
 *
 * Sources: fixed share is Herbster and Warmuth, "Tracking the Best Expert", 1998; learning a log-linear pool online by its
 * gradient is Mattern, "Linear and Geometric Mixtures – Analysis", 2013, after PAQ's mixers. Putting the two together is ours,
 * as are the constants, which were chosen on TinyStories.
 */
import { z } from "zod";
import { type AlignedStep, massOf } from "../alignments/alignment.js";
import { argmax } from "../combine.js";
import { defineRule } from "./define-rule.js";
import { LogLinearRule } from "./log-linear.js";
import type { FusedValues, FusionRule } from "./rule.js";

const FLOOR = 1e-9;
const STEEPEST = 3;
/** What the pool counts for among the experts, before they have said anything. */
const POOL_SHARE = 0.5;

export interface AdaptiveOptions {
  /** η. */
  rate: number;
  /** s. */
  share: number;
}

/** What is learned that holds for other texts, too. */
export interface Learned {
  /** c_i − w_i of each voice. */
  offsets: number[];
  /** n. */
  steps: number;
}

interface LastStep {
  step: AlignedStep;
  pool: Float64Array;
  fused: Float64Array;
  prior: number[];
  asked: readonly number[];
}

export class AdaptiveRule implements FusionRule {
  readonly #learned: Learned;
  /** v over its prior, of each voice and, last, of the pool. */
  readonly #evidence: number[];
  #fused = new Float64Array(0);
  #last: LastStep | undefined;

  constructor(
    voices: number,
    private readonly options: AdaptiveOptions,
    learned?: Learned,
  ) {
    this.#learned = learned ?? { offsets: [], steps: 0 };
    for (let voice = this.#learned.offsets.length; voice < voices; voice++) this.#learned.offsets.push(0);
    this.#evidence = Array.from({ length: voices + 1 }, () => 1);
  }

  fuse(step: AlignedStep, weights: readonly number[], asked: readonly number[]): FusedValues {
    const { size, distributions } = step;
    const { offsets } = this.#learned;
    const coefficients: number[] = [];
    for (const [c, voice] of asked.entries())
      coefficients[voice] = weights[c] === 0 ? 0 : Math.max(0, weights[c] + offsets[voice]);
    const pool = new LogLinearRule({ coefficients, floor: FLOOR }).fuse(step, weights, asked).probabilities;
    const prior = [...weights.map((weight) => (1 - POOL_SHARE) * weight), POOL_SHARE];
    const shares = this.#shares(prior, asked);
    if (this.#fused.length < size) this.#fused = new Float64Array(size);
    const fused = this.#fused;
    const pooled = shares[asked.length];
    for (let entry = 0; entry < size; entry++) fused[entry] = pooled * pool[entry];
    for (const [c, values] of distributions.entries()) {
      const scale = shares[c] / massOf(step, c);
      for (let entry = 0; entry < size; entry++) fused[entry] += scale * values[entry];
    }
    this.#last = { step, pool, fused, prior, asked };
    return { probabilities: fused, best: argmax(fused, size) };
  }

  /** The entry of the last step that was chosen. */
  observe(entry: number): void {
    const last = this.#last;
    if (last === undefined) return;
    this.#last = undefined;
    this.#learnCoefficients(entry, last);
    this.#learnShares(entry, last);
  }

  #learnCoefficients(entry: number, { step, pool, asked }: LastStep): void {
    const { offsets } = this.#learned;
    this.#learned.steps++;
    const rate = this.options.rate / Math.sqrt(this.#learned.steps);
    for (const [c, values] of step.distributions.entries()) {
      const mass = massOf(step, c);
      const logOf = (at: number) => Math.log(Math.max(values[at] / mass, FLOOR));
      let expected = 0;
      for (let at = 0; at < step.size; at++) if (pool[at] > 0) expected += pool[at] * logOf(at);
      offsets[asked[c]] += rate * Math.max(-STEEPEST, Math.min(STEEPEST, logOf(entry) - expected));
    }
  }

  #learnShares(entry: number, { step, pool, fused, prior, asked }: LastStep): void {
    if (!(fused[entry] > 0)) return;
    const { share } = this.options;
    const before = this.#shares(prior, asked);
    const said = [...step.distributions.map((values, c) => values[entry] / massOf(step, c)), pool[entry]];
    for (const [c, value] of said.entries()) {
      if (prior[c] === 0) continue;
      const after = (1 - share) * ((before[c] * value) / fused[entry]) + share * prior[c];
      this.#evidence[c === asked.length ? this.#evidence.length - 1 : asked[c]] = after / prior[c];
    }
  }

  /** v of those asked, and of the pool; they sum to 1. */
  #shares(prior: readonly number[], asked: readonly number[]): number[] {
    const shares = prior.map((value, c) => value * this.#evidence[asked[c] ?? this.#evidence.length - 1]);
    const sum = shares.reduce((total, value) => total + value, 0);
    return shares.map((value) => value / sum);
  }
}

export const adaptive = defineRule({
  name: "adaptive",
  summary: "A product whose weights are learned from the text so far, in a mixture with the members.",
  options: z.strictObject({
    rate: z.number().min(0).default(0.05).describe("How fast the product's weights are learned; 0: not at all."),
    share: z.number().min(0).max(1).default(0.01).describe("How readily the mixture turns to another member."),
  }),
  create: ({ voices, memory }, options) => {
    const learned = memory?.get("adaptive") as Learned | undefined;
    const own: Learned = learned ?? { offsets: [], steps: 0 };
    memory?.set("adaptive", own);
    return new AdaptiveRule(voices.length, options, own);
  },
  laws: {},
});
