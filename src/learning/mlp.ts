/**
 * A perceptron with one hidden layer of rectifiers, trained by Adam on shuffled batches:
 *
 *     h = max(0, W₁x + b₁);   o = W₂h + b₂
 *     "sigmoid": outputs σ(o), binary cross-entropy on targets in [0, 1]
 *     "softmax": outputs softmax(o), cross-entropy on target distributions
 *     "linear":  outputs o, ½ squared error
 *
 * plus ½ λ ‖W‖² a batch (the biases unpenalised). The loss is the mean over a batch of the sum over outputs; a NaN target
 * leaves that output out. Weights start uniform in ±√(6 / (fan in + fan out)), as in scikit-learn's MLP.
 */
import { z } from "zod";
import { LlamafuseError } from "../errors.js";
import { RandomGenerator } from "../random.js";
import { Adam } from "./adam.js";
import { drawOrder } from "./draws.js";
import { sigmoid } from "./logistic-regression.js";
import { type Matrix, rowOf } from "./matrix.js";
import { type PackedNumbers, pack, packedNumbers, unpack } from "./packed-numbers.js";
import { softmax } from "./softmax-regression.js";

const outputs = z.enum(["sigmoid", "softmax", "linear"]);
export type MlpOutput = z.infer<typeof outputs>;

export interface MlpOptions {
  seed: number;
  output: MlpOutput;
  /** Hidden units. Default 100. */
  hidden?: number;
  /** Passes over the data. Default 200. */
  epochs?: number;
  /** Rows a step. Default 200, or all where there are fewer. */
  batch?: number;
  /** Default 1e-3. */
  learningRate?: number;
  /** λ. Default 1e-4. */
  weightDecay?: number;
  /** After each epoch; `false` ends the training. */
  onEpoch?: (epoch: number) => boolean | undefined;
}

interface Shape {
  inputs: number;
  hidden: number;
  outputs: number;
}

const shape = z.strictObject({ inputs: z.int().min(1), hidden: z.int().min(1), outputs: z.int().min(1) });

export const savedMlp = z.strictObject({ shape, output: outputs, parameters: packedNumbers });

export class Mlp {
  private constructor(
    private readonly shape: Shape,
    private readonly output: MlpOutput,
    /** W₁ (hidden × inputs), b₁, W₂ (outputs × hidden), b₂ */
    private readonly parameters: Float64Array,
  ) {}

  /** x: n × d; targets: n × outputs. */
  static fit(x: Matrix, targets: Matrix, options: MlpOptions): Mlp {
    const { hidden = 100, epochs = 200, learningRate = 1e-3, weightDecay = 1e-4, seed, output, onEpoch } = options;
    const [rows, inputs] = x.shape;
    const batch = Math.min(options.batch ?? 200, rows);
    const random = new RandomGenerator(seed);
    const mlp = new Mlp({ inputs, hidden, outputs: targets.shape[1] }, output, new Float64Array(0)).#initialised(
      random,
    );
    const gradient = new Float64Array(mlp.parameters.length);
    const adam = new Adam(mlp.parameters, { learningRate });
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = drawOrder(random, rows);
      for (let start = 0; start < rows; start += batch) {
        const members = order.subarray(start, start + batch);
        gradient.fill(0);
        for (const row of members) mlp.#backward(rowOf(x, row), rowOf(targets, row), gradient);
        mlp.#penalise(gradient, members.length, weightDecay);
        adam.step(gradient);
      }
      if (onEpoch?.(epoch) === false) break;
    }
    return mlp;
  }

  /** One number an output. */
  predict(x: ArrayLike<number>): Float64Array {
    return this.#activate(this.#outputOf(this.#hiddenOf(x)));
  }

  toJSON(): z.infer<typeof savedMlp> {
    return { shape: this.shape, output: this.output, parameters: pack(this.parameters) };
  }

  static restore(saved: { shape: Shape; output: MlpOutput; parameters: PackedNumbers }): Mlp {
    const parameters = unpack(saved.parameters, "float64");
    const { inputs, hidden, outputs } = saved.shape;
    const wanted = hidden * (inputs + 1) + outputs * (hidden + 1);
    if (parameters.length !== wanted) {
      throw new LlamafuseError(
        "invalid-data",
        `A perceptron with ${parameters.length} weights; ${wanted} belong there.`,
        {
          found: parameters.length,
          allowed: wanted,
        },
      );
    }
    return new Mlp(saved.shape, saved.output, parameters);
  }

  #initialised(random: RandomGenerator): Mlp {
    const { inputs, hidden, outputs } = this.shape;
    const parameters = new Float64Array(hidden * (inputs + 1) + outputs * (hidden + 1));
    const fill = (from: number, count: number, fans: number) => {
      const bound = Math.sqrt(6 / fans);
      for (let i = 0; i < count; i++) parameters[from + i] = bound * (2 * random.next() - 1);
    };
    fill(0, hidden * inputs, inputs + hidden);
    fill(hidden * (inputs + 1), outputs * hidden, hidden + outputs);
    return new Mlp(this.shape, this.output, parameters);
  }

  #hiddenOf(x: ArrayLike<number>): Float64Array {
    const { inputs, hidden } = this.shape;
    const p = this.parameters;
    const h = new Float64Array(hidden);
    for (let unit = 0, at = 0; unit < hidden; unit++, at += inputs) {
      let sum = p[hidden * inputs + unit];
      for (let j = 0; j < inputs; j++) sum += p[at + j] * x[j];
      h[unit] = Math.max(0, sum);
    }
    return h;
  }

  #outputOf(h: Float64Array): Float64Array {
    const { inputs, hidden, outputs } = this.shape;
    const p = this.parameters;
    const second = hidden * (inputs + 1);
    const o = new Float64Array(outputs);
    for (let unit = 0, at = second; unit < outputs; unit++, at += hidden) {
      let sum = p[second + outputs * hidden + unit];
      for (let j = 0; j < hidden; j++) sum += p[at + j] * h[j];
      o[unit] = sum;
    }
    return o;
  }

  #activate(o: Float64Array): Float64Array {
    if (this.output === "sigmoid") return o.map(sigmoid);
    return this.output === "softmax" ? softmax(o) : o;
  }

  /** Adds one row's gradient. All three losses have the slope (prediction − target) at the output. */
  #backward(x: ArrayLike<number>, target: ArrayLike<number>, gradient: Float64Array): void {
    const { inputs, hidden, outputs } = this.shape;
    const p = this.parameters;
    const second = hidden * (inputs + 1);
    const h = this.#hiddenOf(x);
    const slopes = this.#activate(this.#outputOf(h));
    const back = new Float64Array(hidden);
    for (let unit = 0, at = second; unit < outputs; unit++, at += hidden) {
      const slope = Number.isNaN(target[unit]) ? 0 : slopes[unit] - target[unit];
      if (slope === 0) continue;
      for (let j = 0; j < hidden; j++) {
        gradient[at + j] += slope * h[j];
        back[j] += slope * p[at + j];
      }
      gradient[second + outputs * hidden + unit] += slope;
    }
    for (let unit = 0, at = 0; unit < hidden; unit++, at += inputs) {
      if (h[unit] === 0) continue;
      for (let j = 0; j < inputs; j++) gradient[at + j] += back[unit] * x[j];
      gradient[hidden * inputs + unit] += back[unit];
    }
  }

  /** From the sum over a batch to its mean, and the weights' share. */
  #penalise(gradient: Float64Array, count: number, weightDecay: number): void {
    const { inputs, hidden, outputs } = this.shape;
    const second = hidden * (inputs + 1);
    for (let i = 0; i < gradient.length; i++) {
      const isWeight = i < hidden * inputs || (i >= second && i < second + outputs * hidden);
      gradient[i] = gradient[i] / count + (isWeight ? weightDecay * this.parameters[i] : 0);
    }
  }
}
