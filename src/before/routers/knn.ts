/**
 * kNN: the mean outcome of the k training queries nearest to the query (Li, "Rethinking Predictive Modeling for LLM
 * Routing: When Simple kNN Beats Complex Learned Routers", arXiv 2505.12601; RouterBench, arXiv 2403.12031).
 *
 *     N(x) = the k training queries with the largest cosine to x
 *     q̂_m(x) = mean of the observed quality of m over N(x); its mean over all rows where none is observed
 *
 * RouterBench uses k in {5, 10, 40} on MiniLM embeddings. Its released kNN spreads NaN cells; missing cells are left out here.
 */
import { z } from "zod";
import type { Matrix } from "../../learning/matrix.js";
import { NearestNeighbours } from "../../learning/nearest-neighbours.js";
import { packedNumbers, packMatrix, unpackMatrix } from "../../learning/packed-numbers.js";
import { TrainedRouter } from "../fitting/trained-router.js";
import type { FitData, Query, RouterInfo } from "../router.js";

export const knnInfo: RouterInfo = {
  name: "knn",
  summary: "The mean outcome of the nearest training queries.",
  source: "arXiv 2505.12601",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: { k: "Number of neighbours. Default 40." },
};

export const knnOptions = z.strictObject({ k: z.int().min(1).default(40) });

type KnnOptions = z.output<typeof knnOptions>;

const knnState = z.strictObject({ neighbours: packedNumbers, quality: packedNumbers, means: z.array(z.number()) });

export class KnnRouter extends TrainedRouter<z.infer<typeof knnState>> {
  readonly info = knnInfo;
  readonly #k: number;
  #neighbours!: NearestNeighbours;
  #quality!: Matrix;
  #means!: Float64Array;

  constructor(options: KnnOptions) {
    super(options);
    this.#k = options.k;
  }

  protected train({ table, embeddings }: FitData): void {
    this.#neighbours = NearestNeighbours.fit(embeddings);
    this.#quality = table.quality;
    this.#means = table.meansOf(table.quality);
  }

  protected predict({ embedding }: Query): Float64Array {
    const { indices } = this.#neighbours.search(embedding, this.#k);
    return neighbourMeans(this.#quality, indices, this.#means);
  }

  protected state() {
    const means = Array.from(this.#means);
    return { neighbours: this.#neighbours.toJSON(), quality: packMatrix(this.#quality), means };
  }

  protected restoreState(state: unknown): void {
    const { neighbours, quality, means } = knnState.parse(state);
    this.#neighbours = NearestNeighbours.restore(neighbours);
    this.#quality = unpackMatrix(quality);
    this.#means = Float64Array.from(means);
  }
}

/** The mean of each column's observed cells in these rows; `otherwise` where a column has none. */
export function neighbourMeans(quality: Matrix, rows: Int32Array, otherwise: Float64Array): Float64Array {
  const { data, shape } = quality;
  const sums = new Float64Array(shape[1]);
  const counts = new Float64Array(shape[1]);
  for (const row of rows) {
    for (let model = 0; model < shape[1]; model++) {
      const value = data[row * shape[1] + model];
      if (Number.isNaN(value)) continue;
      sums[model] += value;
      counts[model]++;
    }
  }
  return sums.map((sum, model) => (counts[model] > 0 ? sum / counts[model] : otherwise[model]));
}
