/**
 * Hybrid LLM: send a query to the small model where it is likely to do as well as the large one (Ding and others, arXiv
 * 2404.14618; code in microsoft/best-route-llm).
 *
 *     H(x) = q(S(x)) − q(L(x))                                         S small (weak), L large (strong)
 *     det    y = 1[H ≥ 0], first sample of each
 *     prob   y = Pr[H ≥ 0], over all pairs of sampled answers
 *     trans  y(t) = Pr[H ≥ −t];  t* = argmax_t N⁻² Σ_ij |y_i(t) − y_j(t)|, the smallest among equals
 *     p_w(x) = σ(β₀ + βᵀx), binary cross-entropy on the soft y;  small where p_w ≥ τ′
 *
 * q is BARTScore in the paper and the table's quality here; the DeBERTa encoder is a logistic head on embeddings. The
 * labels are checked against the released code, which is given t (default 0) and never computes t*; its definition, the
 * choice of τ′ on 500 queries and the encoder are from memory, unverified. Ours: t* is looked for on 101 values from 0 to the
 * largest −H. Without several samples a model, `prob` is `det`.
 *
 * The knob is the threshold τ of the pair routers (large where its score 1 − p_w > τ), so τ′ = 1 − τ; default 0.5. Of a
 * table with more models the others take no part.
 */
import { z } from "zod";
import { LogisticRegression, savedLogistic } from "../../learning/logistic-regression.js";
import { type ModelPair, pairOf, pairQuality } from "../fitting/model-pair.js";
import { TrainedRouter } from "../fitting/trained-router.js";
import type { Choice, Estimate, FitData, Knob, Query, RouterInfo } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";

export const hybridLlmInfo: RouterInfo = {
  name: "hybrid-llm",
  summary: "Picks the small model when it is likely to do as well as the large one.",
  source: "arXiv 2404.14618",
  knobs: ["threshold"],
  options: {
    variant: "Labels: det, prob or trans. Default trans.",
    strong: "The large model. Default: the best on average.",
    weak: "The small model. Default: the cheapest other one; without costs the worst on average.",
    t: "trans: a fixed t, as in the released code. Default: t*.",
  },
};

export const hybridLlmOptions = z.strictObject({
  variant: z.enum(["det", "prob", "trans"]).default("trans"),
  strong: z.string().optional(),
  weak: z.string().optional(),
  t: z.number().min(0).optional(),
});

type HybridLlmOptions = z.output<typeof hybridLlmOptions>;

const hybridLlmState = z.strictObject({
  strong: z.int().min(0),
  weak: z.int().min(0),
  t: z.number(),
  head: savedLogistic,
});

/** Values of t that are tried between 0 and the largest gap. */
const STEPS = 100;

export class HybridLlmRouter extends TrainedRouter<z.infer<typeof hybridLlmState>> {
  readonly info = hybridLlmInfo;
  readonly #settings: HybridLlmOptions;
  #pair!: ModelPair;
  #t = 0;
  #head!: LogisticRegression;

  constructor(options: HybridLlmOptions) {
    super(options);
    this.#settings = options;
  }

  protected train({ table, embeddings }: FitData): void {
    const { variant, t } = this.#settings;
    this.#pair = pairOf(table, this.#settings);
    const samples = table.queries.map((_, row) => ({
      small: qualitiesOf(table, row, this.#pair.weak),
      large: qualitiesOf(table, row, this.#pair.strong),
    }));
    this.#t = variant === "trans" ? (t ?? bestGap(samples, gapsOf(samples)).t) : 0;
    const label = variant === "det" ? firstMatches : matchProbability;
    const labels = samples.map((sample) => label(sample, this.#t));
    this.#head = LogisticRegression.fit(embeddings, labels, { standardise: false, tolerance: 1e-5 });
  }

  protected predict({ embedding }: Query): Float64Array {
    return pairQuality(this.models.length, this.#pair, 1 - this.#head.probability(embedding));
  }

  override choose({ quality }: Estimate, { threshold = 0.5 }: Knob): Choice {
    const { strong, weak } = this.#pair;
    return { members: [quality[weak] >= 1 - threshold ? weak : strong] };
  }

  protected state() {
    return { ...this.#pair, t: this.#t, head: this.#head.toJSON() };
  }

  protected restoreState(state: unknown): void {
    const { strong, weak, t, head } = hybridLlmState.parse(state);
    this.#pair = { strong, weak };
    this.#t = t;
    this.#head = LogisticRegression.restore(head);
  }
}

/** The qualities of the sampled answers of both models to one query. */
export interface SampledPair {
  small: readonly number[];
  large: readonly number[];
}

/** det: 1[q(S) ≥ q(L) − t] of the first samples; NaN where one is missing. */
export function firstMatches({ small, large }: SampledPair, t: number): number {
  return small.length === 0 || large.length === 0 ? Number.NaN : Number(small[0] >= large[0] - t);
}

/** prob, trans: the share of sample pairs with q(S) ≥ q(L) − t; NaN where a model has none. */
export function matchProbability({ small, large }: SampledPair, t: number): number {
  let matches = 0;
  for (const s of small) for (const l of large) matches += Number(s >= l - t);
  return matches / (small.length * large.length);
}

/** N⁻² Σ_ij |y_i(t) − y_j(t)| for each t, and t*. Queries without samples are left out. */
export function bestGap(samples: readonly SampledPair[], candidates: readonly number[]) {
  const known = samples.filter(({ small, large }) => small.length > 0 && large.length > 0);
  const objective = candidates.map((t) => {
    const labels = Float64Array.from(known, (sample) => matchProbability(sample, t)).sort();
    // Σ_ij |y_i − y_j| = 2 Σ_r (2r + 1 − N) y_(r) over the sorted labels, r from 0.
    let sum = 0;
    for (const [rank, label] of labels.entries()) sum += 2 * (2 * rank + 1 - labels.length) * label;
    return sum / labels.length ** 2;
  });
  const largest = Math.max(...objective);
  // Labels are sums of shares: what differs by rounding alone is equal.
  const best = objective.findIndex((value) => value >= largest - 1e-12);
  return { objective, t: candidates[best] };
}

function gapsOf(samples: readonly SampledPair[]): number[] {
  let most = 0;
  for (const { small, large } of samples) {
    if (small.length > 0 && large.length > 0) most = Math.max(most, Math.max(...large) - Math.min(...small));
  }
  return Array.from({ length: STEPS + 1 }, (_, step) => (most * step) / STEPS);
}

function qualitiesOf(table: OutcomeTable, row: number, model: number): readonly number[] {
  const cell = row * table.models.length + model;
  const quality = table.sampleQuality?.[cell] ?? [table.quality.data[cell]];
  return quality.filter((each) => !Number.isNaN(each));
}
