/**
 * MetaLLM: a contextual bandit over models (Nguyen and others, arXiv 2407.10834; mail-research/MetaLLM-wrapper).
 *
 *     r = quality − p · price_m / max price
 *     argmax_m θ_mᵀx + α √(xᵀ A_m⁻¹ x)              LinUCB with an arm a model, see learning/lin-ucb.ts
 *
 * A price is the model's mean cost. The published run has α = 0, γ = 1, p = 0 and no updates after a warm start in which
 * every arm sees every row: a frozen ridge policy (λ = 12.94). `feedback: "bandit"` learns from the table as a bandit
 * would: row by row, from the outcome of the model that it chose. `update` continues to learn either way. The
 * paper's other form, least squares offline, is the first without λ.
 *
 * Ours: the context is the embedding in its leading principal components (A has d² numbers, and what λ means depends on d),
 * scaled to length 1, and a constant; the released code takes 4,096 numbers of e5-mistral as they come. Its evaluation
 * divides by the number of queries twice; the report here does not.
 */
import { z } from "zod";
import { LinUcb, type LinUcbOptions, savedLinUcb } from "../../learning/lin-ucb.js";
import { argmax, type Matrix, makeMatrix, rowOf, unitVector } from "../../learning/matrix.js";
import { PrincipalComponents, savedComponents } from "../../learning/principal-components.js";
import { withoutPairs } from "../fitting/feedback.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { FitData, Query, RouterFeedback, RouterInfo } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";

export const metaLlmInfo: RouterInfo = {
  name: "meta-llm",
  summary: "A bandit that learns each model's reward; learns online.",
  source: "arXiv 2407.10834",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    alpha: "α: bonus for uncertainty, which favours models tried less. Default 0.",
    lambda: "λ: the ridge. Default 12.94.",
    gamma: "γ: share of the past that each update keeps, above 0 and at most 1. Default 1.",
    price: "p: reward subtracted for the most expensive model; cheaper ones lose in proportion. Default 0.",
    dimension: "Principal components of the embedding. Default 64.",
    feedback: "full: fit every model on every row; bandit: fit only the chosen model. Default full.",
  },
};

export const metaLlmOptions = z.strictObject({
  alpha: z.number().min(0).default(0),
  lambda: z.number().positive().default(12.94),
  gamma: z.number().gt(0).max(1).default(1),
  price: z.number().min(0).default(0),
  dimension: z.int().min(1).default(64),
  feedback: z.enum(["full", "bandit"]).default("full"),
});

type MetaLlmOptions = z.output<typeof metaLlmOptions>;

const metaLlmState = z.strictObject({
  components: savedComponents,
  arms: savedLinUcb,
  /** price_m / max price */
  prices: z.array(z.number()),
});

export class MetaLlmRouter extends TrainedRouter<z.infer<typeof metaLlmState>> {
  readonly info = metaLlmInfo;
  readonly #settings: MetaLlmOptions;
  #components!: PrincipalComponents;
  #bandit!: LinUcb;
  #prices: number[] = [];

  constructor(options: MetaLlmOptions) {
    super(options);
    this.#settings = options;
  }

  protected train({ table, embeddings }: FitData, { seed }: TrainingOptions): void {
    this.#prices = relativePrices(table);
    this.#components = PrincipalComponents.fit(embeddings, this.#settings.dimension, seed);
    const contexts = this.#contextsOf(embeddings);
    const rewards = makeMatrix(table.rows, table.models.length);
    for (let at = 0; at < rewards.data.length; at++) {
      rewards.data[at] = this.#reward(table.quality.data[at], at % table.models.length);
    }
    this.#bandit =
      this.#settings.feedback === "full"
        ? LinUcb.warm(contexts, rewards, this.#settings)
        : playBandit(contexts, rewards, this.#settings);
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.#bandit.scores(this.#contextOf(embedding));
  }

  /** What came of asking one model. Errors: invalid-option for an unknown model, or a comparison of two. */
  update(feedback: RouterFeedback): void {
    const { query, model, quality } = withoutPairs(feedback, this.info.name);
    const arm = this.column(model);
    this.#bandit.update(arm, this.#contextOf(query.embedding), this.#reward(quality, arm));
  }

  protected state() {
    return { components: this.#components.toJSON(), arms: this.#bandit.toJSON(), prices: this.#prices };
  }

  protected restoreState(state: unknown): void {
    const { components, arms, prices } = metaLlmState.parse(state);
    this.#components = PrincipalComponents.restore(components);
    this.#bandit = LinUcb.restore(arms, this.#settings);
    this.#prices = prices;
  }

  #reward(quality: number, model: number): number {
    return quality - this.#settings.price * this.#prices[model];
  }

  /** The projection at length 1, then 1. */
  #contextOf(embedding: ArrayLike<number>): Float64Array {
    return Float64Array.of(...unitVector(this.#components.transform(embedding)), 1);
  }

  #contextsOf(embeddings: Matrix): Matrix {
    const contexts = makeMatrix(embeddings.shape[0], this.#components.count + 1);
    for (let row = 0; row < embeddings.shape[0]; row++) {
      rowOf(contexts, row).set(this.#contextOf(rowOf(embeddings, row)));
    }
    return contexts;
  }
}

/** price_m / max price, a price being a model's mean cost; 0 each where the table has no costs. */
function relativePrices(table: OutcomeTable): number[] {
  const means = Array.from(table.meansOf(table.cost), (mean) => (Number.isNaN(mean) ? 0 : mean));
  const dearest = Math.max(...means) || 1;
  return means.map((mean) => mean / dearest);
}

/** Row by row, of the models whose outcome is known the one with the best score. */
export function playBandit(contexts: Matrix, rewards: Matrix, options: LinUcbOptions): LinUcb {
  const bandit = new LinUcb(rewards.shape[1], contexts.shape[1], options);
  for (let row = 0; row < rewards.shape[0]; row++) {
    const x = rowOf(contexts, row);
    const known = rowOf(rewards, row);
    const arm = argmax(bandit.scores(x).map((score, m) => (Number.isNaN(known[m]) ? Number.NaN : score)));
    if (arm >= 0) bandit.update(arm, x, known[arm]);
  }
  // From the sums alone, as a saved router starts: rounding in the running inverse is left behind.
  return LinUcb.restore(bandit.toJSON(), options);
}
