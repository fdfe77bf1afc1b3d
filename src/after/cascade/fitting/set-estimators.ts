/**
 * Every model's quality on a query, before any has answered and after each set of answers:
 *
 *     before   q̂_m(x): the model's mean quality, or logistic regressions on the query's embedding where there is one
 *     after S  q̂_m(x, S): a logistic regression for every model m and set S of answers, on the estimates from before, the
 *              learned chance of each answer (answer-scorer.ts), and which answers are equal as texts
 *     σ²       of q̂_m(x, S) − q̂_m(x, all answers) over the training rows, at least 1e-6
 *
 * The answers' chances are learned on one half of the rows, drawn by the seed, and the rest on the other half. Models are named by
 * their places in the chain.
 */
import { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import { drawOrder } from "../../../learning/draws.js";
import { LogisticRegression, savedLogistic } from "../../../learning/logistic-regression.js";
import { matrixOf, meanOf } from "../../../learning/matrix.js";
import { RandomGenerator } from "../../../random.js";
import type { CascadeAnswer, CascadeFitData, CascadeQuery } from "../cascade.js";
import { AnswerScorer, savedScorer } from "./answer-scorer.js";
import { answersOf, queriesOf, sampleQuality } from "./table-answers.js";

const LEAST_VARIANCE = 1e-6;

export const savedEstimators = z.strictObject({
  /** Columns of the chain. */
  chain: z.array(z.int().min(0)).min(1),
  scorer: savedScorer.optional(),
  before: z.array(z.union([z.number(), savedLogistic])),
  /** By set of answers (bits, by place in the chain), then by place: the estimator and its σ². */
  after: z.record(z.string(), z.array(z.strictObject({ estimator: savedLogistic, variance: z.number() }))),
});

interface Estimator {
  regression: LogisticRegression;
  variance: number;
}

/** By place in the chain. */
export interface SetEstimate {
  quality: number[];
  variance: number[];
}

export class SetEstimators {
  private constructor(
    private readonly chain: readonly number[],
    private readonly scorer: AnswerScorer | undefined,
    private readonly before: readonly (number | LogisticRegression)[],
    private readonly after: Map<number, Estimator[]>,
  ) {}

  static fit(
    data: CascadeFitData,
    chain: readonly number[],
    { ridge, seed }: { ridge: number; seed: number },
  ): SetEstimators {
    const { table, embeddings } = data;
    const rows = Array.from(drawOrder(new RandomGenerator(seed), table.rows));
    const middle = Math.ceil(rows.length / 2);
    const [first, second] = [rows.slice(0, middle), rows.length === 1 ? rows : rows.slice(middle)];
    const [answers, queries] = [answersOf(table), queriesOf(data)];
    const labels = (of: readonly number[], model: number) => of.map((row) => sampleQuality(table, row, model));
    const before = chain.map((model) => {
      const known = labels(first, model);
      if (embeddings === undefined || known.every(Number.isNaN)) return meanOf(labels(rows, model));
      return LogisticRegression.fit(matrixOf(first.map((row) => queries[row].embedding!)), known, { ridge });
    });
    const made = new SetEstimators(chain, scorerOf(table, chain, first, ridge), before, new Map());
    const answersIn = (set: number, row: number) => placesOf(set, chain).map((place) => answers[row][chain[place]]);
    const sets = Array.from({ length: 2 ** chain.length - 1 }, (_, set) => set + 1);
    for (const set of sets) {
      const x = matrixOf(second.map((row) => made.#inputs(queries[row], answersIn(set, row))));
      const estimators = chain.map((model, place) => {
        const known = labels(second, model);
        // Without any label in this half, what was known before.
        const label = known.every(Number.isNaN) ? second.map((row) => made.#beforeOf(queries[row])[place]) : known;
        return { regression: LogisticRegression.fit(x, label, { ridge }), variance: 0 };
      });
      made.after.set(set, estimators);
    }
    const estimates = (set: number) => second.map((row) => made.estimate(queries[row], answersIn(set, row)).quality);
    const settled = estimates(sets.length);
    for (const set of sets) {
      const open = estimates(set);
      for (const [place, estimator] of made.after.get(set)!.entries()) {
        const moves = open.map((quality, at) => quality[place] - settled[at][place]);
        estimator.variance = Math.max(LEAST_VARIANCE, varianceOf(moves));
      }
    }
    return made;
  }

  /** `answers` in the order of the chain. Error: invalid-option without the embedding that it was fitted on. */
  estimate(query: CascadeQuery, answers: readonly CascadeAnswer[]): SetEstimate {
    if (answers.length === 0) {
      // What is not known yet moves by as much as the first answer alone leaves open.
      return { quality: this.#beforeOf(query), variance: this.after.get(1)!.map(({ variance }) => variance) };
    }
    const set = answers.reduce((bits, { model }) => bits | (1 << this.chain.indexOf(model)), 0);
    const inputs = this.#inputs(query, answers);
    const estimators = this.after.get(set)!;
    return {
      quality: estimators.map(({ regression }) => regression.probability(inputs)),
      variance: estimators.map(({ variance }) => variance),
    };
  }

  toJSON(): z.infer<typeof savedEstimators> {
    const after = Array.from(this.after, ([set, estimators]) => [
      String(set),
      estimators.map(({ regression, variance }) => ({ estimator: regression.toJSON(), variance })),
    ]);
    return {
      chain: [...this.chain],
      ...(this.scorer !== undefined && { scorer: this.scorer.toJSON() }),
      before: this.before.map((each) => (typeof each === "number" ? each : each.toJSON())),
      after: Object.fromEntries(after),
    };
  }

  static restore({ chain, scorer, before, after }: z.infer<typeof savedEstimators>): SetEstimators {
    return new SetEstimators(
      chain,
      scorer && AnswerScorer.restore(scorer),
      before.map((each) => (typeof each === "number" ? each : LogisticRegression.restore(each))),
      new Map(
        Object.entries(after).map(([set, estimators]) => [
          Number(set),
          estimators.map(({ estimator, variance }) => ({
            regression: LogisticRegression.restore(estimator),
            variance,
          })),
        ]),
      ),
    );
  }

  /** Estimates from before, chances of the answers, equal pairs. */
  #inputs(query: CascadeQuery, answers: readonly CascadeAnswer[]): number[] {
    const chances = answers.map((answer) => this.scorer?.probability(answer, query) ?? 0);
    const equal = answers.flatMap((a, at) =>
      answers.slice(at + 1).map((b) => Number(a.text !== undefined && a.text.trim() === b.text?.trim())),
    );
    return [...this.#beforeOf(query), ...chances, ...equal];
  }

  #beforeOf({ embedding }: CascadeQuery): number[] {
    return this.before.map((each) => {
      if (typeof each === "number") return each;
      if (embedding !== undefined) return each.probability(embedding);
      const message = "This cascade was fitted on embeddings of the queries; give the query's embedding.";
      throw new LlamafuseError("invalid-option", message);
    });
  }
}

/** Undefined where the table shows nothing of the answers but whether they are equal. */
function scorerOf(
  table: CascadeFitData["table"],
  chain: readonly number[],
  rows: readonly number[],
  ridge: number,
): AnswerScorer | undefined {
  try {
    return AnswerScorer.fit({ table }, chain, { rows, ridge });
  } catch (error) {
    if (error instanceof LlamafuseError && error.code === "invalid-data") return undefined;
    throw error;
  }
}

/** The places whose bits are set, rising. */
function placesOf(set: number, chain: readonly number[]): number[] {
  return Array.from(chain.keys()).filter((place) => (set >> place) & 1);
}

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return meanOf(values.map((value) => (value - mean) ** 2));
}
