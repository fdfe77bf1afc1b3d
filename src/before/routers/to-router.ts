/**
 * TO-Router: soft labels from the answers' similarity to the references, learned by a classifier (Stripelis and others,
 * "TensorOpera Router: A Multi-Model Router for Efficient LLM Inference", arXiv 2408.12320; from its summaries, unverified).
 *
 *     t_m(x) = exp(T s_m(x)) / Σ_j exp(T s_j(x))        s: similarity of m's answer to the reference
 *     minimise Σ_x KL(t(x) ‖ p(x));  argmax_m p_m(x)
 *
 *     knn          p: the mean of t over the k nearest training queries
 *     mlp          p: a perceptron with one hidden layer
 *     classifier   p: a multinomial logistic regression, in the place of the paper's tuned BERT
 *
 * s is the table's quality: the paper takes BERTScore, which is not correctness, and any such similarity can stand there.
 * A summary gives a softmax temperature of 10; that it multiplies is our reading, because similarities lie close together.
 * Ours: cost is weighed when deciding; a model without an outcome counts as its mean; k, and the perceptron's size.
 */
import { z } from "zod";
import { type Matrix, makeMatrix, rowOf } from "../../learning/matrix.js";
import { Mlp, savedMlp } from "../../learning/mlp.js";
import { NearestNeighbours } from "../../learning/nearest-neighbours.js";
import { packedNumbers, packMatrix, unpackMatrix } from "../../learning/packed-numbers.js";
import { SoftmaxRegression, savedSoftmax, softmax } from "../../learning/softmax-regression.js";
import { TrainedRouter, type TrainingOptions } from "../fitting/trained-router.js";
import type { FitData, Query, RouterInfo } from "../router.js";
import type { OutcomeTable } from "../table/outcome-table.js";
import { neighbourMeans } from "./knn.js";

export const toRouterInfo: RouterInfo = {
  name: "to-router",
  summary: "A classifier trained on soft labels of answer quality.",
  source: "arXiv 2408.12320",
  knobs: ["lambda", "threshold", "budget", "preference"],
  options: {
    variant: "knn, mlp or classifier. Default classifier.",
    temperature: "T: larger values favour better answers more. Default 10.",
    k: "knn: number of neighbours. Default 40.",
    hidden: "mlp: hidden units. Default 32.",
    epochs: "mlp: passes over the queries. Default 15.",
  },
};

export const toRouterOptions = z.strictObject({
  variant: z.enum(["knn", "mlp", "classifier"]).default("classifier"),
  temperature: z.number().min(0).default(10),
  k: z.int().min(1).default(40),
  hidden: z.int().min(1).default(32),
  epochs: z.int().min(1).default(15),
});

type ToRouterOptions = z.output<typeof toRouterOptions>;

/** Rows a step: small, so that a table of a few hundred rows takes enough steps. */
const PERCEPTRON_BATCH = 32;

const neighbourState = z.strictObject({ neighbours: packedNumbers, targets: packedNumbers });

/** What learns the soft labels. */
interface Student {
  predict(embedding: Float64Array): Float64Array;
  toJSON(): unknown;
}

export class ToRouter extends TrainedRouter {
  readonly info = toRouterInfo;
  readonly #settings: ToRouterOptions;
  #student!: Student;

  constructor(options: ToRouterOptions) {
    super(options);
    this.#settings = options;
  }

  protected train({ table, embeddings }: FitData, training: TrainingOptions): void {
    const targets = softLabels(table, this.#settings.temperature);
    switch (this.#settings.variant) {
      case "knn":
        this.#student = nearestStudent(NearestNeighbours.fit(embeddings), targets, this.#settings.k);
        break;
      case "mlp":
        this.#student = fitPerceptron(embeddings, targets, this.#settings, training);
        break;
      case "classifier":
        this.#student = classifierStudent(
          SoftmaxRegression.fit(embeddings, targets, { standardise: false, tolerance: 1e-5, maxIterations: 100 }),
        );
    }
  }

  protected predict({ embedding }: Query): Float64Array {
    return this.#student.predict(embedding);
  }

  protected state() {
    return this.#student.toJSON();
  }

  protected restoreState(state: unknown): void {
    switch (this.#settings.variant) {
      case "knn": {
        const { neighbours, targets } = neighbourState.parse(state);
        const restored = NearestNeighbours.restore(neighbours);
        this.#student = nearestStudent(restored, unpackMatrix(targets), this.#settings.k);
        break;
      }
      case "mlp":
        this.#student = Mlp.restore(savedMlp.parse(state));
        break;
      case "classifier":
        this.#student = classifierStudent(SoftmaxRegression.restore(savedSoftmax.parse(state)));
    }
  }
}

/** t, rows × models. */
export function softLabels(table: OutcomeTable, temperature: number): Matrix {
  const means = table.meansOf(table.quality);
  const targets = makeMatrix(table.rows, table.models.length);
  for (let row = 0; row < table.rows; row++) {
    const similarity = rowOf(table.quality, row).map((quality, m) => (Number.isNaN(quality) ? means[m] : quality));
    rowOf(targets, row).set(softmax(similarity.map((each) => temperature * each)));
  }
  return targets;
}

function nearestStudent(neighbours: NearestNeighbours, targets: Matrix, k: number): Student {
  const uniform = new Float64Array(targets.shape[1]).fill(1 / targets.shape[1]);
  return {
    predict: (embedding) => neighbourMeans(targets, neighbours.search(embedding, k).indices, uniform),
    toJSON: () => ({ neighbours: neighbours.toJSON(), targets: packMatrix(targets) }),
  };
}

function classifierStudent(classifier: SoftmaxRegression): Student {
  return { predict: (embedding) => classifier.probabilities(embedding), toJSON: () => classifier.toJSON() };
}

function fitPerceptron(
  embeddings: Matrix,
  targets: Matrix,
  { hidden, epochs }: ToRouterOptions,
  { seed, signal, onProgress }: TrainingOptions,
): Mlp {
  return Mlp.fit(embeddings, targets, {
    seed,
    output: "softmax",
    hidden,
    epochs,
    batch: PERCEPTRON_BATCH,
    onEpoch(epoch) {
      onProgress?.((epoch + 1) / epochs);
      return !signal?.aborted;
    },
  });
}
