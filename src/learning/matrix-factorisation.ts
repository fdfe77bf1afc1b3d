/**
 * RouteLLM's matrix factorisation (Ong and others, arXiv 2406.18665; released code): a model vector meets a projected
 * query embedding.
 *
 *     δ(m, x) = wᵀ(v̂_m ⊙ W e_x),   v̂_m = v_m / ‖v_m‖;   P(a beats b | x) = σ(δ(a, x) − δ(b, x))
 *     minimise the binary cross-entropy of the winner against the loser
 *
 * V: models × k, W: k × d, w: k; no biases. Trained by Adam (weight decay as L2), with Gaussian noise of size α on the
 * embeddings; V starts N(0, 1), W and w uniform in ±1/√fan-in. A batch is a number of queries with all their pairs; with
 * two models, as published, that is one pair each.
 */
import { z } from "zod";
import { RandomGenerator } from "../decoding/random.js";
import { Adam } from "./adam.js";
import { drawNormal, drawOrder } from "./draws.js";
import { sigmoid } from "./logistic-regression.js";
import { dot, type Matrix, makeMatrix, rowOf, unitVector } from "./matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "./packed-numbers.js";

/** In the answer to query `row`, model `winner` was better than `loser`. */
export interface RankedPair {
  row: number;
  winner: number;
  loser: number;
}

export interface FactorisationOptions {
  seed: number;
  /** k. Default 128. */
  dimension?: number;
  /** Default 100. */
  epochs?: number;
  /** Queries a step. Default 64. */
  batch?: number;
  /** Default 3e-4. */
  learningRate?: number;
  /** Default 1e-5. */
  weightDecay?: number;
  /** α. Default 0.1. */
  noise?: number;
  /** After each epoch; `false` ends the training. */
  onEpoch?: (epoch: number) => boolean | undefined;
}

export const savedFactorisation = z.strictObject({
  models: packedNumbers,
  projection: packedNumbers,
  classifier: packedNumbers,
});

export class MatrixFactorisation {
  /** V, W and w (1 × k). */
  constructor(
    readonly models: Matrix,
    readonly projection: Matrix,
    readonly classifier: Matrix,
  ) {}

  /** embeddings: n × d. */
  static fit(
    embeddings: Matrix,
    models: number,
    pairs: readonly RankedPair[],
    options: FactorisationOptions,
  ): MatrixFactorisation {
    const { dimension = 128, epochs = 100, batch = 64, learningRate = 3e-4, weightDecay = 1e-5 } = options;
    const random = new RandomGenerator(options.seed);
    const factors = MatrixFactorisation.#initial(models, dimension, embeddings.shape[1], random);
    const parts = [factors.models, factors.projection, factors.classifier];
    const optimisers = parts.map(({ data }) => new Adam(data, { learningRate, weightDecay }));
    const gradients = parts.map(({ shape }) => makeMatrix(shape[0], shape[1]));
    const byRow = new Map<number, RankedPair[]>();
    for (const pair of pairs) byRow.set(pair.row, [...(byRow.get(pair.row) ?? []), pair]);
    const rows = Array.from(byRow.keys());
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = drawOrder(random, rows.length);
      for (let start = 0; start < order.length; start += batch) {
        for (const { data } of gradients) data.fill(0);
        let count = 0;
        for (const index of order.subarray(start, start + batch)) {
          const group = byRow.get(rows[index])!;
          const embedding = noisy(rowOf(embeddings, rows[index]), options.noise ?? 0.1, random);
          factors.#backward(embedding, group, gradients);
          count += group.length;
        }
        for (const [part, { data }] of gradients.entries()) {
          for (let i = 0; i < data.length; i++) data[i] /= count;
          optimisers[part].step(data);
        }
      }
      if (options.onEpoch?.(epoch) === false) break;
    }
    return factors;
  }

  /** δ(m, x) of every model. */
  logits(embedding: ArrayLike<number>): Float64Array {
    const projected = this.#project(embedding);
    const weighted = projected.map((value, j) => value * this.classifier.data[j]);
    return Float64Array.from({ length: this.models.shape[0] }, (_, model) =>
      dot(unitVector(rowOf(this.models, model)), weighted),
    );
  }

  toJSON(): z.infer<typeof savedFactorisation> {
    const { models, projection, classifier } = this;
    return {
      models: packMatrix(models),
      projection: packMatrix(projection),
      classifier: packMatrix(classifier),
    };
  }

  static restore({ models, projection, classifier }: z.infer<typeof savedFactorisation>): MatrixFactorisation {
    return new MatrixFactorisation(unpackMatrix(models), unpackMatrix(projection), unpackMatrix(classifier));
  }

  static #initial(models: number, k: number, d: number, random: RandomGenerator): MatrixFactorisation {
    const linear = (rows: number, fanIn: number) => {
      const matrix = makeMatrix(rows, fanIn);
      for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = (2 * random.next() - 1) / Math.sqrt(fanIn);
      return matrix;
    };
    const vectors = makeMatrix(models, k);
    for (let i = 0; i < vectors.data.length; i++) vectors.data[i] = drawNormal(random);
    return new MatrixFactorisation(vectors, linear(k, d), linear(1, k));
  }

  #project(embedding: ArrayLike<number>): Float64Array {
    return Float64Array.from({ length: this.projection.shape[0] }, (_, j) => dot(rowOf(this.projection, j), embedding));
  }

  /** Adds the gradient of Σ −ln σ(δ_winner − δ_loser) over one query's pairs. */
  #backward(embedding: Float64Array, pairs: readonly RankedPair[], gradients: readonly Matrix[]): void {
    const [models, , classifier] = gradients;
    const w = this.classifier.data;
    const projected = this.#project(embedding);
    const k = projected.length;
    const units = new Map<number, Float64Array>();
    const unitOf = (model: number) => {
      const known = units.get(model) ?? unitVector(rowOf(this.models, model));
      units.set(model, known);
      return known;
    };
    /** ∂ loss / ∂ δ_m, summed over the pairs. */
    const slopes = new Map<number, number>();
    const delta = (model: number) => {
      const unit = unitOf(model);
      let sum = 0;
      for (let j = 0; j < k; j++) sum += w[j] * unit[j] * projected[j];
      return sum;
    };
    for (const { winner, loser } of pairs) {
      const slope = sigmoid(delta(winner) - delta(loser)) - 1;
      slopes.set(winner, (slopes.get(winner) ?? 0) + slope);
      slopes.set(loser, (slopes.get(loser) ?? 0) - slope);
    }
    const back = new Float64Array(k);
    for (const [model, slope] of slopes) {
      const unit = unitOf(model);
      const vector = rowOf(this.models, model);
      const length = Math.sqrt(dot(vector, vector));
      const toUnit = projected.map((value, j) => slope * w[j] * value);
      const along = dot(toUnit, unit);
      const target = rowOf(models, model);
      for (let j = 0; j < k; j++) {
        classifier.data[j] += slope * unit[j] * projected[j];
        back[j] += slope * w[j] * unit[j];
        // Through the normalisation: only what is orthogonal to the unit vector moves it.
        target[j] += (toUnit[j] - along * unit[j]) / length;
      }
    }
    for (let j = 0; j < k; j++) addScaled(rowOf(gradients[1], j), embedding, back[j]);
  }
}

function noisy(embedding: Float64Array, size: number, random: RandomGenerator): Float64Array {
  return size === 0 ? embedding : embedding.map((value) => value + size * drawNormal(random));
}

function addScaled(target: Float64Array, values: Float64Array, scale: number): void {
  for (let i = 0; i < target.length; i++) target[i] += scale * values[i];
}
