/**
 * HomoRouter: which of several arms (models, or a model with a search tool) will answer best, by regression (Mu and others,
 * "Adaptive selection for homogeneous tools: an instantiation in the RAG scenario", arXiv 2406.12429; from its abstract and
 * the survey, unverified).
 *
 *     ŷ_m(x): the score of arm m, by mean squared error
 *     best performance   argmax ŷ_m            (no knob)
 *     cost saving        the cheapest arm with ŷ_m ≥ τ, else the best one       (threshold)
 *     mixed              argmax ŷ_m − λ ĉ_m                                     (lambda)
 *
 * The paper refines noisy 0/1 labels before training, in a way that is not in reach. Ours: half of the label, half of its
 * mean over the k nearest training queries (the query itself left out; of at most 2,000 drawn with the seed),
 *
 *     y′_m(x) = (1 − r) y_m(x) + r · mean_k y_m,   r = ½
 *
 * The paper's router is a tuned RoBERTa; here a ridge regression an arm on embeddings.
 */
import { z } from "zod";
import { drawOrder } from "../../learning/draws.js";
import { type Matrix, makeMatrix, rowOf, selectRows } from "../../learning/matrix.js";
import { NearestNeighbours } from "../../learning/nearest-neighbours.js";
import { RidgeRegression, savedRidge } from "../../learning/ridge-regression.js";
import { RandomGenerator } from "../../random.js";
import { pauseFit } from "../fitting/fit-steps.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { FitData, Query, RouterInfo } from "../router.js";

export const homoRouterInfo: RouterInfo = {
  name: "homo-router",
  summary: "Predicts each model's score by regression on labels smoothed over neighbours.",
  source: "arXiv 2406.12429",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    refinement: "r: the neighbours' share of a label, 0 to 1. Default 0.5.",
    k: "Number of neighbours. Default 10.",
    ridge: "ρ of the regression. Default 1.",
  },
};

export const homoRouterOptions = z.strictObject({
  refinement: z.number().min(0).max(1).default(0.5),
  k: z.int().min(1).default(10),
  ridge: z.number().min(0).default(1),
});

type HomoRouterOptions = z.output<typeof homoRouterOptions>;

/** Among more, searching for neighbours would take longer than everything else together. */
const MOST_REFERENCES = 2000;
/** Rows between two looks at whether the fit is cancelled. */
const ROWS_A_STEP = 500;

export class HomoRouter extends TrainedRouter<z.infer<typeof savedRidge>> {
  readonly info = homoRouterInfo;
  readonly #settings: HomoRouterOptions;
  #regression!: RidgeRegression;

  constructor(options: HomoRouterOptions) {
    super(options);
    this.#settings = options;
  }

  protected async train({ table, embeddings }: FitData, training: TrainingOptions): Promise<void> {
    const { refinement, k, ridge } = this.#settings;
    const neighbours = refinement > 0 ? await neighbourMeansOf(embeddings, table.quality, k, training) : table.quality;
    const labels = refinedLabels(table.quality, neighbours, refinement);
    this.#regression = RidgeRegression.fit(embeddings, labels, { ridge });
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.#regression.predict(embedding);
  }

  protected state() {
    return this.#regression.toJSON();
  }

  protected restoreState(state: unknown): void {
    this.#regression = RidgeRegression.restore(savedRidge.parse(state));
  }
}

/** (1 − r) y + r·mean; y where the neighbours know nothing, NaN where y is missing. */
export function refinedLabels(labels: Matrix, means: Matrix, refinement: number): Matrix {
  return makeMatrix(
    labels.shape[0],
    labels.shape[1],
    labels.data.map((label, at) => {
      const mean = means.data[at];
      return Number.isNaN(mean) ? label : (1 - refinement) * label + refinement * mean;
    }),
  );
}

/** Each row's mean labels over its k nearest other rows; NaN where none of them has one. */
export async function neighbourMeansOf(
  embeddings: Matrix,
  labels: Matrix,
  k: number,
  training: TrainingOptions,
): Promise<Matrix> {
  const [rows, models] = labels.shape;
  const order = drawOrder(new RandomGenerator(training.seed), rows);
  const references = order.slice(0, MOST_REFERENCES).sort();
  const nearest = NearestNeighbours.fit(selectRows(embeddings, references));
  const means = makeMatrix(rows, models);
  for (let row = 0; row < rows; row++) {
    if (row % ROWS_A_STEP === 0) await pauseFit(training, row / rows);
    const others = Array.from(nearest.search(rowOf(embeddings, row), k + 1).indices, (index) => references[index])
      .filter((other) => other !== row)
      .slice(0, k);
    for (let model = 0; model < models; model++) {
      const known = others.map((other) => labels.get(other, model)).filter((label) => !Number.isNaN(label));
      means.set(row, model, known.reduce((sum, label) => sum + label, 0) / known.length);
    }
  }
  return means;
}
