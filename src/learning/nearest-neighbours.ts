/**
 * Exact k nearest neighbours by cosine: one scan over single-precision unit vectors. Points of length 0 have similarity 0
 * to everything.
 *
 *     s_i = ⟨x, p_i⟩ / (‖x‖ ‖p_i‖),   the k largest by falling s, ties to the lowest index
 */
import { LlamafuseError } from "../errors.js";
import { type Matrix, rowOf, unitVector } from "./matrix.js";
import { type PackedNumbers, pack, unpack } from "./packed-numbers.js";

export interface Neighbours {
  /** Rows of the fitted points, nearest first. */
  indices: Int32Array;
  similarities: Float64Array;
}

export class NearestNeighbours {
  private constructor(
    readonly count: number,
    readonly dimension: number,
    private readonly points: Float32Array,
  ) {}

  /** points: n × d. */
  static fit(points: Matrix): NearestNeighbours {
    const [count, dimension] = points.shape;
    const stored = new Float32Array(count * dimension);
    for (let row = 0; row < count; row++) stored.set(unitVector(rowOf(points, row)), row * dimension);
    return new NearestNeighbours(count, dimension, stored);
  }

  /** The min(k, n) nearest points. Errors: invalid-option for k < 1. */
  search(query: ArrayLike<number>, k: number): Neighbours {
    if (!(k >= 1)) throw new LlamafuseError("invalid-option", `k is ${k}; it must be at least 1.`, { found: k });
    const size = Math.min(k, this.count);
    const indices = new Int32Array(size);
    const similarities = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
    const all = this.similarities(query);
    let kept = 0;
    for (let row = 0; row < this.count; row++) {
      const similarity = all[row];
      if (kept === size && similarity <= similarities[size - 1]) continue;
      let place = kept === size ? size - 1 : kept++;
      for (; place > 0 && similarities[place - 1] < similarity; place--) {
        similarities[place] = similarities[place - 1];
        indices[place] = indices[place - 1];
      }
      similarities[place] = similarity;
      indices[place] = row;
    }
    return { indices, similarities };
  }

  /** s_i for every point. */
  similarities(query: ArrayLike<number>): Float32Array {
    const { count, dimension, points } = this;
    const x = Float32Array.from(unitVector(query));
    const similarities = new Float32Array(count);
    const paired = dimension & ~3;
    for (let row = 0, at = 0; row < count; row++, at += dimension) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let j = 0;
      for (; j < paired; j += 4) {
        s0 += x[j] * points[at + j];
        s1 += x[j + 1] * points[at + j + 1];
        s2 += x[j + 2] * points[at + j + 2];
        s3 += x[j + 3] * points[at + j + 3];
      }
      for (; j < dimension; j++) s0 += x[j] * points[at + j];
      similarities[row] = s0 + s1 + (s2 + s3);
    }
    return similarities;
  }

  toJSON(): PackedNumbers {
    return pack(this.points, [this.count, this.dimension]);
  }

  static restore(packed: PackedNumbers): NearestNeighbours {
    const [count, dimension] = packed.shape;
    return new NearestNeighbours(count, dimension, unpack(packed, "float32"));
  }
}
