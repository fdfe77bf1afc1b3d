/**
 * The Avengers (Zhang and others, arXiv 2505.19797) and Avengers-Pro (arXiv 2508.12631): clusters of queries, and which
 * models are good in each (ZhangYiqun018/Avengers).
 *
 *     q = e(x) / ‖e(x)‖;  c_k: k-means centres of the training queries;  the K nearest clusters by 1 − q·c_k
 *     p_k ∝ exp(−β (1 − q·c_k))                              over the K nearest
 *     avengers      q̂_m = Σ_k p_k / (rank_k(m) + 0.1)        rank by the model's mean quality in the cluster, from 0;
 *                   the best `models` of them answer, and their answers are voted on; K = 11, β = 3, 64 clusters
 *     avengers-pro  q̂_m = Σ_k p_k · minmax_m(quality in k);  argmax α q̂_m + (1 − α)(1 − ĉ_m / max ĉ);
 *                   ĉ_m = Σ_k p_k · (mean cost of m in k); K = 1, β = 9, 32 clusters, α = 0.7
 *
 * The released code does not scale the centres back to length 1, so that 1 − q·c_k favours tight clusters, stops in the
 * middle of a cluster whose ranking lacks a model, and counts a missing cost as 0. Here centres have length 1, a model
 * without outcomes in a cluster gets nothing from that cluster alone, and a missing cost is the model's mean; `compat`
 * takes the centres as they are. Seeds and k-means itself are ours.
 *
 * avengers' knob λ ranks by q̂ − λ ĉ instead (ours). avengers-pro's preference is α.
 */
import { z } from "zod";
import { KMeans } from "../../learning/k-means.js";
import { dot, type Matrix, makeMatrix, rowOf, unitVector } from "../../learning/matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "../../learning/packed-numbers.js";
import { softmax } from "../../learning/softmax-regression.js";
import { chooseByKnob, worthAt } from "../allocation/choose.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { Choice, Estimate, FitData, Knob, Query, RouterInfo } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";

const CLUSTER_OPTIONS = {
  nearest: "K: clusters per query.",
  beta: "β: larger values favour the nearest cluster more.",
  compat: "Use the cluster centres of k-means unchanged. Default false.",
};

export const avengersInfo: RouterInfo = {
  name: "avengers",
  summary: "The models that rank best in the query's clusters answer and vote.",
  source: "arXiv 2505.19797",
  knobs: ["lambda"],
  options: {
    clusters: "Clusters of training queries. Default 64.",
    ...CLUSTER_OPTIONS,
    nearest: `${CLUSTER_OPTIONS.nearest} Default 11.`,
    beta: `${CLUSTER_OPTIONS.beta} Default 3.`,
    models: "How many models answer. Default 3.",
  },
};

export const avengersProInfo: RouterInfo = {
  name: "avengers-pro",
  summary: "Picks the model with the best mix of quality and cost in the query's cluster.",
  source: "arXiv 2508.12631",
  knobs: ["preference", "lambda", "threshold", "budget"],
  options: {
    clusters: "Clusters of training queries. Default 32.",
    ...CLUSTER_OPTIONS,
    nearest: `${CLUSTER_OPTIONS.nearest} Default 1.`,
    beta: `${CLUSTER_OPTIONS.beta} Default 9.`,
    alpha: "α: weight of quality when no knob is set. Default 0.7.",
  },
};

const whole = z.int().min(1);
const beta = z.number().min(0);

export const avengersOptions = z.strictObject({
  clusters: whole.default(64),
  nearest: whole.default(11),
  beta: beta.default(3),
  models: whole.default(3),
  compat: z.boolean().default(false),
});

export const avengersProOptions = z.strictObject({
  clusters: whole.default(32),
  nearest: whole.default(1),
  beta: beta.default(9),
  alpha: z.number().min(0).max(1).default(0.7),
  compat: z.boolean().default(false),
});

type AvengersOptions = z.output<typeof avengersOptions>;
type AvengersProOptions = z.output<typeof avengersProOptions>;

/** Lloyd iterations at most. */
const MOST_ITERATIONS = 50;
/** What keeps the first place from counting infinitely. */
const RANK_OFFSET = 0.1;
/** The released score of a model that no cluster has ranked. */
const UNRANKED = 1 / 999;

const clusterState = z.strictObject({ centres: packedNumbers, quality: packedNumbers, cost: packedNumbers });

/** Clusters with each model's mean quality (NaN where it has no outcomes) and cost in them. */
abstract class ClusterRouter extends TrainedRouter<z.infer<typeof clusterState>> {
  protected centres!: Matrix;
  protected quality!: Matrix;
  protected cost!: Matrix;

  protected constructor(private readonly settings: AvengersOptions | AvengersProOptions) {
    super(settings);
  }

  /** What the clusters know once the means stand. */
  protected prepare(): void {}

  protected train({ table, embeddings }: FitData, { seed }: TrainingOptions): void {
    const { clusters, compat } = this.settings;
    const units = makeMatrix(embeddings.shape[0], embeddings.shape[1]);
    for (let row = 0; row < table.rows; row++) rowOf(units, row).set(unitVector(rowOf(embeddings, row)));
    const { centres, labels } = KMeans.fit(units, Math.min(clusters, table.rows), {
      seed,
      maxIterations: MOST_ITERATIONS,
    });
    this.centres = centres;
    if (!compat) for (let k = 0; k < centres.shape[0]; k++) rowOf(centres, k).set(unitVector(rowOf(centres, k)));
    this.quality = clusterMeans(table.quality, labels, centres.shape[0]);
    const otherwise = table.hasCosts ? table.meansOf(table.cost) : table.models.map(() => 1);
    this.cost = clusterMeans(table.cost, labels, centres.shape[0]);
    for (const [cell, mean] of this.cost.data.entries()) {
      if (Number.isNaN(mean)) this.cost.data[cell] = otherwise[cell % table.models.length];
    }
    this.prepare();
  }

  protected nearest(embedding: ArrayLike<number>): NearestClusters {
    return nearestClusters(this.centres, embedding, this.settings);
  }

  protected state() {
    return {
      centres: packMatrix(this.centres),
      quality: packMatrix(this.quality),
      cost: packMatrix(this.cost),
    };
  }

  protected restoreState(state: unknown): void {
    const { centres, quality, cost } = clusterState.parse(state);
    this.centres = unpackMatrix(centres);
    this.quality = unpackMatrix(quality);
    this.cost = unpackMatrix(cost);
    this.prepare();
  }
}

export class AvengersRouter extends ClusterRouter {
  readonly info = avengersInfo;
  readonly #count: number;
  #rankings: number[][] = [];

  constructor(options: AvengersOptions) {
    super(options);
    this.#count = options.models;
  }

  protected override prepare(): void {
    this.#rankings = Array.from({ length: this.quality.shape[0] }, (_, k) => ranking(rowOf(this.quality, k)));
  }

  protected predict({ embedding }: Query): Float64Array {
    return rankScores(this.#rankings, this.nearest(embedding), this.models.length);
  }

  override choose(estimate: Estimate, { lambda = 0 }: Knob): Choice {
    const { cost } = estimate;
    const worth = worthAt(estimate, lambda);
    const order = Array.from(worth.keys()).sort((a, b) => worth[b] - worth[a] || cost[a] - cost[b] || a - b);
    // The cheapest is one model; more of them would not be.
    const members = order.slice(0, lambda === Number.POSITIVE_INFINITY ? 1 : this.#count);
    return members.length === 1 ? { members } : { members, votes: members.map(() => 1) };
  }
}

export class AvengersProRouter extends ClusterRouter {
  readonly info = avengersProInfo;
  readonly #alpha: number;

  constructor(options: AvengersProOptions) {
    super(options);
    this.#alpha = options.alpha;
  }

  override score(query: Query): Estimate {
    const { quality } = super.score(query);
    const { clusters, probabilities } = this.nearest(query.embedding);
    return { quality, cost: mixed(this.cost, clusters, probabilities) };
  }

  protected predict({ embedding }: Query): Float64Array {
    const { clusters, probabilities } = this.nearest(embedding);
    const quality = makeMatrix(this.quality.shape[0], this.quality.shape[1]);
    for (const k of clusters) rowOf(quality, k).set(minMax(rowOf(this.quality, k)));
    return mixed(quality, clusters, probabilities);
  }

  override choose(estimate: Estimate, knob: Knob): Choice {
    const isSet = Object.values(knob).some((value) => value !== undefined);
    return chooseByKnob(estimate, isSet ? knob : { preference: this.#alpha });
  }
}

export interface NearestClusters {
  /** Nearest first. */
  clusters: number[];
  probabilities: Float64Array;
}

/** The K nearest clusters of a query and p_k. */
export function nearestClusters(
  centres: Matrix,
  embedding: ArrayLike<number>,
  { nearest, beta }: { nearest: number; beta: number },
): NearestClusters {
  const unit = unitVector(embedding);
  const distances = Float64Array.from({ length: centres.shape[0] }, (_, k) => 1 - dot(rowOf(centres, k), unit));
  const clusters = Array.from(distances.keys())
    .sort((a, b) => distances[a] - distances[b] || a - b)
    .slice(0, nearest);
  return { clusters, probabilities: softmax(clusters.map((k) => -beta * distances[k])) };
}

/**
 * Σ_k p_k / (rank_k(m) + 0.1) of every model. rankings: the models of each cluster, best first; null: an empty cluster.
 * compat: as released, a cluster whose ranking lacks a model gives nothing to it and to the models after it.
 */
export function rankScores(
  rankings: readonly (readonly number[] | null)[],
  { clusters, probabilities }: NearestClusters,
  models: number,
  { compat = false } = {},
): Float64Array {
  const scores = new Float64Array(models);
  for (const [place, k] of clusters.entries()) {
    const order = rankings[k];
    if (order === null) continue;
    for (let model = 0; model < models; model++) {
      const rank = order.indexOf(model);
      if (rank >= 0) scores[model] += probabilities[place] / (rank + RANK_OFFSET);
      else if (compat) break;
    }
  }
  return scores.map((score) => (score === 0 ? UNRANKED : score));
}

/** The models with outcomes, by falling mean quality; the first among equals. */
function ranking(means: Float64Array): number[] {
  const known = Array.from(means.keys()).filter((model) => !Number.isNaN(means[model]));
  return known.sort((a, b) => means[b] - means[a] || a - b);
}

/** From 0 for the worst to 1 for the best; 1 for all where they are equal, 0 where nothing is known of a model. */
function minMax(means: Float64Array): Float64Array {
  const known = means.filter((mean) => !Number.isNaN(mean));
  const least = Math.min(...known);
  const width = Math.max(...known) - least;
  return means.map((mean) => (Number.isNaN(mean) ? 0 : width > 0 ? (mean - least) / width : 1));
}

/** Σ_k p_k row_k */
function mixed(rows: Matrix, clusters: readonly number[], probabilities: Float64Array): Float64Array {
  const sums = new Float64Array(rows.shape[1]);
  for (const [place, k] of clusters.entries()) {
    for (const [model, value] of rowOf(rows, k).entries()) sums[model] += probabilities[place] * value;
  }
  return sums;
}

/** The mean of each column's known cells over each cluster's rows; NaN where there are none. */
export function clusterMeans(matrix: OutcomeTable["quality"], labels: Int32Array, clusters: number): Matrix {
  const columns = matrix.shape[1];
  const sums = makeMatrix(clusters, columns);
  const counts = new Float64Array(clusters * columns);
  for (const [row, cluster] of labels.entries()) {
    for (const [column, value] of rowOf(matrix, row).entries()) {
      if (Number.isNaN(value)) continue;
      sums.data[cluster * columns + column] += value;
      counts[cluster * columns + column]++;
    }
  }
  for (const [cell, count] of counts.entries()) sums.data[cell] /= count;
  return sums;
}
