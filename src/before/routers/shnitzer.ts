/**
 * Routing with benchmark datasets (Shnitzer and others, arXiv 2309.15789; no code was released).
 *
 *     ĝ_m(x)  = mean outcome of m over the k training queries nearest to x (cosine)
 *     S1(m)   = 1/n Σ_i ĝ_m(x_i)                               for a task of n queries
 *     S2(m)   = 1/n Σ_i 1[ĝ_m(x_i) > t]
 *     S3(m)   = S2(m) p_m + (1 − S2(m)) (1 − p_m)              p_m = p_m(u): how often 1[ĝ_m > t] is right on such a task
 *     u       = 1/n Σ_i mean of (1 − cosine) over the κ nearest training queries of x_i
 *
 * p_m(u) is a Gaussian kernel smoother over the training data sets d, each left out in turn: points (u_d, how often the
 * predictor of the other sets is right on d). Where all models score alike, the best on average decides. The kNN predictor
 * and its results are from the paper's summaries; S2, S3, the smoother, t = 0.5 and k = 5 from memory, unverified.
 *
 * Ours: κ = 5; the bandwidth is the median |u_d − u_e|; p_m is kept at 0.5 or above, because below it S3 would rank a model
 * higher the less the predictor thinks of it (`compat` lifts that); `decide` takes a single query for a task (S1 is then
 * the paper's routing by instance), `scoreTask` several; data sets larger than their share of 1,000 queries are sampled
 * when left out.
 */
import { z } from "zod";
import { drawOrder } from "../../learning/draws.js";
import { type Matrix, makeMatrix, matrixOf, rowOf } from "../../learning/matrix.js";
import { NearestNeighbours } from "../../learning/nearest-neighbours.js";
import { packedNumbers, packMatrix, unpackMatrix } from "../../learning/packed-numbers.js";
import { RandomGenerator } from "../../random.js";
import { pauseFit } from "../fitting/fit-steps.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import { RIGHT } from "../fitting/votes.js";
import type { FitData, Query, RouterInfo } from "../router.js";
import { datasetsOf } from "../table/row-groups.js";
import { neighbourMeans } from "./knn.js";

export const shnitzerInfo: RouterInfo = {
  name: "shnitzer",
  summary: "Nearest benchmark queries, and an estimate of how far to trust them on a new task (S1, S2, S3).",
  source: "arXiv 2309.15789",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    score: "Score that ranks the models: s1, s2 or s3. Default s3.",
    k: "Neighbours of the predictor. Default 5.",
    threshold: "t: predict that a model is right above this. Default 0.5.",
    kappa: "Neighbours that measure a query's distance from the training data. Default 5.",
    bandwidth: "Bandwidth of the kernel over task distances. Default: the median difference between data sets.",
    compat: "Let p fall below 0.5, as written. Default false.",
  },
};

export const shnitzerOptions = z.strictObject({
  score: z.enum(["s1", "s2", "s3"]).default("s3"),
  k: z.int().min(1).default(5),
  threshold: z.number().min(0).max(1).default(0.5),
  kappa: z.int().min(1).default(5),
  bandwidth: z.number().positive().optional(),
  compat: z.boolean().default(false),
});

type ShnitzerOptions = z.output<typeof shnitzerOptions>;

/** Queries that stand for all left-out data sets together: each is a scan over the training data. */
const MOST_LEFT_OUT = 1000;

const shnitzerState = z.strictObject({
  neighbours: packedNumbers,
  quality: packedNumbers,
  means: z.array(z.number()),
  /** u_d */
  distances: z.array(z.number()),
  /** data sets × models; NaN where a model has no outcome there. */
  accuracies: packedNumbers,
});

export class ShnitzerRouter extends TrainedRouter<z.infer<typeof shnitzerState>> {
  readonly info = shnitzerInfo;
  readonly #settings: ShnitzerOptions;
  #neighbours!: NearestNeighbours;
  #quality!: Matrix;
  #means!: Float64Array;
  #distances: number[] = [];
  #accuracies: Matrix = makeMatrix(0, 0);

  constructor(options: ShnitzerOptions) {
    super(options);
    this.#settings = options;
  }

  /** The score of every model on a task: S1, S2 or S3 over all its queries, on which the best model is chosen once. */
  scoreTask(embeddings: readonly ArrayLike<number>[]): Float64Array {
    const { k, kappa, score, threshold } = this.#settings;
    const s1 = new Float64Array(this.models.length);
    const s2 = new Float64Array(this.models.length);
    let distance = 0;
    for (const embedding of embeddings) {
      const { indices, similarities } = this.#neighbours.search(embedding, Math.max(k, kappa));
      const near = neighbourMeans(this.#quality, indices.subarray(0, k), this.#means);
      distance += 1 - meanOfFirst(similarities, kappa);
      for (const [model, mean] of near.entries()) {
        s1[model] += mean / embeddings.length;
        s2[model] += Number(mean > threshold) / embeddings.length;
      }
    }
    const s3 = () => {
      const trust = this.#trust(distance / embeddings.length);
      return s2.map((share, model) => share * trust[model] + (1 - share) * (1 - trust[model]));
    };
    const scores = score === "s1" ? s1 : score === "s2" ? s2 : s3();
    return scores.every((each) => each === scores[0]) ? this.#means : scores;
  }

  protected async train(data: FitData, training: TrainingOptions): Promise<void> {
    const { table, embeddings } = data;
    this.#neighbours = NearestNeighbours.fit(embeddings);
    this.#quality = table.quality;
    this.#means = table.meansOf(table.quality);
    this.#distances = [];
    if (this.#settings.score !== "s3") return;
    const names = datasetsOf(data, training.seed);
    const datasets = Array.from(new Set(names));
    const random = new RandomGenerator(training.seed);
    const accuracies: Float64Array[] = [];
    for (const [index, dataset] of datasets.entries()) {
      const rows = Array.from(names.keys()).filter((row) => names[row] === dataset);
      const order = drawOrder(random, rows.length).subarray(0, Math.ceil(MOST_LEFT_OUT / datasets.length));
      const outside = names.map((name) => name !== dataset);
      const { distance, accuracy } = this.#leaveOut(
        embeddings,
        Array.from(order, (place) => rows[place]),
        outside,
      );
      this.#distances.push(distance);
      accuracies.push(accuracy);
      await pauseFit(training, (index + 1) / datasets.length);
    }
    this.#accuracies = matrixOf(accuracies);
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.scoreTask([embedding]);
  }

  protected state() {
    return {
      neighbours: this.#neighbours.toJSON(),
      quality: packMatrix(this.#quality),
      means: Array.from(this.#means),
      distances: this.#distances,
      accuracies: packMatrix(this.#accuracies),
    };
  }

  protected restoreState(state: unknown): void {
    const { neighbours, quality, means, distances, accuracies } = shnitzerState.parse(state);
    this.#neighbours = NearestNeighbours.restore(neighbours);
    this.#quality = unpackMatrix(quality);
    this.#means = Float64Array.from(means);
    this.#distances = distances;
    this.#accuracies = unpackMatrix(accuracies);
  }

  /** How far rows of a data set are from all others, and how often the others tell what each model does with them. */
  #leaveOut(embeddings: Matrix, rows: readonly number[], outside: readonly boolean[]) {
    const { k, kappa, threshold } = this.#settings;
    const right = new Float64Array(this.models.length);
    const known = new Float64Array(this.models.length);
    let distance = 0;
    for (const row of rows) {
      const all = this.#neighbours.similarities(rowOf(embeddings, row));
      const nearest = largestWhere(all, outside, Math.max(k, kappa));
      const near = neighbourMeans(this.#quality, nearest.subarray(0, k), this.#means);
      distance +=
        1 -
        meanOfFirst(
          Float64Array.from(nearest, (index) => all[index]),
          kappa,
        );
      for (const [model, outcome] of rowOf(this.#quality, row).entries()) {
        if (Number.isNaN(outcome)) continue;
        known[model]++;
        right[model] += Number(near[model] > threshold === outcome >= RIGHT);
      }
    }
    return { distance: distance / rows.length, accuracy: right.map((count, model) => count / known[model]) };
  }

  /** p_m(u) of every model. */
  #trust(distance: number): Float64Array {
    const width = this.#settings.bandwidth ?? medianDifference(this.#distances);
    const gaps = this.#distances.map((each) => (width > 0 ? ((each - distance) / width) ** 2 : 0));
    // Relative to the nearest data set, so that a task far from all still has weights.
    const least = Math.min(...gaps);
    const kernel = gaps.map((gap) => Math.exp((least - gap) / 2));
    return Float64Array.from(this.models, (_, model) => {
      let [sum, total] = [0, 0];
      for (const [dataset, weight] of kernel.entries()) {
        const accuracy = this.#accuracies.get(dataset, model);
        if (Number.isNaN(accuracy)) continue;
        sum += weight * accuracy;
        total += weight;
      }
      const p = total > 0 ? sum / total : 0.5;
      return this.#settings.compat ? p : Math.max(0.5, p);
    });
  }
}

function meanOfFirst(values: Float64Array, count: number): number {
  const first = values.subarray(0, count);
  return first.reduce((sum, value) => sum + value, 0) / first.length;
}

/** The indices of the largest values among those allowed, largest first. */
function largestWhere(values: Float32Array, allowed: readonly boolean[], count: number): Int32Array {
  const found: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (!allowed[index] || (found.length === count && values[index] <= values[found[count - 1]])) continue;
    let place = found.length;
    while (place > 0 && values[found[place - 1]] < values[index]) place--;
    found.splice(place, 0, index);
    found.length = Math.min(found.length, count);
  }
  return Int32Array.from(found);
}

function medianDifference(values: readonly number[]): number {
  const differences = values.flatMap((value, index) => values.slice(0, index).map((other) => Math.abs(value - other)));
  differences.sort((a, b) => a - b);
  const { length } = differences;
  return length === 0 ? 0 : (differences[(length - 1) >> 1] + differences[length >> 1]) / 2;
}
