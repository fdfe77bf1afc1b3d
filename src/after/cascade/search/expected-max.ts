/**
 * The expected maximum of qualities that are uncertain together, jointly normal with means μ and covariance Σ:
 *
 *     one   μ
 *     two   μ_1 Φ(α) + μ_2 Φ(−α) + θ φ(α),  θ² = σ_1² + σ_2² − 2 σ_12,  α = (μ_1 − μ_2) / θ      (Clark, 1961; exact)
 *     more  mean over draws z ~ N(0, I) of max(L z + μ),  L Lᵀ = Σ + 1e-12 I
 *
 * The draws are the same in every process and for every query, so that equal inputs give equal numbers; eth-sri/cascade-routing
 * draws them anew in each process.
 */
import { CholeskyDecomposition, Matrix as DenseMatrix } from "ml-matrix";
import { drawNormal } from "../../../learning/draws.js";
import { RandomGenerator } from "../../../random.js";

const DRAWS = 64;
const JITTER = 1e-12;

export interface ExpectedMax {
  mean: number;
  variance: number;
}

/** By draws: rows of as many standard normal numbers as there are means. */
export function drawnMax(
  means: ArrayLike<number>,
  covariance: readonly ArrayLike<number>[],
  draws: readonly ArrayLike<number>[],
): ExpectedMax {
  const size = means.length;
  const sigma = new DenseMatrix(covariance.map((row) => Array.from(row)));
  for (let at = 0; at < size; at++) sigma.set(at, at, sigma.get(at, at) + JITTER);
  const lower = new CholeskyDecomposition(sigma).lowerTriangularMatrix;
  const highest = draws.map((draw) => {
    let most = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < size; row++) {
      let value = means[row];
      for (let column = 0; column <= row; column++) value += lower.get(row, column) * draw[column];
      most = Math.max(most, value);
    }
    return most;
  });
  const mean = highest.reduce((sum, each) => sum + each, 0) / highest.length;
  const variance = highest.reduce((sum, each) => sum + (each - mean) ** 2, 0) / highest.length;
  return { mean, variance };
}

/** Of independent qualities. */
export function expectedMax(means: ArrayLike<number>, variances: ArrayLike<number>): number {
  if (means.length === 1) return means[0];
  if (means.length === 2) return maxOfTwo(means[0], means[1], Math.sqrt(variances[0] + variances[1]));
  let sum = 0;
  const draws = fixedDraws(means.length);
  for (const draw of draws) {
    let most = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < means.length; at++) most = Math.max(most, means[at] + Math.sqrt(variances[at]) * draw[at]);
    sum += most;
  }
  return sum / draws.length;
}

function maxOfTwo(a: number, b: number, theta: number): number {
  if (theta === 0) return Math.max(a, b);
  const alpha = (a - b) / theta;
  const density = Math.exp(-0.5 * alpha * alpha) / Math.sqrt(2 * Math.PI);
  return a * normalShare(alpha) + b * normalShare(-alpha) + theta * density;
}

/** Φ: to 1e-15 by its series near 0, by a continued fraction further out. */
export function normalShare(x: number): number {
  if (x > 0) return 1 - normalShare(-x);
  if (x < -38) return 0;
  const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  if (x > -3) {
    let [term, sum] = [x, x];
    for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) sum += term *= (x * x) / (2 * k + 1);
    return 0.5 + density * sum;
  }
  let fraction = -x;
  for (let k = 60; k > 0; k--) fraction = -x + k / fraction;
  return density / fraction;
}

const drawsBySize = new Map<number, Float64Array[]>();

/** In pairs of opposite sign, so that their mean is 0. */
function fixedDraws(size: number): readonly Float64Array[] {
  let draws = drawsBySize.get(size);
  if (draws === undefined) {
    const random = new RandomGenerator(size);
    const half = Array.from({ length: DRAWS / 2 }, () => Float64Array.from({ length: size }, () => drawNormal(random)));
    drawsBySize.set(size, (draws = [...half, ...half.map((draw) => draw.map((each) => -each))]));
  }
  return draws;
}
