/**
 * Exact k nearest neighbours by cosine: one scan over single-precision unit vectors, in WebAssembly SIMD. Points of length
 * 0 have similarity 0 to everything.
 *
 *     s_i = ⟨x, p_i⟩ / (‖x‖ ‖p_i‖),   the k largest by falling s, ties to the lowest index
 */
import { LlamafuseError } from "../errors.js";
import { type Kernels, loadKernels } from "../kernels/kernels.js";
import { type Matrix, rowOf, unitVector } from "./matrix.js";
import { type PackedNumbers, pack, unpack } from "./packed-numbers.js";

export interface Neighbours {
  /** Rows of the fitted points, nearest first. */
  indices: Int32Array;
  similarities: Float64Array;
}

/** Rows are filled up with zeros to a multiple of this. */
const TURN = 16;

export class NearestNeighbours {
  readonly #width: number;
  readonly #kernels: Kernels;
  /** Places in the kernels' memory: the points, a query and the similarities. */
  readonly #at: { points: number; query: number; similarities: number };

  private constructor(
    readonly count: number,
    readonly dimension: number,
  ) {
    this.#width = Math.ceil(dimension / TURN) * TURN;
    this.#kernels = loadKernels();
    const { shared } = this.#kernels;
    this.#at = {
      points: shared.allocate(4 * count * this.#width),
      query: shared.allocate(4 * this.#width),
      similarities: shared.allocate(4 * count),
    };
  }

  /** points: n × d. */
  static fit(points: Matrix): NearestNeighbours {
    const [count, dimension] = points.shape;
    const index = new NearestNeighbours(count, dimension);
    for (let row = 0; row < count; row++) index.#pointAt(row).set(unitVector(rowOf(points, row)));
    return index;
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

  /** s_i for every point; the next call writes over it. */
  similarities(query: ArrayLike<number>): Float32Array {
    const { count } = this;
    const { shared, dots } = this.#kernels;
    shared.float32(this.#at.query, this.dimension).set(unitVector(query));
    dots(this.#at.points, count, this.#width, this.#at.query, this.#at.similarities);
    return shared.float32(this.#at.similarities, count);
  }

  toJSON(): PackedNumbers {
    const points = new Float32Array(this.count * this.dimension);
    for (let row = 0; row < this.count; row++) points.set(this.#pointAt(row), row * this.dimension);
    return pack(points, [this.count, this.dimension]);
  }

  static restore(packed: PackedNumbers): NearestNeighbours {
    const [count, dimension] = packed.shape;
    const points = unpack(packed, "float32");
    const index = new NearestNeighbours(count, dimension);
    for (let row = 0; row < count; row++) {
      index.#pointAt(row).set(points.subarray(row * dimension, (row + 1) * dimension));
    }
    return index;
  }

  #pointAt(row: number): Float32Array {
    return this.#kernels.shared.float32(this.#at.points + 4 * row * this.#width, this.dimension);
  }
}
