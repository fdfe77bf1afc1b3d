/**
 * Making scores mean what they say.
 *
 * Isotonic regression: the non-decreasing f that minimises Σ w (f(s) − y)², by pooling adjacent violators; between
 * fitted scores linear, beyond them constant, as in scikit-learn.
 */
import { z } from "zod";
import { LlamafuseError } from "../errors.js";

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
