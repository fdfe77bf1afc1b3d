/**
 * k-means by Lloyd's iterations from k-means++ seeds (Arthur and Vassilvitskii 2007):
 *
 *     minimise Σ_i ‖x_i − c_{z_i}‖²
 *
 * Seeding draws the next centre with probability ∝ squared distance to those there are; an emptied cluster takes the
 * point farthest from its centre. Ties go to the lowest index. Own code, because ml-kmeans walks arrays of arrays
 * through a distance callback: 64 clusters of 10,000 × 128 take it several times as long.
 */
import { z } from "zod";
import { LlamafuseError } from "../errors.js";
import { RandomGenerator } from "../random.js";
import { dot, type Matrix, makeMatrix, rowOf } from "./matrix.js";
import { packedNumbers, packMatrix, unpackMatrix } from "./packed-numbers.js";

export interface KMeansOptions {
  seed: number;
  /** Lloyd iterations at most; default 100. */
  maxIterations?: number;
}

export const savedKMeans = z.strictObject({ centres: packedNumbers });

export class KMeans {
  private readonly norms: Float64Array;

  private constructor(
    /** k × d */
    readonly centres: Matrix,
    /** The cluster of each fitted row; empty after `restore`. */
    readonly labels: Int32Array,
    /** Σ ‖x_i − c‖² of the fit. */
    readonly inertia: number,
  ) {
    this.norms = squaredNorms(centres);
  }

  /** points: n × d. Errors: invalid-option unless 1 ≤ k ≤ n. */
  static fit(points: Matrix, k: number, { seed, maxIterations = 100 }: KMeansOptions): KMeans {
    const [count, dimension] = points.shape;
    if (!(Number.isInteger(k) && k >= 1 && k <= count)) {
      throw new LlamafuseError("invalid-option", `${k} clusters of ${count} points; 1 to ${count} are possible.`, {
        found: k,
        allowed: `1 to ${count}`,
        option: "clusters",
      });
    }
    const norms = squaredNorms(points);
    const centres = seedCentres(points, norms, k, new RandomGenerator(seed));
    const labels = new Int32Array(count).fill(-1);
    const distances = new Float64Array(count);
    for (let iteration = 0; iteration < maxIterations; iteration++) {
      if (!assign(points, norms, centres, labels, distances)) break;
      moveCentres(points, centres, labels, distances, dimension);
    }
    assign(points, norms, centres, labels, distances);
    const inertia = distances.reduce((sum, distance) => sum + distance, 0);
    return new KMeans(centres, labels, inertia);
  }

  /** The nearest centre. */
  nearest(x: ArrayLike<number>): number {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let cluster = 0; cluster < this.centres.shape[0]; cluster++) {
      const distance = this.norms[cluster] - 2 * dot(rowOf(this.centres, cluster), x);
      if (distance < least) [best, least] = [cluster, distance];
    }
    return best;
  }

  toJSON(): z.infer<typeof savedKMeans> {
    return { centres: packMatrix(this.centres) };
  }

  static restore({ centres }: z.infer<typeof savedKMeans>): KMeans {
    return new KMeans(unpackMatrix(centres), new Int32Array(0), Number.NaN);
  }
}

function seedCentres(points: Matrix, norms: Float64Array, k: number, random: RandomGenerator): Matrix {
  const [count, dimension] = points.shape;
  const centres = makeMatrix(k, dimension);
  const distances = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let chosen = Math.floor(random.next() * count);
  for (let cluster = 0; ; cluster++) {
    const centre = rowOf(centres, cluster);
    centre.set(rowOf(points, chosen));
    if (cluster === k - 1) return centres;
    let total = 0;
    for (let row = 0; row < count; row++) {
      const distance = norms[row] + norms[chosen] - 2 * dot(rowOf(points, row), centre);
      distances[row] = row === chosen ? 0 : Math.min(distances[row], Math.max(0, distance));
      total += distances[row];
    }
    let rest = random.next() * total;
    // Where all points are the same, any will do.
    if (total === 0) chosen = (chosen + 1) % count;
    else chosen = distances.findIndex((distance) => distance > 0 && (rest -= distance) < 0);
    if (chosen < 0) chosen = distances.findLastIndex((distance) => distance > 0);
  }
}

/** Nearest centre and squared distance of each point; whether any point changed. */
function assign(
  points: Matrix,
  norms: Float64Array,
  centres: Matrix,
  labels: Int32Array,
  distances: Float64Array,
): boolean {
  const clusters = centres.shape[0];
  const centreNorms = squaredNorms(centres);
  const rows = Array.from({ length: clusters }, (_, cluster) => rowOf(centres, cluster));
  let changed = false;
  for (let row = 0; row < labels.length; row++) {
    const x = rowOf(points, row);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let cluster = 0; cluster < clusters; cluster++) {
      const distance = centreNorms[cluster] - 2 * dot(rows[cluster], x);
      if (distance < least) [best, least] = [cluster, distance];
    }
    changed ||= labels[row] !== best;
    labels[row] = best;
    distances[row] = Math.max(0, norms[row] + least);
  }
  return changed;
}

function moveCentres(
  points: Matrix,
  centres: Matrix,
  labels: Int32Array,
  distances: Float64Array,
  dimension: number,
): void {
  const clusters = centres.shape[0];
  const sizes = new Float64Array(clusters);
  centres.data.fill(0);
  for (let row = 0; row < labels.length; row++) {
    const at = labels[row] * dimension;
    sizes[labels[row]]++;
    for (let j = 0; j < dimension; j++) centres.data[at + j] += points.data[row * dimension + j];
  }
  for (let cluster = 0; cluster < clusters; cluster++) {
    const centre = rowOf(centres, cluster);
    if (sizes[cluster] > 0) {
      for (let j = 0; j < dimension; j++) centre[j] /= sizes[cluster];
      continue;
    }
    let farthest = 0;
    for (let row = 1; row < distances.length; row++) if (distances[row] > distances[farthest]) farthest = row;
    centre.set(rowOf(points, farthest));
    distances[farthest] = 0;
  }
}

function squaredNorms(matrix: Matrix): Float64Array {
  return Float64Array.from({ length: matrix.shape[0] }, (_, row) => dot(rowOf(matrix, row), rowOf(matrix, row)));
}
