/**
 * Cascade routing: after every answer the best set of models to have asked is looked for anew, so models may be passed over and
 * any answer may be kept (Dekoninck, Baader and Vechev, arXiv 2410.10347; see search/supermodels.ts, and
 * fitting/set-estimators.ts for what is learned).
 *
 * The released estimators are separate regressions for every set as well, on class probabilities and divergences; its covariance
 * is of all models together, here models are taken as independent. A budget is met by the λ with the best mean quality of those
 * whose mean cost on the training rows is within it.
 */
import { z } from "zod";
import { upperHull } from "../../../before/evaluation/curve.js";
import { LlamafuseError } from "../../../errors.js";
import { argmax, meanOf } from "../../../learning/matrix.js";
import type { CascadeFitData, CascadeInfo, CascadeState, CascadeStep, Knob } from "../cascade.js";
import { runOnRow } from "../evaluation/walk.js";
import { planFor } from "../fitting/plans.js";
import { type SetEstimate, SetEstimators, savedEstimators } from "../fitting/set-estimators.js";
import { queriesOf } from "../fitting/table-answers.js";
import { brief, TrainedCascade, type TrainingOptions } from "../fitting/trained-cascade.js";
import { expectedMax } from "../search/expected-max.js";
import { nextModel } from "../search/supermodels.js";
import { CHAIN_TEXT, chainShape } from "./chain-options.js";

export const cascadeRoutingInfo: CascadeInfo = {
  name: "cascade-routing",
  summary:
    "Looks after every answer for the best set of models to have asked; may pass models over and keep any answer.",
  source: "arXiv 2410.10347",
  knobs: ["lambda", "budget"],
  needs: [],
  readsEmbedding: true,
  trainingFree: false,
  ends: { first: { lambda: Number.POSITIVE_INFINITY } },
  options: {
    ridge: "Penalty on the estimators' coefficients, above 0. Default 1.",
    chain: `${CHAIN_TEXT} At most 6.`,
  },
};

export const cascadeRoutingOptions = z.strictObject({ ridge: z.number().positive().default(1), ...chainShape });

/** Sets of answers double with every model. */
const MOST_MODELS = 6;
/** λ from 1e-4 to 10, in units of quality per cost of the cheapest model. */
const STEPS = 30;

const routingState = z.strictObject({
  estimators: savedEstimators,
  /** By rising λ: what the training rows cost and bring on average. */
  prices: z.array(z.strictObject({ lambda: z.number(), cost: z.number(), quality: z.number() })),
});

export class CascadeRouting extends TrainedCascade<z.infer<typeof routingState>> {
  readonly info = cascadeRoutingInfo;
  readonly #ridge: number;
  #estimators!: SetEstimators;
  #prices: z.infer<typeof routingState>["prices"] = [];

  constructor(options: z.output<typeof cascadeRoutingOptions>) {
    super(options);
    this.#ridge = options.ridge;
  }

  /** An earlier answer may turn out the better one. */
  override alwaysKeeps(): boolean {
    return this.order.length === 1;
  }

  protected train(data: CascadeFitData, { seed }: TrainingOptions): void {
    const { length } = this.order;
    if (length > MOST_MODELS) {
      const message = `cascade-routing weighs every set of models, and ${length} are too many; at most ${MOST_MODELS}. Name them with chain, or leave models out.`;
      throw new LlamafuseError("invalid-data", message, { found: length, allowed: MOST_MODELS });
    }
    this.#estimators = SetEstimators.fit(data, this.order, { ridge: this.#ridge, seed });
    const unit = Math.min(...this.order.map((model) => this.costs[model]).filter((cost) => cost > 0), 1e12);
    const lambdas = Array.from({ length: STEPS + 1 }, (_, step) => 10 ** (-4 + (5 * step) / STEPS) / unit);
    const queries = queriesOf(data);
    this.#prices = [0, ...lambdas].map((lambda) => {
      const results = queries.map((query, row) => runOnRow(this, data.table, row, query, { lambda }));
      const known = results.filter(({ quality, cost }) => !Number.isNaN(quality + cost));
      return {
        lambda,
        cost: meanOf(known.map(({ cost }) => cost)),
        quality: meanOf(known.map((each) => each.quality)),
      };
    });
  }

  protected decide({ query, answers }: CascadeState, knob: Knob): CascadeStep {
    const lambda = knob.lambda ?? (knob.budget === undefined ? 0 : this.#lambdaFor(knob.budget));
    const inOrder = answers.toSorted((a, b) => this.order.indexOf(a.model) - this.order.indexOf(b.model));
    const estimate = this.#estimators.estimate(query, inOrder);
    const told = (place: number) => `${this.nameOf(this.order[place])} (estimate ${brief(estimate.quality[place])})`;
    const answered = inOrder.map(({ model }) => this.order.indexOf(model));
    const place = this.#nextPlace(answered, estimate, lambda);
    if (place !== undefined) {
      const done = answered.length === 0 ? "" : `${answered.map(told).join(", ")} answered; `;
      const reason = `${done}${told(place)} is worth asking at λ ${brief(lambda)}`;
      return { stop: false, model: this.order[place], reason };
    }
    const kept = answered[argmax(answered.map((each) => estimate.quality[each]))];
    const answer = answers.findIndex(({ model }) => model === this.order[kept]);
    return {
      stop: true,
      answer,
      reason: `${told(kept)} is kept: no other model is worth asking at λ ${brief(lambda)}`,
    };
  }

  #nextPlace(answered: readonly number[], { quality, variance }: SetEstimate, lambda: number): number | undefined {
    if (lambda === Number.POSITIVE_INFINITY) return answered.length === 0 ? 0 : undefined;
    if (answered.length === this.order.length) return undefined;
    const cost = this.order.map((model) => this.costs[model]);
    const highest = (places: readonly number[]) =>
      expectedMax(
        places.map((each) => quality[each]),
        places.map((each) => variance[each]),
      );
    return nextModel({ quality, cost, answered, expectedMax: highest }, { lambda });
  }

  #lambdaFor(budget: number): number {
    const isPaid = this.#prices.some(({ cost }) => cost <= budget);
    return isPaid ? planFor(upperHull(this.#prices), budget).lambda : Number.POSITIVE_INFINITY;
  }

  settings(): readonly Knob[] {
    return [...this.#prices.map(({ lambda }) => ({ lambda })), { lambda: Number.POSITIVE_INFINITY }];
  }

  protected state() {
    return { estimators: this.#estimators.toJSON(), prices: this.#prices };
  }

  protected restoreState(state: unknown): void {
    const { estimators, prices } = routingState.parse(state);
    this.#estimators = SetEstimators.restore(estimators);
    this.#prices = prices;
  }
}
