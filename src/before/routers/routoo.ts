/**
 * Routoo: predict how well each model would do, then buy as much of it as the budget allows (Mohammadshahi, Shaikh and
 * Yazdani, arXiv 2401.13979; no code in reach, from the paper's summaries and memory, unverified).
 *
 *     predictor   ŝ_m(x) = P(m answers x rightly)
 *     selector    argmax ŝ − λ ĉ, or the best ŝ within a budget a query ("lagrangian");
 *                 or argmax ŝ / ĉ of those within the budget ("ratio")
 *     pool        models chosen once to complement each other (select-pool.ts)
 *
 * The paper's predictor is a tuned 7B decoder with a learned token for each model; here a logistic head a model on
 * embeddings, cross-entropy alike. A budget over many queries together is what the router `forc` solves.
 */
import { z } from "zod";
import { best, chooseByKnob } from "../allocation/choose.js";
import { selectPool } from "../allocation/select-pool.js";
import { SuccessHeads, savedHeads } from "../fitting/success-heads.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { Choice, Estimate, FitData, Knob, Query, RouterInfo } from "../router.js";

export const routooInfo: RouterInfo = {
  name: "routoo",
  summary: "Picks by predicted success within a budget, from a pool of models that complement each other.",
  source: "arXiv 2401.13979",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    selector: "lagrangian, or ratio: the most success per cost that the budget allows. Default lagrangian.",
    pool: "How many models to keep. Default: all.",
  },
};

export const routooOptions = z.strictObject({
  selector: z.enum(["lagrangian", "ratio"]).default("lagrangian"),
  pool: z.int().min(1).optional(),
});

type RoutooOptions = z.output<typeof routooOptions>;

const routooState = z.strictObject({ heads: savedHeads, pool: z.array(z.int().min(0)).min(1) });

export class RoutooRouter extends TrainedRouter<z.infer<typeof routooState>> {
  readonly info = routooInfo;
  readonly #settings: RoutooOptions;
  /** Of the pool's models, in its order. */
  #heads!: SuccessHeads;
  /** Columns, rising. */
  #pool: number[] = [];

  constructor(options: RoutooOptions) {
    super(options);
    this.#settings = options;
  }

  protected async train({ table, embeddings }: FitData, training: TrainingOptions): Promise<void> {
    const names = selectPool(table, this.#settings.pool ?? table.models.length);
    this.#pool = names.map((name) => table.column(name)).sort((a, b) => a - b);
    const labels = table.selectModels(this.#pool.map((column) => table.models[column])).quality;
    this.#heads = await SuccessHeads.fit(embeddings, labels, {}, training);
  }

  /** ŝ of the pool's models; 0 for the others, which are never chosen. */
  protected predict({ embedding }: Query): Float64Array {
    const scores = new Float64Array(this.models.length);
    for (const [place, score] of this.#heads.predict(embedding).entries()) scores[this.#pool[place]] = score;
    return scores;
  }

  override choose(estimate: Estimate, knob: Knob): Choice {
    const quality = Float64Array.from(this.#pool, (model) => estimate.quality[model]);
    const cost = Float64Array.from(this.#pool, (model) => estimate.cost[model]);
    const { members } = chooseByKnob({ quality, cost }, knob);
    const { budget } = knob;
    const isRatio = this.#settings.selector === "ratio" && budget !== undefined;
    const ratio = (place: number) => (cost[place] <= budget! ? quality[place] / cost[place] : -1);
    return { members: [this.#pool[isRatio ? best(cost, ratio) : members[0]]] };
  }

  protected state() {
    return { heads: this.#heads.toJSON(), pool: this.#pool };
  }

  protected restoreState(state: unknown): void {
    const { heads, pool } = routooState.parse(state);
    this.#heads = SuccessHeads.restore(heads);
    this.#pool = pool;
  }
}
