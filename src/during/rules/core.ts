/**
 * CoRE: weights by consistency (Zeng and others, "Harnessing Consistency for Robust Test-Time LLM Ensemble",
 * arXiv 2510.13855), as a fusion rule for any alignment. Member m is main.
 *
 *     p̄ = mean_i p_i,   d_i = |p_i − p̄|,   token score r_i(v) = f(d_i(v)) where p_i(v) + p_m(v) > 1e-12, else 0
 *     f:  rbf     (e^(−2d) − e^(−2)) / (1 − e^(−2))          linear  1 − d            power  (1 − d)^5
 *         rec     1/(1 + d), min-max over all members' scores  sigmoid 1 − σ(5 (d − ½))
 *     s_i = r_i · #{v : r_i(v) ≠ 0} / Σ_v r_i(v)
 *     model score a_i = Σ_v r_i(v) / (H(p_i) + 1e-12), or 1 / (H(p_i) + 1e-12) in classification;  H: entropy in nats
 *     a_m is raised to at least Σ_{i≠m} a_i;   w = a / Σ a
 *     p ∝ w_m p_m + Σ_{i≠m} w_i p_i ⊙ s_i,   in classification Σ w_i p_i
 *
 * Generation keeps main's own distribution where its likeliest string and the fused one are prefixes of one another, or
 * where main's likeliest entry is the end. Given weights multiply a_i by N·w_i (ours; equal ones change nothing).
 *
 * The released code does not renormalise, which changes no argmax. Without a main member ("none") every member is scored
 * and none is raised or kept: our reading of a port that has such a mode [unverified].
 *
 * Shapes: the step's entries, float64; N + 1 arrays of them are kept.
 */
import { z } from "zod";
import { type AlignedStep, massOf } from "../alignments/alignment.js";
import { argmax } from "../combine.js";
import { indexOfMember, memberOption } from "../member-option.js";
import { defineRule } from "./define-rule.js";
import type { FusedValues, FusionRule } from "./rule.js";

const CORE_SCORES = ["rbf", "linear", "power", "rec", "sigmoid", "none"] as const;
export type CoreScore = (typeof CORE_SCORES)[number];
export type CoreTask = "generation" | "classification";

export interface CoreOptions {
  score: CoreScore;
  task: CoreTask;
  /** Main member's index among the voices, or -1 for none. */
  main: number;
}

const EPSILON = 1e-12;
/** Keeps the min-max of `rec` from dividing by 0, as released. */
const SMALLEST_RANGE = 1e-8;

export class CoreRule implements FusionRule {
  /** Of the last step: s_i of each member asked. */
  scores: Float64Array[] = [];
  /** Of the last step: w_i of each member asked. */
  weights: readonly number[] = [];
  /** Of the last step: what the released code's values sum to. */
  mass = 1;
  #probabilities: Float64Array = new Float64Array(0);

  constructor(private readonly options: CoreOptions) {}

  fuse(step: AlignedStep, given: readonly number[], asked: readonly number[]): FusedValues {
    const { distributions, size } = step;
    const { score, task } = this.options;
    const main = asked.indexOf(this.options.main);
    const scales = distributions.map((_, c) => 1 / massOf(step, c));
    this.#reserve(distributions.length, size);
    if (score === "none") {
      this.weights = given;
    } else {
      const sums = scoreTokens(distributions, scales, main, score, this.scores, size);
      const certainties = distributions.map((values, c) => 1 / (entropy(values, scales[c], size) + EPSILON));
      const scores = certainties.map((certainty, c) => certainty * (task === "generation" ? sums[c] : 1));
      this.weights = modelWeights(
        scores.map((value, c) => given[c] * given.length * value),
        main,
      );
    }
    const fused = this.#fuse(distributions, scales, main, size);
    if (main < 0 || task === "classification") return fused;
    const best = argmax(distributions[main], size);
    if (best !== step.endEntry && !arePrefixes(step, best, fused.best)) return fused;
    const out = this.#probabilities;
    for (let j = 0; j < size; j++) out[j] = scales[main] * distributions[main][j];
    this.mass = 1;
    return { probabilities: out, best };
  }

  #fuse(distributions: readonly Float64Array[], scales: readonly number[], main: number, size: number): FusedValues {
    const out = this.#probabilities;
    const weighsTokens = this.options.task === "generation" && this.options.score !== "none";
    out.fill(0, 0, size);
    for (const [c, values] of distributions.entries()) {
      const weight = this.weights[c] * scales[c];
      const own = this.scores[c];
      if (weighsTokens && c !== main) for (let j = 0; j < size; j++) out[j] += weight * values[j] * own[j];
      else for (let j = 0; j < size; j++) out[j] += weight * values[j];
    }
    this.mass = 0;
    for (let j = 0; j < size; j++) this.mass += out[j];
    for (let j = 0; j < size; j++) out[j] /= this.mass;
    return { probabilities: out, best: argmax(out, size) };
  }

  #reserve(members: number, size: number): void {
    if (this.#probabilities.length >= size && this.scores.length >= members) return;
    this.#probabilities = new Float64Array(size);
    this.scores = Array.from({ length: members }, () => new Float64Array(size));
  }
}

/** Writes s_i; returns Σ_v r_i(v) of each member. */
function scoreTokens(
  distributions: readonly Float64Array[],
  scales: readonly number[],
  main: number,
  score: Exclude<CoreScore, "none">,
  scores: readonly Float64Array[],
  size: number,
): number[] {
  const count = distributions.length;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < size; j++) {
    let mean = 0;
    for (let c = 0; c < count; c++) mean += scales[c] * distributions[c][j];
    mean /= count;
    for (let c = 0; c < count; c++) {
      const value = tokenScore(score, Math.abs(scales[c] * distributions[c][j] - mean));
      scores[c][j] = value;
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  const range = most - least + SMALLEST_RANGE;
  return distributions.map((values, c) => {
    const own = scores[c];
    let sum = 0;
    let nonZero = 0;
    for (let j = 0; j < size; j++) {
      const beside = main < 0 ? 0 : scales[main] * distributions[main][j];
      const isScored = scales[c] * values[j] + beside > EPSILON;
      own[j] = isScored ? (score === "rec" ? (own[j] - least) / range : own[j]) : 0;
      sum += own[j];
      if (own[j] !== 0) nonZero++;
    }
    // Members that differ by the most possible everywhere have no score; the released code divides 0 by 0 there.
    const scale = sum > 0 ? nonZero / sum : 0;
    for (let j = 0; j < size; j++) own[j] *= scale;
    return sum;
  });
}

function tokenScore(score: Exclude<CoreScore, "none">, d: number): number {
  switch (score) {
    case "rbf":
      return (Math.exp(-2 * d) - Math.exp(-2)) / (1 - Math.exp(-2));
    case "linear":
      return 1 - d;
    case "power":
      return (1 - d) ** 5;
    case "rec":
      return 1 / (1 + d);
    case "sigmoid":
      return 1 - 1 / (1 + Math.exp(-5 * (d - 0.5)));
  }
}

/** Raises main to at least the sum of the others, and normalises. All scores 0: main alone, or all alike. */
function modelWeights(scores: readonly number[], main: number): number[] {
  const raised = [...scores];
  const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
  if (main >= 0) raised[main] = Math.max(raised[main], sumOf(scores) - scores[main]);
  const sum = sumOf(raised);
  if (sum > 0) return raised.map((value) => value / sum);
  return raised.map((_, c) => (main < 0 ? 1 / raised.length : Number(c === main)));
}

/** −Σ q ln max(q, 1e-12) over the normalised entries, those of probability 0 counted as 1e-12, as released. */
function entropy(values: Float64Array, scale: number, size: number): number {
  const atZero = -EPSILON * Math.log(EPSILON);
  let sum = 0;
  for (let j = 0; j < size; j++) {
    const q = scale * values[j];
    sum += q > EPSILON ? -q * Math.log(q) : atZero;
  }
  return sum;
}

/** Whether one entry's string begins with the other's. The end begins none. */
function arePrefixes(step: AlignedStep, a: number, b: number): boolean {
  if (a === b) return true;
  if (b === step.endEntry) return false;
  const [short, long] = [step.bytesOf(a), step.bytesOf(b)].sort((x, y) => x.length - y.length);
  return short.every((byte, index) => byte === long[index]);
}

export const core = defineRule({
  name: "core",
  summary: "Weights members and strings by how far they agree with the members' mean.",
  options: z.strictObject({
    score: z
      .enum(CORE_SCORES)
      .default("rbf")
      .describe('"rbf", "linear", "power", "rec" or "sigmoid"; "none" fuses by the given weights (ablation).'),
    task: z
      .enum(["generation", "classification"])
      .default("generation")
      .describe('"generation", or "classification", which weights members but not tokens.'),
    main: z
      .union([z.literal("none"), memberOption])
      .default(0)
      .describe('The member that gets at least half of the weight, by name or index, or "none".'),
  }),
  create: ({ voices }, { score, task, main }) =>
    new CoreRule({ score, task, main: main === "none" ? -1 : indexOfMember(voices, main, "main") }),
  laws: {
    options: [{ task: "classification" }, { score: "linear" }],
    exempt: { order: "the main member counts at least as much as all others" },
  },
});
