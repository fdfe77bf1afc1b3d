/**
 * Routing between open models by a classifier or by clusters (Srivatsa, Maurya and Kochmar, "Harnessing the Power of
 * Multiple Minds", arXiv 2405.00467; kvadityasrivatsa/llm-routing).
 *
 *     maj_m(x) = 1 where the majority of m's sampled answers is right
 *
 * classifier: c_m(x) = σ(…), trained with pos_weight; one model by a policy
 *     argmax           argmax c
 *     random-top       argmax c, but where max c ≤ 0.6 one of the three largest at random
 *     predict          ŷ(c) is linear, fitted on the confidence of the first right model (0.5 where none is);
 *                      the model with c nearest to ŷ
 *     predict-sorted   the same with the models ordered by how often they are right, rarest first
 * clusters: k-means, k = 50; in each cluster a set of models, whose sampled answers are all voted on
 *     viable           every model with mean maj ≥ TH (0.99), or else the single best
 *     best-vote        of all subsets the one whose vote is right most often; the smallest, then the first
 *
 * Corrections: everything is fitted on training queries alone (released: clusters on the test questions too, the regression
 * on labels of other rows); pos_weight is n₋/n₊ (released: hard-coded numbers from another formula). The released predict
 * policies take argmax (c − ŷ), which is argmax c; `compat` does that. Heads and clusters use the router's embeddings, where
 * the authors have DistilBERT, and TF-IDF over a tokenizer's tokens. What random-top draws depends on the seed and the
 * query, so that a query is always routed alike.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { LlamafuseError } from "../../errors.js";
import { KMeans, savedKMeans } from "../../learning/k-means.js";
import { argmax, type Matrix, makeMatrix, rowOf } from "../../learning/matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "../../learning/packed-numbers.js";
import { RidgeRegression, savedRidge } from "../../learning/ridge-regression.js";
import { RandomGenerator } from "../../random.js";
import { SuccessHeads, savedHeads } from "../fitting/success-heads.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import { majorityRight } from "../fitting/votes.js";
import type { Choice, Estimate, FitData, Knob, Query, RouterInfo } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";
import { clusterMeans } from "./avengers.js";
import { bestVotingSubset } from "./srivatsa-subsets.js";

export const srivatsaInfo: RouterInfo = {
  name: "srivatsa",
  summary: "Picks by a multi-label classifier and a policy, or lets a set of models vote for each cluster of queries.",
  source: "arXiv 2405.00467",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    variant: "classifier or clusters. Default classifier.",
    policy: "classifier: argmax, random-top, predict or predict-sorted. Default argmax.",
    clusters: "clusters: number of clusters. Default 50.",
    sets: "clusters: viable or best-vote. Default viable.",
    viable: "clusters: TH, the lowest success of a viable model; the knob threshold replaces it. Default 0.99.",
    compat: "predict: argmax (c − ŷ), as released. Default false.",
  },
};

export const srivatsaOptions = z.strictObject({
  variant: z.enum(["classifier", "clusters"]).default("classifier"),
  policy: z.enum(["argmax", "random-top", "predict", "predict-sorted"]).default("argmax"),
  clusters: z.int().min(1).default(50),
  sets: z.enum(["viable", "best-vote"]).default("viable"),
  viable: z.number().min(0).max(1).default(0.99),
  compat: z.boolean().default(false),
});

type SrivatsaOptions = z.output<typeof srivatsaOptions>;

/** random-top draws where the largest confidence is at most this, … */
const UNSURE = 0.6;
/** … among so many. */
const TOP = 3;

const classifierState = z.strictObject({
  heads: savedHeads,
  /** ŷ; null for the policies without it. */
  regression: savedRidge.nullable(),
  seed: z.number(),
});
const clustersState = z.strictObject({
  kMeans: savedKMeans,
  rates: packedNumbers,
  sets: z.array(z.array(z.int().min(0))),
});

type SrivatsaState = z.infer<typeof classifierState> | z.infer<typeof clustersState>;

/** The two halves of the paper share nothing but their labels: each variant is a router of its own. */
export function createSrivatsa(options: SrivatsaOptions): TrainedRouter {
  return options.variant === "classifier" ? new SrivatsaClassifier(options) : new SrivatsaClusters(options);
}

class SrivatsaClassifier extends TrainedRouter<SrivatsaState> {
  readonly info = srivatsaInfo;
  readonly #settings: SrivatsaOptions;
  #heads!: SuccessHeads;
  #regression: RidgeRegression | null = null;
  #seed = 0;

  constructor(options: SrivatsaOptions) {
    super(options);
    this.#settings = options;
  }

  protected async train({ table, embeddings }: FitData, training: TrainingOptions): Promise<void> {
    const { policy } = this.#settings;
    const labels = majorityLabels(table);
    this.#seed = training.seed;
    this.#heads = await SuccessHeads.fit(embeddings, labels, { balanced: true }, training);
    if (policy !== "predict" && policy !== "predict-sorted") return;
    const confidences = makeMatrix(table.rows, table.models.length);
    for (let row = 0; row < table.rows; row++) {
      rowOf(confidences, row).set(this.#heads.predict(rowOf(embeddings, row)));
    }
    const order = policy === "predict" ? Array.from(table.models.keys()) : byFrequency(table, labels);
    const first = makeMatrix(table.rows, 1, firstRightConfidence(confidences, labels, order));
    this.#regression = RidgeRegression.fit(confidences, first, { ridge: 0 });
  }

  protected predict({ text, embedding }: Query): Float64Array {
    const confidences = this.#heads.predict(embedding);
    switch (this.#settings.policy) {
      case "argmax":
        return confidences;
      case "random-top":
        return this.#withDrawnTop(confidences, text);
      default:
        return this.#settings.compat ? confidences : this.#nearness(confidences);
    }
  }

  protected state() {
    return { heads: this.#heads.toJSON(), regression: this.#regression?.toJSON() ?? null, seed: this.#seed };
  }

  protected restoreState(state: unknown): void {
    const { heads, regression, seed } = classifierState.parse(state);
    this.#heads = SuccessHeads.restore(heads);
    this.#regression = regression && RidgeRegression.restore(regression);
    this.#seed = seed;
  }

  /** Where the classifier is unsure, one of the largest confidences changes places with the largest. */
  #withDrawnTop(confidences: Float64Array, text: string): Float64Array {
    const order = Array.from(confidences.keys()).sort((a, b) => confidences[b] - confidences[a] || a - b);
    const [first] = order;
    if (confidences[first] > UNSURE) return confidences;
    const digest = createHash("sha256").update(`${this.#seed} ${text}`).digest();
    const random = new RandomGenerator(digest.readUInt32LE(0));
    const drawn = order[Math.floor(random.next() * Math.min(TOP, order.length))];
    [confidences[first], confidences[drawn]] = [confidences[drawn], confidences[first]];
    return confidences;
  }

  /** 1 − |c − ŷ(c)| */
  #nearness(confidences: Float64Array): Float64Array {
    const [predicted] = this.#regression!.predict(confidences);
    return confidences.map((confidence) => 1 - Math.abs(confidence - predicted));
  }
}

class SrivatsaClusters extends TrainedRouter<SrivatsaState> {
  readonly info: RouterInfo = { ...srivatsaInfo, knobs: ["threshold"] };
  readonly #settings: SrivatsaOptions;
  #kMeans!: KMeans;
  /** clusters × models: mean maj. */
  #rates!: Matrix;
  /** best-vote: the set of each cluster. */
  #sets: number[][] = [];

  constructor(options: SrivatsaOptions) {
    super(options);
    this.#settings = options;
  }

  protected train({ table, embeddings }: FitData, { seed }: TrainingOptions): void {
    const { clusters, sets } = this.#settings;
    this.#kMeans = KMeans.fit(embeddings, Math.min(clusters, table.rows), { seed });
    const { labels, centres } = this.#kMeans;
    const right = majorityLabels(table);
    this.#rates = clusterMeans(right, labels, centres.shape[0]);
    const everywhere = table.meansOf(right);
    for (const [cell, rate] of this.#rates.data.entries()) {
      if (Number.isNaN(rate)) this.#rates.data[cell] = everywhere[cell % table.models.length];
    }
    if (sets === "viable") return;
    requireAnswers(table);
    this.#sets = Array.from({ length: centres.shape[0] }, (_, cluster) => {
      const rows = Array.from(labels.keys()).filter((row) => labels[row] === cluster);
      return rows.length > 0 ? bestVotingSubset(table, rows).members : [argmax(everywhere)];
    });
  }

  override score(query: Query): Estimate {
    const estimate = super.score(query);
    return this.#sets.length === 0
      ? estimate
      : { ...estimate, members: this.#sets[this.#kMeans.nearest(query.embedding)] };
  }

  protected predict({ embedding }: Query): Float64Array {
    return Float64Array.from(rowOf(this.#rates, this.#kMeans.nearest(embedding)));
  }

  override choose({ quality, members }: Estimate, { threshold = this.#settings.viable }: Knob): Choice {
    const chosen = members ?? viableModels(quality, threshold);
    return chosen.length === 1 ? { members: chosen } : { members: chosen, votes: chosen.map(() => 1) };
  }

  protected state() {
    return { kMeans: this.#kMeans.toJSON(), rates: packMatrix(this.#rates), sets: this.#sets };
  }

  protected restoreState(state: unknown): void {
    const { kMeans, rates, sets } = clustersState.parse(state);
    this.#kMeans = KMeans.restore(kMeans);
    this.#rates = unpackMatrix(rates);
    this.#sets = sets;
  }
}

/** Every model with at least this success, or else the single best; the first among equals. */
export function viableModels(rates: ArrayLike<number>, threshold: number): number[] {
  const viable = Array.from({ length: rates.length }, (_, model) => model).filter((model) => rates[model] >= threshold);
  return viable.length > 0 ? viable : [argmax(rates)];
}

/** rows × models */
function majorityLabels(table: OutcomeTable): Matrix {
  const labels = makeMatrix(table.rows, table.models.length);
  for (let row = 0; row < table.rows; row++) {
    for (let model = 0; model < table.models.length; model++) labels.set(row, model, majorityRight(table, row, model));
  }
  return labels;
}

/** Models from the one that is right least often; the first among equals. */
function byFrequency(table: OutcomeTable, labels: Matrix): number[] {
  const rates = table.meansOf(labels);
  return Array.from(rates.keys()).sort((a, b) => rates[a] - rates[b] || a - b);
}

/** For each row the confidence of the first model in this order that is right; 0.5 where none is. */
function firstRightConfidence(
  confidences: Matrix,
  labels: Matrix,
  order: readonly number[],
): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: labels.shape[0] }, (_, row) => {
    const right = rowOf(labels, row);
    const first = order.find((model) => right[model] === 1);
    return first === undefined ? 0.5 : rowOf(confidences, row)[first];
  });
}

function requireAnswers(table: OutcomeTable): void {
  if (table.answers !== undefined) return;
  throw new LlamafuseError(
    "invalid-data",
    `${table.name} has no answers to vote on. Add a column of answers, or take sets "viable".`,
    { table: table.name, option: "sets" },
  );
}
