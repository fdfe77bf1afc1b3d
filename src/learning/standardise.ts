/** Columns shifted to mean 0 and scaled to standard deviation 1; a constant column becomes 0. */
import { z } from "zod";
import { type Matrix, makeMatrix } from "./matrix.js";

export const savedScaler = z.strictObject({ means: z.array(z.number()), deviations: z.array(z.number()) });

export class Scaler {
  private constructor(
    private readonly means: Float64Array,
    private readonly deviations: Float64Array,
  ) {}

  /** From the columns of n × d; weighted rows count as that many. */
  static fit(x: Matrix, weights?: ArrayLike<number>): Scaler {
    const [rows, columns] = x.shape;
    const means = new Float64Array(columns);
    const squares = new Float64Array(columns);
    let total = 0;
    for (let row = 0; row < rows; row++) {
      const weight = weights?.[row] ?? 1;
      total += weight;
      for (let j = 0; j < columns; j++) means[j] += weight * x.data[row * columns + j];
    }
    for (let j = 0; j < columns; j++) means[j] /= total || 1;
    for (let row = 0; row < rows; row++) {
      const weight = weights?.[row] ?? 1;
      for (let j = 0; j < columns; j++) squares[j] += weight * (x.data[row * columns + j] - means[j]) ** 2;
    }
    return new Scaler(
      means,
      squares.map((square) => Math.sqrt(square / (total || 1))),
    );
  }

  apply(x: ArrayLike<number>): Float64Array {
    const { means, deviations } = this;
    return means.map((mean, j) => (deviations[j] > 0 ? (x[j] - mean) / deviations[j] : 0));
  }

  applyAll(x: Matrix): Matrix {
    const [rows, columns] = x.shape;
    const scaled = makeMatrix(rows, columns);
    for (let row = 0; row < rows; row++) {
      scaled.data.set(this.apply(x.data.subarray(row * columns, (row + 1) * columns)), row * columns);
    }
    return scaled;
  }

  toJSON(): z.infer<typeof savedScaler> {
    return { means: Array.from(this.means), deviations: Array.from(this.deviations) };
  }

  static restore({ means, deviations }: z.infer<typeof savedScaler>): Scaler {
    return new Scaler(Float64Array.from(means), Float64Array.from(deviations));
  }
}
