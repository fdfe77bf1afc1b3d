/**
 * FrugalGPT: a scorer that reads the query and the answer, and the chain and thresholds that bring the most quality within a
 * budget (Chen, Zaharia and Zou, arXiv 2305.05176; see search/chain-thresholds.ts).
 *
 *     score    g(q, a) in [0, 1], the learned chance that the answer is right; kept where 1 − g < θ_i
 *     chain    every ordered choice of up to `depth` models, short chains too; dearer models come later
 *     plan     for each budget the chain and thresholds with the best mean quality on rows that the scorer has not seen
 *
 * The released code fits the scorer and the thresholds on the same rows, which promises more than it keeps, and tries chains
 * of one length only. Its scorer is a tuned DistilBERT; here it is a logistic regression on the answer's features
 * (fitting/answer-features.ts). Plans are made once for budgets from the cheapest model's cost to all models' together; at
 * other budgets the next cheaper plan is used. The completion cache and the prompt selection are not built.
 */
import { z } from "zod";
import { drawOrder } from "../../../learning/draws.js";
import { makeMatrix } from "../../../learning/matrix.js";
import { RandomGenerator } from "../../../random.js";
import type { CascadeFitData, CascadeInfo, CascadeState, CascadeStep, Knob } from "../cascade.js";
import { AnswerScorer, savedScorer } from "../fitting/answer-scorer.js";
import { type Plan, planFor, plansUnder, savedPlans } from "../fitting/plans.js";
import { answersOf, queriesOf, sampleQuality } from "../fitting/table-answers.js";
import { brief, TrainedCascade, type TrainingOptions } from "../fitting/trained-cascade.js";
import { type ChainOutcomes, gridPoints } from "../search/chain-thresholds.js";
import { CHAIN_TEXT, chainShape } from "./chain-options.js";

export const frugalGptInfo: CascadeInfo = {
  name: "frugal-gpt",
  summary: "Learns to judge answers, and the chain and thresholds that a budget allows.",
  source: "arXiv 2305.05176",
  knobs: ["budget"],
  needs: [],
  readsEmbedding: true,
  trainingFree: false,
  ends: { first: { budget: 0 } },
  options: {
    depth: "Models of a chain at most, 1 to 4. Default 3.",
    ridge: "Penalty on the scorer's coefficients, above 0. Default 1.",
    chain: CHAIN_TEXT,
  },
};

export const frugalGptOptions = z.strictObject({
  depth: z.int().min(1).max(4).default(3),
  ridge: z.number().positive().default(1),
  ...chainShape,
});

const frugalState = z.strictObject({ scorer: savedScorer.optional(), plans: savedPlans });

export class FrugalGpt extends TrainedCascade<z.infer<typeof frugalState>> {
  readonly info = frugalGptInfo;
  readonly #settings: z.output<typeof frugalGptOptions>;
  #scorer: AnswerScorer | undefined;
  #plans: Plan[] = [];

  constructor(options: z.output<typeof frugalGptOptions>) {
    super(options);
    this.#settings = options;
  }

  protected train(data: CascadeFitData, { seed }: TrainingOptions): void {
    const { table } = data;
    const asked = this.order.slice(0, -1);
    const [first, second] = halves(table.rows, seed);
    this.#scorer =
      asked.length === 0 ? undefined : AnswerScorer.fit(data, asked, { rows: first, ridge: this.#settings.ridge });
    const [answers, queries] = [answersOf(table), queriesOf(data)];
    const known = second.filter((row) => this.order.every((model) => !Number.isNaN(sampleQuality(table, row, model))));
    const rows = known.length > 0 ? known : second;
    const cost = (row: number, model: number) => (table.hasCosts ? table.cost.get(row, model) : 1);
    const distance = (row: number, model: number) => {
      return asked.includes(model) ? 1 - this.#scorer!.probability(answers[row][model], queries[row]) : 0;
    };
    const distances = rows.map((row) => table.models.map((_, model) => distance(row, model)));
    const points = chainsOf(this.order, this.#settings.depth).flatMap((chain) => {
      const outcomes: ChainOutcomes = {
        quality: makeMatrix(rows.length, chain.length),
        cost: makeMatrix(rows.length, chain.length),
        distance: makeMatrix(rows.length, chain.length),
      };
      for (const [at, row] of rows.entries()) {
        for (const [stage, model] of chain.entries()) {
          outcomes.quality.set(at, stage, sampleQuality(table, row, model));
          outcomes.cost.set(at, stage, cost(row, model));
          outcomes.distance.set(at, stage, distances[at][model]);
        }
      }
      return gridPoints(outcomes).map(({ thresholds, ...point }) => ({
        ...point,
        chain,
        thresholds: thresholds.slice(0, -1),
      }));
    });
    this.#plans = plansUnder(points);
  }

  protected decide({ query, answers }: CascadeState, { budget }: Knob): CascadeStep {
    const plan = budget === undefined ? this.#plans.at(-1)! : planFor(this.#plans, budget);
    const last = answers.length - 1;
    if (last < 0) {
      const [model] = plan.chain;
      const chain = plan.chain.map((each) => this.nameOf(each)).join(", ");
      return { stop: false, model, reason: `the plan for mean cost ${brief(plan.cost)} asks ${chain}` };
    }
    const { model } = answers[last];
    const stage = plan.chain.indexOf(model);
    const name = this.nameOf(model);
    if (stage === plan.chain.length - 1)
      return { stop: true, answer: last, reason: `${name} is the plan's last model` };
    const chance = this.#scorer!.probability(answers[last], query);
    const least = 1 - plan.thresholds[stage];
    if (1 - chance < plan.thresholds[stage]) {
      return { stop: true, answer: last, reason: `${name} is kept: score ${brief(chance)} > ${brief(least)}` };
    }
    const next = plan.chain[stage + 1];
    return {
      stop: false,
      model: next,
      reason: `${name} defers to ${this.nameOf(next)}: score ${brief(chance)} <= ${brief(least)}`,
    };
  }

  settings(): readonly Knob[] {
    return this.#plans.map(({ cost }) => ({ budget: cost }));
  }

  protected state() {
    return { ...(this.#scorer !== undefined && { scorer: this.#scorer.toJSON() }), plans: this.#plans };
  }

  protected restoreState(state: unknown): void {
    const { scorer, plans } = frugalState.parse(state);
    this.#scorer = scorer && AnswerScorer.restore(scorer);
    this.#plans = plans;
  }
}

/** Every choice of up to `depth` models in the order of the costs; the last of the chain may be any. */
function chainsOf(order: readonly number[], depth: number): number[][] {
  const chains: number[][] = [];
  const extend = (chain: readonly number[], from: number): void => {
    for (let at = from; at < order.length && chain.length < depth; at++) {
      const longer = [...chain, order[at]];
      chains.push(longer);
      extend(longer, at + 1);
    }
  };
  extend([], 0);
  return chains;
}

/** Rows for the scorer and for the thresholds; of a single row both. */
function halves(rows: number, seed: number): [number[], number[]] {
  const order = Array.from(drawOrder(new RandomGenerator(seed), rows));
  const middle = Math.ceil(rows / 2);
  return [order.slice(0, middle), rows === 1 ? order : order.slice(middle)];
}
