/**
 * Variational multidimensional item response theory with queries as items and models as takers:
 *
 *     P(m answers x rightly) = σ(a(x)ᵀθ_m − b(x)),   a(x) = A e_x + a₀,   b(x) = wᵀe_x + b₀
 *     θ_m ~ N(0, I) a priori,  q(θ_m) = N(μ_m, diag σ_m²)
 *     minimise  Σ_{x,m} E_q[−y ln P − (1 − y) ln(1 − P)] + Σ_m KL(q(θ_m) ‖ N(0, I)) + ½ ρ (‖A‖² + ‖w‖²)
 *
 * k numbers a model, e ∈ ℝᵈ. Minimised by Adam over batches of queries with one draw θ = μ + σε a model and batch; y in
 * [0, 1] may be graded. The prior fixes the scale of θ; a rotation of the space stays free.
 */
import { CholeskyDecomposition, Matrix as DenseMatrix } from "ml-matrix";
import { z } from "zod";
import { RandomGenerator } from "../random.js";
import { Adam } from "./adam.js";
import { drawNormal, drawOrder } from "./draws.js";
import { sigmoid } from "./logistic-regression.js";
import { dot, type Matrix, makeMatrix, rowOf } from "./matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "./packed-numbers.js";

export interface ItemResponseOptions {
  seed: number;
  /** k. Default 16. */
  dimension?: number;
  /** Passes over the queries. Default 10. */
  epochs?: number;
  /** Queries a step. Default 16. */
  batch?: number;
  /** Default 5e-3. */
  learningRate?: number;
  /** ρ. Default 5. */
  ridge?: number;
  /** Awaited after each epoch; what it throws ends the training. */
  onEpoch?: (epoch: number) => Promise<void>;
}

export interface Item {
  /** a(x), its discrimination. */
  a: Float64Array;
  /** b(x), its difficulty. */
  b: number;
}

export const savedItemResponse = z.strictObject({ abilities: packedNumbers, items: packedNumbers });

/** ln σ at the start: a taker is quite uncertain. */
const FIRST_LOG_DEVIATION = -1;
const NEWTON_STEPS = 50;

export class ItemResponse {
  private constructor(
    /** μ: takers × k. */
    readonly abilities: Matrix,
    /** (k + 1) × (d + 1): A | a₀, and below it w | b₀. */
    private readonly items: Matrix,
  ) {}

  /** embeddings: n × d; answers: n × takers in [0, 1], NaN where unknown. */
  static async fit(embeddings: Matrix, answers: Matrix, options: ItemResponseOptions): Promise<ItemResponse> {
    const { dimension: k = 16, epochs = 10, batch = 16, learningRate = 5e-3, ridge = 5 } = options;
    const [rows, columns] = embeddings.shape;
    const takers = answers.shape[1];
    const random = new RandomGenerator(options.seed);
    const mean = normalMatrix(takers, k, 1, random);
    const deviation = makeMatrix(takers, k);
    deviation.data.fill(FIRST_LOG_DEVIATION);
    const items = normalMatrix(k + 1, columns + 1, 1 / Math.sqrt(columns + 1), random);
    const parts = [mean, deviation, items];
    const optimisers = parts.map(({ data }) => new Adam(data, { learningRate }));
    const gradients = parts.map(({ shape }) => makeMatrix(shape[0], shape[1]));
    const known = answers.data.reduce((count, answer) => count + (Number.isNaN(answer) ? 0 : 1), 0);
    const model = new ItemResponse(mean, items);
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = drawOrder(random, rows);
      for (let start = 0; start < rows; start += batch) {
        const members = order.subarray(start, start + batch);
        for (const { data } of gradients) data.fill(0);
        const noise = normalMatrix(takers, k, 1, random);
        const draw = makeMatrix(takers, k);
        for (let i = 0; i < draw.data.length; i++) {
          draw.data[i] = mean.data[i] + Math.exp(deviation.data[i]) * noise.data[i];
        }
        const count = model.#addLikelihood(embeddings, answers, members, draw, gradients);
        if (count === 0) continue;
        addPenalties(parts, gradients, noise, { count, known, ridge });
        for (const [part, { data }] of gradients.entries()) optimisers[part].step(data);
      }
      await options.onEpoch?.(epoch);
    }
    return model;
  }

  itemOf(embedding: ArrayLike<number>): Item {
    const [height, width] = this.items.shape;
    const { data } = this.items;
    const values = new Float64Array(height);
    for (let j = 0, at = 0; j < height; j++, at += width) {
      let sum = data[at + width - 1];
      for (let i = 0; i < width - 1; i++) sum += data[at + i] * embedding[i];
      values[j] = sum;
    }
    return { a: values.subarray(0, height - 1), b: values[height - 1] };
  }

  /** σ(aᵀμ_m − b) of every taker. */
  probabilities(embedding: ArrayLike<number>): Float64Array {
    const { a, b } = this.itemOf(embedding);
    return Float64Array.from({ length: this.abilities.shape[0] }, (_, m) =>
      sigmoid(dot(a, rowOf(this.abilities, m)) - b),
    );
  }

  /** The same items with one taker more. */
  withTaker(ability: ArrayLike<number>): ItemResponse {
    const [takers, k] = this.abilities.shape;
    const abilities = makeMatrix(takers + 1, k);
    abilities.data.set(this.abilities.data);
    rowOf(abilities, takers).set(ability);
    return new ItemResponse(abilities, this.items);
  }

  toJSON(): z.infer<typeof savedItemResponse> {
    return { abilities: packMatrix(this.abilities), items: packMatrix(this.items) };
  }

  static restore({ abilities, items }: z.infer<typeof savedItemResponse>): ItemResponse {
    return new ItemResponse(unpackMatrix(abilities), unpackMatrix(items));
  }

  /** Adds the gradient of Σ −ln P over these rows with the drawn θ, by θ (in place of μ) and by the items. */
  #addLikelihood(
    embeddings: Matrix,
    answers: Matrix,
    rows: Int32Array,
    draw: Matrix,
    [byTaker, , byItem]: readonly Matrix[],
  ): number {
    const [takers, k] = draw.shape;
    const width = this.items.shape[1];
    let count = 0;
    const slope = new Float64Array(k + 1);
    for (const row of rows) {
      const embedding = rowOf(embeddings, row);
      const { a, b } = this.itemOf(embedding);
      slope.fill(0);
      for (let m = 0; m < takers; m++) {
        const answer = answers.data[row * takers + m];
        if (Number.isNaN(answer)) continue;
        let logit = -b;
        for (let j = 0, at = m * k; j < k; j++) logit += a[j] * draw.data[at + j];
        const residual = sigmoid(logit) - answer;
        for (let j = 0, at = m * k; j < k; j++) {
          slope[j] += residual * draw.data[at + j];
          byTaker.data[at + j] += residual * a[j];
        }
        slope[k] -= residual;
        count++;
      }
      for (let j = 0, at = 0; j <= k; j++, at += width) {
        for (let i = 0; i < width - 1; i++) byItem.data[at + i] += slope[j] * embedding[i];
        byItem.data[at + width - 1] += slope[j];
      }
    }
    return count;
  }
}

/** From sums over a batch to means over its answers, with the prior's and the ridge's share. */
function addPenalties(
  [mean, deviation, items]: readonly Matrix[],
  [byMean, byDeviation, byItem]: readonly Matrix[],
  noise: Matrix,
  { count, known, ridge }: { count: number; known: number; ridge: number },
): void {
  for (let i = 0; i < mean.data.length; i++) {
    const sigma = Math.exp(deviation.data[i]);
    const slope = byMean.data[i] / count;
    byMean.data[i] = slope + mean.data[i] / known;
    byDeviation.data[i] = slope * noise.data[i] * sigma + (sigma * sigma - 1) / known;
  }
  const width = items.shape[1];
  for (let i = 0; i < items.data.length; i++) {
    const isBias = i % width === width - 1;
    byItem.data[i] = byItem.data[i] / count + (isBias ? 0 : (ridge * items.data[i]) / known);
  }
}

/**
 * A new taker's θ from a few answers: the maximum a posteriori, by Newton's method on
 * Σ_i softplus(z_i) − y_i z_i + ½ ‖θ‖², z_i = a_iᵀθ − b_i.
 */
export function abilityFrom(items: readonly Item[], answers: readonly number[], k: number): Float64Array {
  const theta = new Float64Array(k);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const gradient = Float64Array.from(theta);
    const hessian = DenseMatrix.eye(k);
    for (const [index, { a, b }] of items.entries()) {
      const p = sigmoid(dot(a, theta) - b);
      for (let i = 0; i < k; i++) {
        gradient[i] += (p - answers[index]) * a[i];
        for (let j = 0; j < k; j++) hessian.set(i, j, hessian.get(i, j) + p * (1 - p) * (a[i] * a[j]));
      }
    }
    const change = new CholeskyDecomposition(hessian).solve(DenseMatrix.columnVector(gradient)).to1DArray();
    for (let i = 0; i < k; i++) theta[i] -= change[i];
    if (change.every((each) => Math.abs(each) < 1e-10)) break;
  }
  return theta;
}

/**
 * The items that tell most about a taker of whom nothing is known yet, the most telling first: greedily the largest
 * det(I + Σ p (1 − p) a aᵀ) (D-optimal design), p at this ability.
 */
export function informativeItems(items: readonly Item[], count: number, ability: ArrayLike<number>): number[] {
  const k = ability.length;
  // (I + Σ …)⁻¹, kept by Sherman and Morrison's formula.
  const inverse = makeMatrix(k, k);
  for (let i = 0; i < k; i++) inverse.set(i, i, 1);
  const chosen: number[] = [];
  const open = new Set(items.keys());
  const times = (a: Float64Array) => Float64Array.from({ length: k }, (_, i) => dot(rowOf(inverse, i), a));
  while (chosen.length < count && open.size > 0) {
    let next = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (const index of open) {
      const { a, b } = items[index];
      const p = sigmoid(dot(a, ability) - b);
      const gain = p * (1 - p) * dot(a, times(a));
      if (gain > most) [next, most] = [index, gain];
    }
    const { a, b } = items[next];
    const p = sigmoid(dot(a, ability) - b);
    const direction = times(a);
    const scale = (p * (1 - p)) / (1 + most);
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < k; j++) inverse.data[i * k + j] -= scale * direction[i] * direction[j];
    }
    chosen.push(next);
    open.delete(next);
  }
  return chosen;
}

function normalMatrix(rows: number, columns: number, scale: number, random: RandomGenerator): Matrix {
  const matrix = makeMatrix(rows, columns);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = scale * drawNormal(random);
  return matrix;
}
