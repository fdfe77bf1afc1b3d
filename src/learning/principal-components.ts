/**
 * Principal components: vectors in the few directions in which the fitted ones differ most.
 *
 *     f(x) = Vᵀ(x − mean),   V: d × k, the leading right singular vectors of the centred points
 */
import { z } from "zod";
import { type Matrix, makeMatrix, rowOf } from "./matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "./packed-numbers.js";
import { project, truncatedSvd } from "./truncated-svd.js";

export const savedComponents = z.strictObject({ mean: z.array(z.number()), vectors: packedNumbers });

export class PrincipalComponents {
  readonly #indices: Int32Array;

  private constructor(
    private readonly mean: Float64Array,
    private readonly vectors: Matrix,
  ) {
    this.#indices = Int32Array.from(mean.keys());
  }

  /** points: n × d; fewer than k components where the points span fewer. */
  static fit(points: Matrix, k: number, seed: number): PrincipalComponents {
    const [rows, columns] = points.shape;
    const mean = new Float64Array(columns);
    for (let row = 0; row < rows; row++) {
      const point = rowOf(points, row);
      for (let j = 0; j < columns; j++) mean[j] += point[j] / rows;
    }
    const indices = Int32Array.from(mean.keys());
    const centred = Array.from({ length: rows }, (_, row) => ({
      indices,
      values: rowOf(points, row).map((value, j) => value - mean[j]),
    }));
    return new PrincipalComponents(mean, truncatedSvd(centred, columns, k, seed));
  }

  get count(): number {
    return this.vectors.shape[1];
  }

  transform(x: ArrayLike<number>): Float64Array {
    return project(this.vectors, { indices: this.#indices, values: this.mean.map((each, j) => x[j] - each) });
  }

  transformAll(points: Matrix): Matrix {
    const result = makeMatrix(points.shape[0], this.count);
    for (let row = 0; row < points.shape[0]; row++) rowOf(result, row).set(this.transform(rowOf(points, row)));
    return result;
  }

  toJSON(): z.infer<typeof savedComponents> {
    return { mean: Array.from(this.mean), vectors: packMatrix(this.vectors) };
  }

  static restore({ mean, vectors }: z.infer<typeof savedComponents>): PrincipalComponents {
    return new PrincipalComponents(Float64Array.from(mean), unpackMatrix(vectors));
  }
}
