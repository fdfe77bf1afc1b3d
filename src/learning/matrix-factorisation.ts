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
 *
 * Ours, so that 10,000 queries of 11 models take seconds: with u_m = w ⊙ v̂_m all scores of a batch are A e, A = U W
 * (models × d), and all gradients follow from that of A; noise is cut from one list of normal numbers at random places;
 * and of the last part of the queries, which the training does not see, the loss is watched: it ends when that has not
 * fallen for some epochs, at the best parameters found (the published code keeps those of the last epoch).
 */
import { z } from "zod";
import { RandomGenerator } from "../random.js";
import { Adam } from "./adam.js";
import { drawNormal, drawOrder } from "./draws.js";
import { sigmoid, softplus } from "./logistic-regression.js";
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
  /** Share of the queries whose loss is watched instead of learned from. Default 0: train to the last epoch. */
  heldOut?: number;
  /** Epochs without a better held-out loss before the training ends. Default 5. */
  patience?: number;
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
    const noise = new NoiseList(options.noise ?? 0.1, random);
    const byRow = groupByRow(pairs);
    const watching = Math.round((options.heldOut ?? 0) * byRow.length);
    const held = watching > 0 ? new Set(drawOrder(random, byRow.length).subarray(0, watching)) : new Set<number>();
    const learned = byRow.filter((_, index) => !held.has(index));
    const watched = byRow.filter((_, index) => held.has(index));
    const best = { loss: Number.POSITIVE_INFINITY, epoch: 0, parts: parts.map(({ data }) => data.slice()) };
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = drawOrder(random, learned.length);
      for (let start = 0; start < order.length; start += batch) {
        const groups = Array.from(order.subarray(start, start + batch), (index) => learned[index]);
        const gradients = factors.#gradients(groups, (row) => noise.added(rowOf(embeddings, row)));
        for (const [part, gradient] of gradients.entries()) optimisers[part].step(gradient.data);
      }
      if (watched.length > 0) {
        const loss = factors.#loss(watched, embeddings);
        if (loss < best.loss) {
          Object.assign(best, { loss, epoch });
          for (const [part, { data }] of parts.entries()) best.parts[part].set(data);
        }
      }
      const isSpent = watched.length > 0 && epoch - best.epoch >= (options.patience ?? 5);
      if (options.onEpoch?.(epoch) === false || isSpent) break;
    }
    if (best.loss < Number.POSITIVE_INFINITY) {
      for (const [part, { data }] of parts.entries()) data.set(best.parts[part]);
    }
    return factors;
  }

  /** δ(m, x) of every model. */
  logits(embedding: ArrayLike<number>): Float64Array {
    const projected = Float64Array.from({ length: this.projection.shape[0] }, (_, j) =>
      dot(rowOf(this.projection, j), embedding),
    );
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

  /** A = U W, models × d, and the unit vectors v̂ that it is made of. */
  #scorers(): { scorers: Matrix; units: Float64Array[] } {
    const w = this.classifier.data;
    const scorers = makeMatrix(this.models.shape[0], this.projection.shape[1]);
    const units = Array.from({ length: this.models.shape[0] }, (_, model) => unitVector(rowOf(this.models, model)));
    for (const [model, unit] of units.entries()) {
      const scorer = rowOf(scorers, model);
      for (const [j, value] of unit.entries()) addScaled(scorer, rowOf(this.projection, j), w[j] * value);
    }
    return { scorers, units };
  }

  /** The mean of −ln σ(δ_winner − δ_loser) over all pairs of these queries. */
  #loss(groups: readonly PairsOfRow[], embeddings: Matrix): number {
    const { scorers } = this.#scorers();
    let [loss, count] = [0, 0];
    for (const { row, pairs } of groups) {
      const scores = scoresOf(scorers, rowOf(embeddings, row));
      for (const { winner, loser } of pairs) loss += softplus(scores[loser] - scores[winner]);
      count += pairs.length;
    }
    return loss / count;
  }

  /** Of the mean of −ln σ(δ_winner − δ_loser) over a batch's pairs: for V, W and w. */
  #gradients(groups: readonly PairsOfRow[], embeddingOf: (row: number) => Float64Array): [Matrix, Matrix, Matrix] {
    const { scorers, units } = this.#scorers();
    const toScorers = makeMatrix(scorers.shape[0], scorers.shape[1]);
    const count = groups.reduce((sum, { pairs }) => sum + pairs.length, 0);
    for (const { row, pairs } of groups) {
      const embedding = embeddingOf(row);
      const scores = scoresOf(scorers, embedding);
      const slopes = new Float64Array(scores.length);
      for (const { winner, loser } of pairs) {
        const slope = (sigmoid(scores[winner] - scores[loser]) - 1) / count;
        slopes[winner] += slope;
        slopes[loser] -= slope;
      }
      for (const [model, slope] of slopes.entries()) {
        if (slope !== 0) addScaled(rowOf(toScorers, model), embedding, slope);
      }
    }
    return this.#throughScorers(toScorers, units);
  }

  /** From the gradient of A to those of V, W and w. */
  #throughScorers(toScorers: Matrix, units: readonly Float64Array[]): [Matrix, Matrix, Matrix] {
    const [k, d] = this.projection.shape;
    const w = this.classifier.data;
    const gradients: [Matrix, Matrix, Matrix] = [makeMatrix(units.length, k), makeMatrix(k, d), makeMatrix(1, k)];
    for (const [model, unit] of units.entries()) {
      const toScorer = rowOf(toScorers, model);
      const toUnit = new Float64Array(k);
      for (let j = 0; j < k; j++) {
        const along = dot(toScorer, rowOf(this.projection, j));
        toUnit[j] = w[j] * along;
        gradients[2].data[j] += unit[j] * along;
        addScaled(rowOf(gradients[1], j), toScorer, w[j] * unit[j]);
      }
      // Through the normalisation: only what is orthogonal to the unit vector moves it.
      const vector = rowOf(this.models, model);
      const length = Math.sqrt(dot(vector, vector));
      const along = dot(toUnit, unit);
      rowOf(gradients[0], model).set(toUnit.map((value, j) => (value - along * unit[j]) / length));
    }
    return gradients;
  }
}

interface PairsOfRow {
  row: number;
  pairs: RankedPair[];
}

function groupByRow(pairs: readonly RankedPair[]): PairsOfRow[] {
  const groups = new Map<number, PairsOfRow>();
  for (const pair of pairs) {
    const group = groups.get(pair.row);
    if (group === undefined) groups.set(pair.row, { row: pair.row, pairs: [pair] });
    else group.pairs.push(pair);
  }
  return Array.from(groups.values());
}

function scoresOf(scorers: Matrix, embedding: ArrayLike<number>): Float64Array {
  const scores = new Float64Array(scorers.shape[0]);
  for (let model = 0; model < scores.length; model++) scores[model] = dot(rowOf(scorers, model), embedding);
  return scores;
}

function addScaled(target: Float64Array, values: ArrayLike<number>, scale: number): void {
  for (let i = 0; i < target.length; i++) target[i] += scale * values[i];
}

/** Normal numbers that the noise is cut from. */
const NOISE_NUMBERS = 1 << 16;

class NoiseList {
  readonly #numbers: Float64Array;

  constructor(
    size: number,
    private readonly random: RandomGenerator,
  ) {
    this.#numbers = Float64Array.from({ length: size === 0 ? 0 : NOISE_NUMBERS }, () => size * drawNormal(random));
  }

  added(values: Float64Array): Float64Array {
    if (this.#numbers.length === 0) return values;
    const start = Math.floor(this.random.next() * NOISE_NUMBERS);
    const noisy = new Float64Array(values.length);
    for (let i = 0; i < noisy.length; i++) noisy[i] = values[i] + this.#numbers[(start + i) % NOISE_NUMBERS];
    return noisy;
  }
}
