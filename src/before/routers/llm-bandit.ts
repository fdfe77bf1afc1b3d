/**
 * LLM Bandit: models as vectors of abilities, and a preference between quality and cost given with the query (Li, arXiv
 * 2502.02743; from its summaries, unverified; the same predictor is IRT-Router's MIRT).
 *
 *     P(m | x) = σ(a(x)ᵀθ_m − b(x)),   θ_m the model's identity vector;  see learning/item-response.ts
 *     decision under the preference ω:  argmax_m ω P(m | x) − (1 − ω) ĉ_m / max ĉ
 *
 * The paper learns a stochastic policy π(m | x, ω, models) with a set transformer, first on pairs, then by PPO on the reward
 * ω score − (1 − ω) cost. With a table of outcomes the reward of every model can be estimated, and the decision
 * above is the policy that is greedy in it; PPO is left out. The paper's dimension is not in reach; all defaults are ours.
 *
 * A model that the table has not seen joins after a quiz of 20 to 50 queries: `quizQueries` names those that tell most about
 * a new model, `withModel` reads its answers.
 */
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { abilityFrom, ItemResponse, informativeItems, savedItemResponse } from "../../learning/item-response.js";
import { meanOf, rowOf } from "../../learning/matrix.js";
import { pauseFit } from "../fitting/fit-steps.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { FitData, Query, RouterInfo } from "../router.js";
import { Costs } from "../table/costs.js";

export const llmBanditInfo: RouterInfo = {
  name: "llm-bandit",
  summary: "Matches abilities of models to demands of queries, under a preference for quality or cost.",
  source: "arXiv 2502.02743",
  knobs: ["preference", "lambda", "threshold", "budget"],
  options: {
    dimension: "Abilities per model. Default 16.",
    epochs: "Passes over the queries. Default 10.",
    ridge: "ρ: ridge of the map from embeddings to demands. Default 5.",
  },
};

export const llmBanditOptions = z.strictObject({
  dimension: z.int().min(1).default(16),
  epochs: z.int().min(1).default(10),
  ridge: z.number().min(0).default(5),
});

type LlmBanditOptions = z.output<typeof llmBanditOptions>;

export class LlmBanditRouter extends TrainedRouter<z.infer<typeof savedItemResponse>> {
  readonly info = llmBanditInfo;
  readonly #settings: LlmBanditOptions;
  #theory!: ItemResponse;

  constructor(options: LlmBanditOptions) {
    super(options);
    this.#settings = options;
  }

  /** Which of these queries (rows, the most telling first) to try a new model on. Default 30 of them. */
  quizQueries({ embeddings }: Pick<FitData, "embeddings">, count = 30): number[] {
    const items = Array.from({ length: embeddings.shape[0] }, (_, row) => this.#theory.itemOf(rowOf(embeddings, row)));
    const { abilities } = this.#theory;
    const typical = Float64Array.from({ length: abilities.shape[1] }, (_, j) =>
      meanOf(Array.from({ length: abilities.shape[0] }, (_, m) => abilities.get(m, j))),
    );
    return informativeItems(items, count, typical);
  }

  /**
   * This router with one model more: the first of the table, of which only this column and the queries are read. Errors:
   * invalid-option for a model that is there already, invalid-data for a table without its outcomes or embeddings.
   */
  withModel({ table, embeddings }: Pick<FitData, "table" | "embeddings">): LlmBanditRouter {
    const [model] = table.models;
    if (this.models.includes(model)) {
      throw new LlamafuseError(
        "invalid-option",
        `This router has a model ${model} already. Fit it again, or rename it.`,
        {
          found: model,
        },
      );
    }
    const rows = Array.from(table.queries.keys()).filter((row) => !Number.isNaN(table.quality.get(row, 0)));
    if (rows.length === 0) {
      const message = `${table.name}: the model ${model} has no quality in any row. Add its outcomes.`;
      throw new LlamafuseError("invalid-data", message, { table: table.name, model });
    }
    const items = rows.map((row) => this.#theory.itemOf(rowOf(embeddings, row)));
    const answers = rows.map((row) => table.quality.get(row, 0));
    const theory = this.#theory.withTaker(abilityFrom(items, answers, this.#theory.abilities.shape[1]));
    const saved = this.toJSON();
    const router = new LlmBanditRouter(this.#settings);
    const costs = [...saved.costs, ...Costs.fit(table.selectModels([model])).lines];
    router.restore({ ...saved, models: [...saved.models, model], costs, state: theory.toJSON() });
    return router;
  }

  protected async train({ table, embeddings }: FitData, training: TrainingOptions): Promise<void> {
    this.#theory = await ItemResponse.fit(embeddings, table.quality, {
      ...this.#settings,
      seed: training.seed,
      onEpoch: (epoch) => pauseFit(training, (epoch + 1) / this.#settings.epochs),
    });
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.#theory.probabilities(embedding);
  }

  protected state() {
    return this.#theory.toJSON();
  }

  protected restoreState(state: unknown): void {
    this.#theory = ItemResponse.restore(savedItemResponse.parse(state));
  }
}
