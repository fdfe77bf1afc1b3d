/**
 * The perceptron of CITER's router (torchvision's MLP with batch normalisation, and a linear head), for one probability:
 *
 *     a = W₁x + b₁;   r = max(0, γ (a − μ) / √(σ² + ε) + β);   p = σ(w₃ᵀ(W₂r + b₂) + b₃)
 *
 * Shapes: x ∈ ℝᵈ, a, r ∈ ℝʰ (h = 2d unless said), W₂ d × h. In training μ and σ² are the batch's, and entries of r and of
 * W₂r + b₂ are dropped with probability 0.1; their running means (momentum 0.1, ε = 1e-5) serve afterwards. Trained by
 * Adam on the binary cross-entropy, with a share of the rows held back to stop by. Weights start as PyTorch's linear
 * layers do, uniform in ±1/√(fan in), and end in single precision.
 */
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { LlamafuseError } from "../errors.js";
import { RandomGenerator } from "../random.js";
import { Adam } from "./adam.js";
import { addGradient, EPSILON, layersOf, type NetworkShape, parameterCount } from "./batch-norm-gradient.js";
import { drawOrder } from "./draws.js";
import { sigmoid, softplus } from "./logistic-regression.js";
import { dot, type Matrix, rowOf } from "./matrix.js";
import { pack, packedNumbers, unpack } from "./packed-numbers.js";

export interface BatchNormMlpOptions {
  seed: number;
  /** h. Default 2d. */
  hidden?: number;
  /** Default 1e-3. */
  learningRate?: number;
  /** Rows a step. Default 80. */
  batch?: number;
  /** Passes over the data at most. Default 1000. */
  epochs?: number;
  /** Stop after so many epochs without a lower loss on the rows held back. Default 5. */
  patience?: number;
  /** Draw the rows of the batches anew for every epoch. Default true. */
  shuffle?: boolean;
  /** Which epoch's weights are kept: that of the lowest loss (default), or the last. */
  keep?: "best" | "last";
  /** After each epoch; `false` ends the training. */
  onEpoch?: (epoch: number, loss: number) => boolean | undefined;
  /** Looked at between batches. */
  signal?: AbortSignal;
}

const shape = z.strictObject({ inputs: z.int().min(1), hidden: z.int().min(1) });

export const savedBatchNormMlp = z.strictObject({ shape, parameters: packedNumbers, running: packedNumbers });

const MOMENTUM = 0.1;
const DROPOUT = 0.1;
/** Of the rows, held back to stop by. */
const HELD_BACK = 0.2;

export class BatchNormMlp {
  /** Without dropout W₂ and w₃ are one linear map: p = σ(vᵀr + c). */
  readonly #v: Float64Array;
  readonly #c: number;

  constructor(
    private readonly shape: NetworkShape,
    /** W₁ (h × d), b₁, γ, β, W₂ (d × h), b₂, w₃, b₃ */
    private readonly parameters: Float64Array,
    /** μ, σ² of the h hidden units. */
    private readonly running: Float64Array,
  ) {
    const { inputs, hidden } = shape;
    const { w2, b2, w3, b3 } = layersOf(shape, parameters);
    this.#v = new Float64Array(hidden);
    for (let k = 0; k < inputs; k++) {
      for (let j = 0; j < hidden; j++) this.#v[j] += w3[k] * w2[k * hidden + j];
    }
    this.#c = dot(w3, b2) + b3[0];
  }

  /**
   * x: n × d; labels: n in [0, 1]. The thread's other work runs between batches. Errors: invalid-data for fewer than four
   * rows; aborted.
   */
  static async fit(x: Matrix, labels: ArrayLike<number>, options: BatchNormMlpOptions): Promise<BatchNormMlp> {
    return new Trainer(x, labels, options).train();
  }

  get inputs(): number {
    return this.shape.inputs;
  }

  probability(x: ArrayLike<number>): number {
    return sigmoid(this.logit(x));
  }

  logit(x: ArrayLike<number>): number {
    const { inputs, hidden } = this.shape;
    const { w1, b1, gamma, beta } = layersOf(this.shape, this.parameters);
    const { running } = this;
    let logit = this.#c;
    for (let j = 0; j < hidden; j++) {
      const a = dot(w1.subarray(j * inputs, (j + 1) * inputs), x) + b1[j];
      const r = (gamma[j] * (a - running[j])) / Math.sqrt(running[hidden + j] + EPSILON) + beta[j];
      if (r > 0) logit += this.#v[j] * r;
    }
    return logit;
  }

  toJSON(): z.infer<typeof savedBatchNormMlp> {
    const { shape, parameters, running } = this;
    return { shape, parameters: pack(Float32Array.from(parameters)), running: pack(Float32Array.from(running)) };
  }

  /** Errors: invalid-data where the numbers do not fill the shape. */
  static restore(saved: z.infer<typeof savedBatchNormMlp>): BatchNormMlp {
    const parameters = Float64Array.from(unpack(saved.parameters, "float32"));
    const running = Float64Array.from(unpack(saved.running, "float32"));
    const wanted = parameterCount(saved.shape) + 2 * saved.shape.hidden;
    const found = parameters.length + running.length;
    if (found === wanted && running.length === 2 * saved.shape.hidden)
      return new BatchNormMlp(saved.shape, parameters, running);
    throw new LlamafuseError("invalid-data", `A perceptron with ${found} numbers; ${wanted} belong there.`, {
      found,
      allowed: wanted,
    });
  }
}

class Trainer {
  readonly #shape: NetworkShape;
  readonly #parameters: Float64Array;
  readonly #gradient: Float64Array;
  readonly #running: Float64Array;
  /** The first is written over by every epoch, the second holds the best weights. */
  readonly #snapshots: Float64Array[];
  readonly #random: RandomGenerator;
  readonly #training: Int32Array;
  readonly #heldBack: Int32Array;

  constructor(
    private readonly x: Matrix,
    private readonly labels: ArrayLike<number>,
    private readonly options: BatchNormMlpOptions,
  ) {
    const [rows, inputs] = x.shape;
    if (rows < 4) {
      throw new LlamafuseError("invalid-data", `A router needs at least 4 labelled tokens; found ${rows}.`, {
        found: rows,
        allowed: ">= 4",
      });
    }
    const hidden = options.hidden ?? 2 * inputs;
    this.#shape = { inputs, hidden };
    this.#random = new RandomGenerator(options.seed);
    this.#parameters = new Float64Array(parameterCount(this.#shape));
    this.#gradient = new Float64Array(this.#parameters.length);
    this.#snapshots = [0, 1].map(() => new Float64Array(this.#parameters.length));
    this.#running = new Float64Array(2 * hidden).fill(1, hidden);
    this.#initialise();
    const order = drawOrder(this.#random, rows);
    const held = Math.max(1, Math.floor(HELD_BACK * rows));
    this.#heldBack = order.slice(0, held);
    this.#training = order.slice(held);
  }

  async train(): Promise<BatchNormMlp> {
    const {
      learningRate = 1e-3,
      batch = 80,
      epochs = 1000,
      patience = 5,
      shuffle = true,
      keep = "best",
    } = this.options;
    const adam = new Adam(this.#parameters, { learningRate });
    let model = this.#model();
    let best = { loss: this.#loss(model), model };
    this.#snapshots.reverse();
    for (let epoch = 0, waited = 0; epoch < epochs && waited < patience; epoch++, waited++) {
      const order = shuffle ? drawOrder(this.#random, this.#training.length) : this.#training.keys();
      const rows = Int32Array.from(order, (place) => this.#training[place]);
      for (let start = 0; start < rows.length; start += batch) {
        // One row has no variance.
        const members = rows.subarray(start, start + batch);
        if (members.length < 2) continue;
        this.#descend(members, adam);
        await this.#pause();
      }
      model = this.#model();
      const loss = this.#loss(model);
      if (loss < best.loss) {
        best = { loss, model };
        this.#snapshots.reverse();
        waited = -1;
      }
      if (this.options.onEpoch?.(epoch, loss) === false) break;
    }
    return keep === "best" ? best.model : model;
  }

  #initialise(): void {
    const { inputs, hidden } = this.#shape;
    const { w1, b1, gamma, w2, b2, w3, b3 } = layersOf(this.#shape, this.#parameters);
    const fill = (values: Float64Array, fanIn: number) => {
      for (let i = 0; i < values.length; i++) values[i] = (2 * this.#random.next() - 1) / Math.sqrt(fanIn);
    };
    for (const values of [w1, b1]) fill(values, inputs);
    for (const values of [w2, b2]) fill(values, hidden);
    for (const values of [w3, b3]) fill(values, inputs);
    gamma.fill(1);
  }

  async #pause(): Promise<void> {
    const { signal } = this.options;
    await setImmediate();
    if (signal?.aborted) throw new LlamafuseError("aborted", "The training was stopped.", {}, signal.reason);
  }

  /** The present weights in single precision, as a file keeps them. */
  #model(): BatchNormMlp {
    const parameters = round(this.#parameters, this.#snapshots[0]);
    return new BatchNormMlp(this.#shape, parameters, round(this.#running, new Float64Array(this.#running.length)));
  }

  /** The mean cross-entropy of the rows held back. */
  #loss(model: BatchNormMlp): number {
    let sum = 0;
    for (const row of this.#heldBack) {
      const logit = model.logit(rowOf(this.x, row));
      sum += softplus(logit) - this.labels[row] * logit;
    }
    return sum / this.#heldBack.length;
  }

  /** One step on a batch. */
  #descend(rows: Int32Array, adam: Adam): void {
    const { hidden } = this.#shape;
    const batch = Array.from(rows, (row) => ({ x: rowOf(this.x, row), label: this.labels[row] }));
    const dropout = () => (this.#random.next() < DROPOUT ? 0 : 1 / (1 - DROPOUT));
    const { means, variances } = addGradient(this.#shape, this.#parameters, batch, dropout, this.#gradient.fill(0));
    // The running variance is the unbiased one, as in PyTorch.
    const unbias = batch.length / (batch.length - 1);
    for (let j = 0; j < hidden; j++) {
      this.#running[j] += MOMENTUM * (means[j] - this.#running[j]);
      this.#running[hidden + j] += MOMENTUM * (unbias * variances[j] - this.#running[hidden + j]);
    }
    adam.step(this.#gradient);
  }
}

/** To single precision. */
function round(values: Float64Array, target: Float64Array): Float64Array {
  for (let i = 0; i < values.length; i++) target[i] = Math.fround(values[i]);
  return target;
}
