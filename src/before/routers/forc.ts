/**
 * FORC: a meta-model predicts which models will succeed, and queries are assigned within a budget (Šakota, Peyrard and West,
 * arXiv 2308.06077; epfl-dlab/forc).
 *
 *     v_m(x) = P(m answers x rightly), cross-entropy;   c_m(x): what it will cost
 *
 * The paper's meta-model is a tuned DistilBERT that reads the query (and, from memory, a model's token); here it is a
 * logistic head a model on embeddings. Its costs are one blended price a token times prompt and mean answer; see costs.ts.
 *
 * One query at a time, `decide` is the paper's performance strategy without a knob; its threshold strategy (v > τ, strictly;
 * see assignment.ts) with `threshold`; its integer programme's price of cost with `lambda`; with `budget`, the best
 * model that one query's budget pays. Queries that are known together share a budget in `assign`, which has every strategy.
 */
import { z } from "zod";
import { makeMatrix, rowOf } from "../../learning/matrix.js";
import {
  type Assignment,
  assignBest,
  assignByThreshold,
  assignGreedily,
  assignOptimally,
  assignSingle,
  byThreshold,
  type IlpGoal,
  type ThresholdRule,
} from "../allocation/assignment.js";
import { chooseByKnob } from "../allocation/choose.js";
import { SuccessHeads, savedHeads } from "../fitting/success-heads.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { Choice, Estimate, FitData, Knob, Query, RouterInfo } from "../router.js";

export const forcInfo: RouterInfo = {
  name: "forc",
  summary: "Assigns models to many queries within one budget, by predicted success.",
  source: "arXiv 2308.06077",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    prefer: "With a threshold: take the cheapest or the biggest model above it. Default cheapest.",
    fallback: "When no model is above the threshold: biggest, cheapest, or a model's name. Default biggest.",
  },
};

export const forcOptions = z.strictObject({
  prefer: z.enum(["cheapest", "biggest"]).default("cheapest"),
  fallback: z.string().default("biggest"),
});

type ForcOptions = z.output<typeof forcOptions>;

/** What `assign` is to reach. `model` is a name. */
export type AssignmentPlan =
  | { strategy: "single"; model: string }
  | { strategy: "performance" }
  | ({ strategy: "threshold" } & Pick<ThresholdRule, "threshold">)
  | { strategy: "greedy"; budget: number; compat?: boolean }
  | ({ strategy: "ilp" } & IlpGoal);

export interface NamedAssignment extends Omit<Assignment, "models"> {
  /** The model of each query; undefined where it is unserved. */
  models: (string | undefined)[];
}

export class ForcRouter extends TrainedRouter<z.infer<typeof savedHeads>> {
  readonly info = forcInfo;
  readonly #settings: ForcOptions;
  #heads!: SuccessHeads;

  constructor(options: ForcOptions) {
    super(options);
    this.#settings = options;
  }

  /**
   * Models for queries that share a budget. Errors: those of `score`, invalid-option for a goal out of reach.
   *
   * ```ts
   * const { models, cost } = router.assign(queries, { strategy: "ilp", budget: 20 });
   * ```
   */
  assign(queries: readonly Query[], plan: AssignmentPlan): NamedAssignment {
    const width = this.models.length;
    const estimates = { quality: makeMatrix(queries.length, width), cost: makeMatrix(queries.length, width) };
    for (const [row, query] of queries.entries()) {
      const { quality, cost } = this.score(query);
      rowOf(estimates.quality, row).set(quality);
      rowOf(estimates.cost, row).set(cost);
    }
    const assigned = (): Assignment => {
      switch (plan.strategy) {
        case "single":
          return assignSingle(estimates, this.column(plan.model));
        case "performance":
          return assignBest(estimates);
        case "threshold":
          return assignByThreshold(estimates, this.#ruleAt(plan.threshold));
        case "greedy":
          return assignGreedily(estimates, plan.budget, plan);
        case "ilp":
          return assignOptimally(estimates, plan);
      }
    };
    const { models, ...totals } = assigned();
    return { models: Array.from(models, (model) => this.models[model]), ...totals };
  }

  protected async train({ table, embeddings }: FitData, training: TrainingOptions): Promise<void> {
    const { fallback } = this.#settings;
    if (fallback !== "biggest" && fallback !== "cheapest") table.column(fallback);
    this.#heads = await SuccessHeads.fit(embeddings, table.quality, {}, training);
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.#heads.predict(embedding);
  }

  override choose(estimate: Estimate, knob: Knob): Choice {
    if (knob.threshold === undefined) return chooseByKnob(estimate, knob);
    return { members: [byThreshold(estimate.quality, estimate.cost, this.#ruleAt(knob.threshold))] };
  }

  protected state() {
    return this.#heads.toJSON();
  }

  protected restoreState(state: unknown): void {
    this.#heads = SuccessHeads.restore(savedHeads.parse(state));
  }

  #ruleAt(threshold: number | undefined): ThresholdRule {
    const { prefer, fallback } = this.#settings;
    const isRule = fallback === "biggest" || fallback === "cheapest";
    return { threshold, prefer, fallback: isRule ? fallback : this.column(fallback) };
  }
}
