/**
 * Bench-CoE: a collaboration of experts, trained on benchmarks (Wang and others, arXiv 2412.04167; the released code).
 *
 *     query     ŷ_m(x) → the multi-hot correctness y_m(x), by mean squared error (the survey's table says cross-entropy);
 *               argmax_m ŷ_m(x)
 *     subject   P(s | x) of the query's subject, by cross-entropy; ŝ = argmax_s; then the model that is best in ŝ
 *
 * The released subject table is written by hand; here it is each model's mean quality on the training queries of the
 * subject, ties to the cheaper model. The released router is a tuned BERT that keeps the best of its validation epochs;
 * here linear models on embeddings. It is also fitted on the queries that it is evaluated on (its "naive" row); nothing here is.
 *
 * Subjects are the table's, else its data sets, else (ours) ten clusters of the embeddings.
 */
import { z } from "zod";
import { argmax, type Matrix, makeMatrix, rowOf } from "../../learning/matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "../../learning/packed-numbers.js";
import { RidgeRegression, savedRidge } from "../../learning/ridge-regression.js";
import { SoftmaxRegression, savedSoftmax } from "../../learning/softmax-regression.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { FitData, Query, RouterInfo } from "../router.js";
import { groupQuality, subjectsOf } from "../table/row-groups.js";

export const benchCoeInfo: RouterInfo = {
  name: "bench-coe",
  summary: "Predicts the expert for the query, or for its subject.",
  source: "arXiv 2412.04167",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    level:
      "query: each model's success by squared error; subject: the best model of the predicted subject. Default query.",
    ridge: "query: ρ of the regression. Default 1.",
  },
};

export const benchCoeOptions = z.strictObject({
  level: z.enum(["query", "subject"]).default("query"),
  ridge: z.number().min(0).default(1),
});

type BenchCoeOptions = z.output<typeof benchCoeOptions>;

const queryState = z.strictObject({ regression: savedRidge });
const subjectState = z.strictObject({
  classifier: savedSoftmax,
  subjects: z.array(z.string()).min(1),
  /** subjects × models: mean quality. */
  quality: packedNumbers,
});

/** The level's learned part. */
interface Expertise {
  predict(embedding: Float64Array): Float64Array;
  toJSON(): z.infer<typeof queryState> | z.infer<typeof subjectState>;
}

export class BenchCoeRouter extends TrainedRouter {
  readonly info = benchCoeInfo;
  readonly #settings: BenchCoeOptions;
  #expertise!: Expertise;

  constructor(options: BenchCoeOptions) {
    super(options);
    this.#settings = options;
  }

  protected train(data: FitData, { seed }: TrainingOptions): void {
    const { level, ridge } = this.#settings;
    if (level === "query") {
      this.#expertise = queryExpertise(RidgeRegression.fit(data.embeddings, data.table.quality, { ridge }));
      return;
    }
    const names = subjectsOf(data, seed);
    const subjects = Array.from(new Set(names)).sort();
    const targets = makeMatrix(names.length, subjects.length);
    for (const [row, name] of names.entries()) targets.set(row, subjects.indexOf(name), 1);
    const options = { standardise: false, tolerance: 1e-5, maxIterations: 100 };
    const classifier = SoftmaxRegression.fit(data.embeddings, targets, options);
    this.#expertise = subjectExpertise(classifier, subjects, groupQuality(data.table, names, subjects));
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.#expertise.predict(embedding);
  }

  protected state() {
    return this.#expertise.toJSON();
  }

  protected restoreState(state: unknown): void {
    if (this.#settings.level === "query") {
      this.#expertise = queryExpertise(RidgeRegression.restore(queryState.parse(state).regression));
      return;
    }
    const { classifier, subjects, quality } = subjectState.parse(state);
    this.#expertise = subjectExpertise(SoftmaxRegression.restore(classifier), subjects, unpackMatrix(quality));
  }
}

function queryExpertise(regression: RidgeRegression): Expertise {
  return {
    predict: (embedding) => regression.predict(embedding),
    toJSON: () => ({ regression: regression.toJSON() }),
  };
}

function subjectExpertise(classifier: SoftmaxRegression, subjects: string[], quality: Matrix): Expertise {
  return {
    predict: (embedding) => Float64Array.from(rowOf(quality, argmax(classifier.probabilities(embedding)))),
    toJSON: () => ({ classifier: classifier.toJSON(), subjects, quality: packMatrix(quality) }),
  };
}
