/**
 * Cascade routing: after every answer the best set of models to have asked is looked for anew, so models may be passed over and
 * any answer may be kept (Dekoninck, Baader and Vechev, arXiv 2410.10347; see search/supermodels.ts).
 *
 *     before   q̂_m(x): the model's mean quality, or logistic regressions on the query's embedding where there is one
 *     after S  q̂_m(x, S): a logistic regression for every model m and set S of answers, on the estimates from before, the
 *              learned chance of each answer (fitting/answer-scorer.ts), and which answers are equal as texts
 *     σ²       of q̂_m(x, S) − q̂_m(x, all answers) over the training rows, at least 1e-6; models are taken as independent
 *
 * The released estimators are separate regressions for every set as well, on class probabilities and divergences; its covariance
 * is of all models together. Here the answers' chances are learned on one half of the rows and the rest on the other half.
 * A budget is met by the λ with the best mean quality of those whose mean cost on the training rows is within it.
 */
import { z } from "zod";
import { upperHull } from "../../../before/evaluation/curve.js";
import { LlamafuseError } from "../../../errors.js";
import { drawOrder } from "../../../learning/draws.js";
import { LogisticRegression, savedLogistic } from "../../../learning/logistic-regression.js";
import { argmax, matrixOf, meanOf } from "../../../learning/matrix.js";
import { RandomGenerator } from "../../../random.js";
import type {
  CascadeAnswer,
  CascadeFitData,
  CascadeInfo,
  CascadeQuery,
  CascadeState,
  CascadeStep,
  Knob,
} from "../cascade.js";
import { runOnRow } from "../evaluation/walk.js";
import { AnswerScorer, savedScorer } from "../fitting/answer-scorer.js";
import { planFor } from "../fitting/plans.js";
import { answersOf, queriesOf, sampleQuality } from "../fitting/table-answers.js";
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

export const cascadeRoutingOptions = z.strictObject({
  ridge: z.number().positive().default(1),
  chain: chainShape.chain,
});

/** Sets of answers double with every model. */
const MOST_MODELS = 6;
const LEAST_VARIANCE = 1e-6;
/** λ between the price at which nothing dear is asked and a ten-thousandth of it. */
const STEPS = 30;

const routingState = z.strictObject({
  scorer: savedScorer.optional(),
  before: z.array(z.union([z.number(), savedLogistic])),
  /** By set of answers (bits, by place in the chain), then by place: the estimator and its σ². */
  after: z.record(z.string(), z.array(z.strictObject({ estimator: savedLogistic, variance: z.number() }))),
  /** By rising λ: what the training rows cost and bring on average. */
  prices: z.array(z.strictObject({ lambda: z.number(), cost: z.number(), quality: z.number() })),
});

interface Estimator {
  regression: LogisticRegression;
  variance: number;
}

export class CascadeRouting extends TrainedCascade {
  readonly info = cascadeRoutingInfo;
  readonly #ridge: number;
  #scorer: AnswerScorer | undefined;
  #before: (number | LogisticRegression)[] = [];
  #after = new Map<number, Estimator[]>();
  #prices: { lambda: number; cost: number; quality: number }[] = [];

  constructor(options: z.output<typeof cascadeRoutingOptions>) {
    super(options);
    this.#ridge = options.ridge;
  }

  /** An earlier answer may turn out the better one. */
  override alwaysKeeps(): boolean {
    return this.order.length === 1;
  }

  protected train(data: CascadeFitData, { seed }: TrainingOptions): void {
    const { table, embeddings } = data;
    const { length } = this.order;
    if (length > MOST_MODELS) {
      const message = `cascade-routing weighs every set of models, and ${length} are too many; at most ${MOST_MODELS}. Name them with chain, or leave models out.`;
      throw new LlamafuseError("invalid-data", message, { found: length, allowed: MOST_MODELS });
    }
    const rows = Array.from(drawOrder(new RandomGenerator(seed), table.rows));
    const middle = table.rows === 1 ? 1 : Math.ceil(rows.length / 2);
    const [first, second] = [rows.slice(0, middle), table.rows === 1 ? rows : rows.slice(middle)];
    const [answers, queries] = [answersOf(table), queriesOf(data)];
    const label = (row: number, place: number) => sampleQuality(table, row, this.order[place]);
    this.#before = this.order.map((model, place) => {
      const labels = first.map((row) => label(row, place));
      if (embeddings === undefined) return meanOf(table.queries.map((_, row) => label(row, place)));
      if (labels.every(Number.isNaN)) return this.#meanQuality(data, model);
      return LogisticRegression.fit(matrixOf(first.map((row) => queries[row].embedding!)), labels, {
        ridge: this.#ridge,
      });
    });
    this.#scorer = this.#scorerOf(data, first);
    this.#after = new Map();
    const everySet = Array.from({ length: 2 ** length - 1 }, (_, set) => set + 1);
    const inputs = (set: number) =>
      matrixOf(
        second.map((row) =>
          this.#inputs(
            queries[row],
            placesOf(set).map((place) => answers[row][this.order[place]]),
          ),
        ),
      );
    const whole = 2 ** length - 1;
    for (const set of everySet.toReversed()) {
      const x = inputs(set);
      this.#after.set(
        set,
        this.order.map((_, place) => {
          const labels = second.map((row) => label(row, place));
          const known = labels.every(Number.isNaN) ? labels.map(() => 0.5) : labels;
          return { regression: LogisticRegression.fit(x, known, { ridge: this.#ridge }), variance: 0 };
        }),
      );
    }
    const moved = (set: number) =>
      second.map(
        (row) =>
          this.#estimates(
            queries[row],
            placesOf(set).map((place) => answers[row][this.order[place]]),
          ).quality,
      );
    const settled = moved(whole);
    for (const set of everySet) {
      const estimates = moved(set);
      for (const [place, estimator] of this.#after.get(set)!.entries()) {
        const moves = estimates.map((quality, at) => quality[place] - settled[at][place]);
        estimator.variance = Math.max(LEAST_VARIANCE, varianceOf(moves));
      }
    }
    this.#priceList(data);
  }

  /** Mean costs of the training rows at every λ of the grid. */
  #priceList(data: CascadeFitData): void {
    const costs = this.order.map((model) => this.costs[model]);
    const least = Math.min(...costs.slice(1).map((cost, at) => cost - costs[at] * 0.5), ...costs) || 1;
    const lambdas = Array.from(
      { length: STEPS + 1 },
      (_, step) => 10 ** (-4 + (5 * step) / STEPS) / Math.max(least, 1e-12),
    );
    const queries = queriesOf(data);
    this.#prices = [0, ...lambdas].map((lambda) => {
      const results = queries.map((query, row) => runOnRow(this, data.table, row, query, { lambda }));
      const known = results.filter(({ quality }) => !Number.isNaN(quality));
      const quality = meanOf(known.map((result) => result.quality));
      return { lambda, cost: meanOf(known.map(({ cost }) => cost)), quality };
    });
  }

  #meanQuality({ table }: CascadeFitData, model: number): number {
    return meanOf(table.queries.map((_, row) => sampleQuality(table, row, model)));
  }

  /** Undefined where the table shows nothing of the answers but whether they are equal. */
  #scorerOf(data: CascadeFitData, rows: readonly number[]): AnswerScorer | undefined {
    try {
      return AnswerScorer.fit({ table: data.table }, this.order, { rows, ridge: this.#ridge });
    } catch (error) {
      if (error instanceof LlamafuseError && error.code === "invalid-data") return undefined;
      throw error;
    }
  }

  /** Estimates from before, chances of the answers, equal pairs; `answers` by place in the chain. */
  #inputs(query: CascadeQuery, answers: readonly CascadeAnswer[]): number[] {
    const chances = answers.map((answer) => this.#scorer?.probability(answer, query) ?? 0);
    const equal = answers.flatMap((a, at) =>
      answers.slice(at + 1).map((b) => Number(a.text !== undefined && a.text.trim() === b.text?.trim())),
    );
    return [...this.#beforeOf(query), ...chances, ...equal];
  }

  #beforeOf({ embedding }: CascadeQuery): number[] {
    return this.#before.map((each) => {
      if (typeof each === "number") return each;
      if (embedding !== undefined) return each.probability(embedding);
      throw new LlamafuseError(
        "invalid-option",
        "This cascade-routing cascade was fitted on embeddings; give the query's embedding.",
      );
    });
  }

  /** `answers` by place in the chain. */
  #estimates(query: CascadeQuery, answers: readonly CascadeAnswer[]): { quality: number[]; variance: number[] } {
    if (answers.length === 0) {
      // What is not known yet moves by as much as the first answer alone leaves open.
      const variance = this.order.map((_, place) => this.#after.get(1)![place].variance);
      return { quality: this.#beforeOf(query), variance };
    }
    const set = answers.reduce((bits, { model }) => bits | (1 << this.order.indexOf(model)), 0);
    const inputs = this.#inputs(query, answers);
    const estimators = this.#after.get(set)!;
    return {
      quality: estimators.map(({ regression }) => regression.probability(inputs)),
      variance: estimators.map(({ variance }) => variance),
    };
  }

  protected decide({ query, answers }: CascadeState, knob: Knob): CascadeStep {
    const lambda = knob.lambda ?? (knob.budget === undefined ? 0 : this.#lambdaFor(knob.budget));
    const inOrder = answers.toSorted((a, b) => this.order.indexOf(a.model) - this.order.indexOf(b.model));
    const { quality, variance } = this.#estimates(query, inOrder);
    const told = (place: number) => `${this.nameOf(this.order[place])} (estimate ${brief(quality[place])})`;
    const answered = inOrder.map(({ model }) => this.order.indexOf(model));
    const place = this.#nextPlace(answered, quality, variance, lambda);
    if (place !== undefined) {
      const done = answered.length === 0 ? "" : `${answered.map(told).join(", ")} answered; `;
      return {
        stop: false,
        model: this.order[place],
        reason: `${done}${told(place)} is worth asking at λ ${brief(lambda)}`,
      };
    }
    const kept = answered[argmax(answered.map((each) => quality[each]))];
    const answer = answers.findIndex(({ model }) => model === this.order[kept]);
    return {
      stop: true,
      answer,
      reason: `${told(kept)} is kept: no other model is worth asking at λ ${brief(lambda)}`,
    };
  }

  #nextPlace(answered: readonly number[], quality: number[], variance: number[], lambda: number): number | undefined {
    if (lambda === Number.POSITIVE_INFINITY) return answered.length === 0 ? 0 : undefined;
    if (answered.length === this.order.length) return undefined;
    return nextModel(
      {
        quality,
        cost: this.order.map((model) => this.costs[model]),
        answered,
        expectedMax: (places) =>
          expectedMax(
            places.map((each) => quality[each]),
            places.map((each) => variance[each]),
          ),
      },
      { lambda },
    );
  }

  /** The λ of the best mean quality on the training rows whose mean cost is within the budget. */
  #lambdaFor(budget: number): number {
    return this.#prices.some(({ cost }) => cost <= budget)
      ? planFor(upperHull(this.#prices), budget).lambda
      : Number.POSITIVE_INFINITY;
  }

  settings(): readonly Knob[] {
    return [...this.#prices.map(({ lambda }) => ({ lambda })), { lambda: Number.POSITIVE_INFINITY }];
  }

  protected state() {
    const after = Array.from(this.#after, ([set, estimators]) => [
      String(set),
      estimators.map(({ regression, variance }) => ({ estimator: regression.toJSON(), variance })),
    ]);
    return {
      ...(this.#scorer !== undefined && { scorer: this.#scorer.toJSON() }),
      before: this.#before.map((each) => (typeof each === "number" ? each : each.toJSON())),
      after: Object.fromEntries(after),
      prices: this.#prices,
    };
  }

  protected restoreState(state: unknown): void {
    const { scorer, before, after, prices } = routingState.parse(state);
    this.#scorer = scorer && AnswerScorer.restore(scorer);
    this.#before = before.map((each) => (typeof each === "number" ? each : LogisticRegression.restore(each)));
    this.#after = new Map(
      Object.entries(after).map(([set, estimators]) => [
        Number(set),
        estimators.map(({ estimator, variance }) => ({ regression: LogisticRegression.restore(estimator), variance })),
      ]),
    );
    this.#prices = prices;
  }
}

/** The places whose bits are set, rising. */
function placesOf(set: number): number[] {
  return Array.from({ length: MOST_MODELS }, (_, place) => place).filter((place) => (set >> place) & 1);
}

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return meanOf(values.map((value) => (value - mean) ** 2));
}
