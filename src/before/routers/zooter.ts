/**
 * Zooter: a router distilled from rewards (Lu and others, arXiv 2311.08692; no code in reach).
 *
 *     r^tag_m(x) = mean over x's tags of the mean reward of m on the training queries with that tag
 *     r′ = β r + (1 − β) r^tag                                    β = 0.3
 *     minimise KL(softmax(r′ / T) ‖ softmax(B x + b));            q̂ = softmax(B x + b)
 *
 * The rewards are the table's qualities (a reward model's scores in the paper), the tags its tags (InsTagger's in the
 * paper), and the router a multinomial logistic regression on embeddings (mDeBERTa in the paper). β and all of this are
 * from the paper's summaries and memory, unverified. No cost plays a part; the knobs weigh the model probabilities q̂.
 *
 * Ours: rewards are standardised for each query before anything else (mean 0, deviation 1 over the models; ties stay 0),
 * because their scale alone decides how sharp the targets are; `compat` takes them raw. A missing reward is the mean of
 * its tags. Without tags the data sets stand in, or clusters of the embeddings.
 */
import { z } from "zod";
import { type Matrix, makeMatrix, meanOf, rowOf } from "../../learning/matrix.js";
import { SoftmaxRegression, savedSoftmax, softmax } from "../../learning/softmax-regression.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { FitData, Query, RouterInfo } from "../router.js";
import { tagsOf } from "../table/row-groups.js";

export const zooterInfo: RouterInfo = {
  name: "zooter",
  summary: "Distils rewards, smoothed over tags, into model probabilities.",
  source: "arXiv 2311.08692",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    beta: "β: weight of a query's own reward; its tags' mean reward gets the rest. Default 0.3.",
    temperature: "T of the targets. Default 1.",
    compat: "Use raw rewards instead of standardising them for each query. Default false.",
  },
};

export const zooterOptions = z.strictObject({
  beta: z.number().min(0).max(1).default(0.3),
  temperature: z.number().positive().default(1),
  compat: z.boolean().default(false),
});

/** Less is the rounding of equal rewards. */
const LEAST_DEVIATION = 1e-9;

type ZooterOptions = z.output<typeof zooterOptions>;

export class ZooterRouter extends TrainedRouter<z.infer<typeof savedSoftmax>> {
  readonly info = zooterInfo;
  readonly #settings: ZooterOptions;
  #student!: SoftmaxRegression;

  constructor(options: ZooterOptions) {
    super(options);
    this.#settings = options;
  }

  protected train(data: FitData, { seed }: TrainingOptions): void {
    const { beta, temperature, compat } = this.#settings;
    const rewards = compat ? data.table.quality : standardised(data.table.quality);
    const smoothed = tagSmoothed(rewards, tagsOf(data, seed), beta);
    const targets = makeMatrix(smoothed.shape[0], smoothed.shape[1]);
    for (let row = 0; row < targets.shape[0]; row++) {
      rowOf(targets, row).set(softmax(rowOf(smoothed, row), temperature));
    }
    this.#student = SoftmaxRegression.fit(data.embeddings, targets, {
      standardise: false,
      tolerance: 1e-5,
      maxIterations: 50,
    });
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.#student.probabilities(embedding);
  }

  protected state() {
    return this.#student.toJSON();
  }

  protected restoreState(state: unknown): void {
    this.#student = SoftmaxRegression.restore(savedSoftmax.parse(state));
  }
}

/** r′, rows × models. rewards: NaN where missing; tags: of each row. A row without tags has the mean of all rows. */
export function tagSmoothed(rewards: Matrix, tags: readonly (readonly string[])[], beta: number): Matrix {
  const [rows, models] = rewards.shape;
  const byTag = new Map<string, number[]>();
  for (const [row, names] of tags.entries()) {
    for (const tag of names) {
      const members = byTag.get(tag);
      if (members === undefined) byTag.set(tag, [row]);
      else members.push(row);
    }
  }
  const meansOver = (members: readonly number[]) =>
    Float64Array.from({ length: models }, (_, m) => meanOf(members.map((row) => rewards.data[row * models + m])));
  const everywhere = meansOver(Array.from({ length: rows }, (_, row) => row));
  const tagMeans = new Map(
    Array.from(byTag, ([tag, members]) => [
      tag,
      meansOver(members).map((mean, m) => (Number.isNaN(mean) ? everywhere[m] : mean)),
    ]),
  );
  const smoothed = makeMatrix(rows, models);
  for (let row = 0; row < rows; row++) {
    const means = tags[row].map((tag) => tagMeans.get(tag)!);
    for (let m = 0; m < models; m++) {
      const tagged = means.length === 0 ? everywhere[m] : meanOf(means.map((mean) => mean[m]));
      const own = rewards.data[row * models + m];
      smoothed.data[row * models + m] = beta * (Number.isNaN(own) ? tagged : own) + (1 - beta) * tagged;
    }
  }
  return smoothed;
}

/** Each row's known rewards with mean 0 and standard deviation 1; 0 where they are all the same. */
function standardised(rewards: Matrix): Matrix {
  const [rows, models] = rewards.shape;
  const result = makeMatrix(rows, models);
  for (let row = 0; row < rows; row++) {
    const values = rowOf(rewards, row);
    const mean = meanOf(values);
    const deviation = Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
    rowOf(result, row).set(
      values.map((value) => (deviation > LEAST_DEVIATION ? (value - mean) / deviation : value - mean)),
    );
  }
  return result;
}
