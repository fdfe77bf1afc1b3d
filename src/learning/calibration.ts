/**
 * Making scores mean what they say.
 *
 * Isotonic regression: the non-decreasing f that minimises Σ w (f(s) − y)², by pooling adjacent violators; between
 * fitted scores linear, beyond them constant, as in scikit-learn.
 *
 * Temperature scaling (Guo and others, arXiv 1706.04599): T > 0 that minimises the cross-entropy of softmax(z / T), or of
 * σ(z / T), by golden-section search in ln T.
 */
import { z } from "zod";
import { LlamafuseError } from "../errors.js";
import { sigmoid, softplus } from "./logistic-regression.js";
import { type Matrix, rowOf } from "./matrix.js";
import { logSumExp } from "./softmax-regression.js";

export const savedIsotonic = z.strictObject({ scores: z.array(z.number()), values: z.array(z.number()) });

export class IsotonicRegression {
  private constructor(
    private readonly scores: Float64Array,
    private readonly values: Float64Array,
  ) {}

  /** Equal scores are one point with their mean. Errors: invalid-data without a pair of numbers. */
  static fit(scores: ArrayLike<number>, outcomes: ArrayLike<number>, weights?: ArrayLike<number>): IsotonicRegression {
    const rows = Array.from({ length: scores.length }, (_, row) => row)
      .filter((row) => !Number.isNaN(scores[row]) && !Number.isNaN(outcomes[row]))
      .sort((a, b) => scores[a] - scores[b]);
    if (rows.length === 0) throw new LlamafuseError("invalid-data", "A calibration needs at least one scored outcome.");
    const points: { score: number; value: number; weight: number }[] = [];
    for (const row of rows) {
      const weight = weights?.[row] ?? 1;
      const last = points.at(-1);
      if (last?.score === scores[row]) merge(last, { value: outcomes[row], weight });
      else points.push({ score: scores[row], value: outcomes[row], weight });
    }
    const blocks: { value: number; weight: number; count: number }[] = [];
    for (const { value, weight } of points) {
      blocks.push({ value, weight, count: 1 });
      while (blocks.length > 1 && blocks.at(-2)!.value >= blocks.at(-1)!.value) {
        const last = blocks.pop()!;
        const into = blocks.at(-1)!;
        merge(into, last);
        into.count += last.count;
      }
    }
    const values = blocks.flatMap(({ value, count }) => new Array<number>(count).fill(value));
    return new IsotonicRegression(
      Float64Array.from(points, ({ score }) => score),
      Float64Array.from(values),
    );
  }

  predict(score: number): number {
    const { scores, values } = this;
    let [low, high] = [0, scores.length - 1];
    if (score <= scores[low]) return values[low];
    if (score >= scores[high]) return values[high];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (scores[middle] <= score) low = middle;
      else high = middle;
    }
    const share = (score - scores[low]) / (scores[high] - scores[low]);
    return values[low] + share * (values[high] - values[low]);
  }

  toJSON(): z.infer<typeof savedIsotonic> {
    return { scores: Array.from(this.scores), values: Array.from(this.values) };
  }

  static restore({ scores, values }: z.infer<typeof savedIsotonic>): IsotonicRegression {
    return new IsotonicRegression(Float64Array.from(scores), Float64Array.from(values));
  }
}

function merge(into: { value: number; weight: number }, { value, weight }: { value: number; weight: number }): void {
  const total = into.weight + weight;
  into.value = total === 0 ? into.value : (into.value * into.weight + value * weight) / total;
  into.weight = total;
}

/** T for class logits (n × classes) and the true class of each row. */
export function fitTemperature(logits: Matrix, classes: ArrayLike<number>): number {
  return searchTemperature((temperature) => {
    let loss = 0;
    for (let row = 0; row < classes.length; row++) {
      const scaled = rowOf(logits, row).map((value) => value / temperature);
      loss += logSumExp(scaled) - scaled[classes[row]];
    }
    return loss;
  });
}

/** T for logits of single events and their outcomes in [0, 1]; NaN outcomes are left out. */
export function fitBinaryTemperature(logits: ArrayLike<number>, outcomes: ArrayLike<number>): number {
  return searchTemperature((temperature) => {
    let loss = 0;
    for (let row = 0; row < outcomes.length; row++) {
      const logit = logits[row] / temperature;
      if (!Number.isNaN(outcomes[row])) loss += softplus(logit) - outcomes[row] * logit;
    }
    return loss;
  });
}

export function scaledProbability(logit: number, temperature: number): number {
  return sigmoid(logit / temperature);
}

/** T is looked for between e⁻⁷ and e⁷: beyond, the scores are constant or steps. */
const LARGEST_LOG = 7;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** The loss is unimodal in ln T. */
function searchTemperature(loss: (temperature: number) => number): number {
  let [low, high] = [-LARGEST_LOG, LARGEST_LOG];
  let [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
  let [leftLoss, rightLoss] = [loss(Math.exp(left)), loss(Math.exp(right))];
  while (high - low > 1e-9) {
    if (leftLoss <= rightLoss) {
      [high, right, rightLoss] = [right, left, leftLoss];
      left = high - GOLDEN * (high - low);
      leftLoss = loss(Math.exp(left));
    } else {
      [low, left, leftLoss] = [left, right, rightLoss];
      right = low + GOLDEN * (high - low);
      rightLoss = loss(Math.exp(right));
    }
  }
  return Math.exp((low + high) / 2);
}
