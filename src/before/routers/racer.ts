/**
 * Conformal sets of models (RACER: Hao, Zeng, Wei and Jing, arXiv 2603.06616; from its summary).
 *
 *     C_λ(x) = { m : s_m(x) ≥ λ }                                  nested: a larger λ, a smaller set
 *     L_i(λ) = 1[some model is right on x_i, and none in C_λ(x_i)]
 *     λ̂ = sup { λ : (Σ_i L_i(λ) + 1) / (n + 1) ≤ α }               over n held-out queries
 *
 * so that on queries like those in the table the set misses with probability at most α: that is conformal risk control,
 * of two bounds for which the paper's summary leaves room. The set may be empty: then no model is trusted, and the best
 * one is named all the same. Its models answer together, votes weighted by s_m.
 *
 * Ours: s_m from logistic heads on embeddings; a query that no model answers correctly counts as no loss, because no set could help
 * it; λ̂ is at most the largest s on held-out queries. With too few of them for α every model is in the set. The
 * knob threshold takes the place of λ̂.
 */
import { z } from "zod";
import { makeMatrix, rowOf, selectRows } from "../../learning/matrix.js";
import { riskControlledThreshold } from "../../learning/risk-control.js";
import { best } from "../allocation/choose.js";
import { holdOut } from "../fitting/hold-out.js";
import { SuccessHeads, savedHeads } from "../fitting/success-heads.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import { majorityRight } from "../fitting/votes.js";
import type { Choice, Estimate, FitData, Knob, Query, RouterInfo } from "../router.js";

export const racerInfo: RouterInfo = {
  name: "racer",
  summary: "The smallest set of models, with a bound on the probability that it misses every right model.",
  source: "arXiv 2603.06616",
  knobs: ["threshold"],
  options: {
    alpha: "α: highest allowed probability that the set misses. Default 0.1.",
    heldOut: "Share of the queries held out to calibrate on. Default 0.3.",
  },
};

export const racerOptions = z.strictObject({
  alpha: z.number().gt(0).lt(1).default(0.1),
  heldOut: z.number().min(0.05).max(0.9).default(0.3),
});

type RacerOptions = z.output<typeof racerOptions>;

/** Scores are probabilities: from here on every model is in the set. */
const EVERY_MODEL = 0;

const racerState = z.strictObject({ heads: savedHeads, threshold: z.number() });

export class RacerRouter extends TrainedRouter<z.infer<typeof racerState>> {
  readonly info = racerInfo;
  readonly #settings: RacerOptions;
  #heads!: SuccessHeads;
  /** λ̂ */
  #threshold = EVERY_MODEL;

  constructor(options: RacerOptions) {
    super(options);
    this.#settings = options;
  }

  protected async train({ table, embeddings }: FitData, training: TrainingOptions): Promise<void> {
    const models = table.models.length;
    const labels = makeMatrix(table.rows, models);
    for (let row = 0; row < table.rows; row++) {
      for (let model = 0; model < models; model++) labels.set(row, model, majorityRight(table, row, model));
    }
    const { fitted, held } = holdOut(labels, this.#settings.heldOut, training.seed);
    const fitRows = [selectRows(embeddings, fitted), selectRows(labels, fitted)] as const;
    this.#heads = await SuccessHeads.fit(...fitRows, {}, training);
    let largest = EVERY_MODEL;
    const breaks = held.map((row) => {
      const scores = this.#heads.predict(rowOf(embeddings, row));
      largest = Math.max(largest, ...scores);
      // The set loses its last right model where λ passes the largest score of one.
      const right = Array.from(scores).filter((_, model) => labels.get(row, model) === 1);
      return right.length > 0 ? Math.max(...right) : Number.POSITIVE_INFINITY;
    });
    const threshold = riskControlledThreshold(breaks, this.#settings.alpha);
    this.#threshold = Math.min(largest, Math.max(EVERY_MODEL, threshold));
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.#heads.predict(embedding);
  }

  override choose({ quality, cost }: Estimate, { threshold = this.#threshold }: Knob): Choice {
    const order = Array.from(quality.keys()).sort((a, b) => quality[b] - quality[a] || cost[a] - cost[b] || a - b);
    const members = order.filter((model) => quality[model] >= threshold);
    if (members.length === 0) return { members: [best(cost, (model) => quality[model])], abstain: true };
    return members.length === 1 ? { members } : { members, votes: members.map((model) => quality[model]) };
  }

  protected state() {
    return { heads: this.#heads.toJSON(), threshold: this.#threshold };
  }

  protected restoreState(state: unknown): void {
    const { heads, threshold } = racerState.parse(state);
    this.#heads = SuccessHeads.restore(heads);
    this.#threshold = threshold;
  }
}
