/**
 * Bradley–Terry strengths of M entities from weighted battles:
 *
 *     P(a beats b) = σ(s_a − s_b);   minimise −Σ_ab W_ab ln σ(s_a − s_b) + ½ ρ ‖s‖²,   Σ s = 0
 *     Elo difference = 400 · (s_a − s_b) / ln 10
 *
 * W_ab is the summed weight of "a beats b"; a battle counts 2w for its winner, a tie w for both. Only differences are
 * identified. Where an entity has won or lost all its battles the likelihood has no maximum, which is what the tiny
 * default ridge is for (the published code has none). Newton's method on M numbers.
 */
import { Matrix as DenseMatrix, solve } from "ml-matrix";
import { sigmoid } from "./logistic-regression.js";
import { argmax, type Matrix, makeMatrix } from "./matrix.js";

export interface Battle {
  a: number;
  b: number;
  outcome: "a" | "b" | "tie";
  /** Default 1. */
  weight?: number;
}

/** W, count × count. */
export function winsOf(battles: Iterable<Battle>, count: number): Matrix {
  const wins = makeMatrix(count, count);
  for (const battle of battles) addBattle(wins, battle);
  return wins;
}

export function addBattle(wins: Matrix, { a, b, outcome, weight = 1 }: Battle): void {
  const count = wins.shape[1];
  if (outcome === "tie") {
    wins.data[a * count + b] += weight;
    wins.data[b * count + a] += weight;
  } else if (outcome === "a") wins.data[a * count + b] += 2 * weight;
  else wins.data[b * count + a] += 2 * weight;
}

const DEFAULT_RIDGE = 1e-6;

/** s, with mean 0. wins: M × M as `winsOf` makes it. */
export function bradleyTerry(wins: Matrix, { ridge = DEFAULT_RIDGE } = {}): Float64Array {
  const count = wins.shape[0];
  let total = 0;
  for (const weight of wins.data) total += weight;
  let strengths: Float64Array = new Float64Array(count);
  let value = loss(wins, strengths, ridge);
  for (let iteration = 0; iteration < 200; iteration++) {
    const { gradient, hessian } = slopes(wins, strengths, ridge);
    if (gradient.every((slope) => Math.abs(slope) <= 1e-12 * (1 + total))) break;
    const step = solve(hessian, DenseMatrix.columnVector(gradient)).to1DArray();
    let length = 1;
    for (; length > 1e-12; length /= 2) {
      const next = centred(strengths.map((s, i) => s - length * step[i]));
      const nextValue = loss(wins, next, ridge);
      if (nextValue > value) continue;
      [strengths, value] = [next, nextValue];
      break;
    }
    if (length <= 1e-12 || Math.abs(length * step[argmax(step.map(Math.abs))]) < 1e-13) break;
  }
  return strengths;
}

/** Ratings with mean 0; the published scale adds 1000. */
export function eloOf(strengths: ArrayLike<number>): Float64Array {
  return Float64Array.from(strengths, (s) => (400 * s) / Math.LN10);
}

function loss(wins: Matrix, strengths: Float64Array, ridge: number): number {
  const count = strengths.length;
  let value = 0;
  for (let a = 0; a < count; a++) {
    value += 0.5 * ridge * strengths[a] ** 2;
    for (let b = 0; b < count; b++) {
      const weight = wins.data[a * count + b];
      if (weight > 0) value -= weight * Math.log(sigmoid(strengths[a] - strengths[b]));
    }
  }
  return value;
}

function slopes(wins: Matrix, strengths: Float64Array, ridge: number) {
  const count = strengths.length;
  const gradient = new Float64Array(count);
  // Any positive constant everywhere pins the direction in which all strengths move together.
  const hessian = DenseMatrix.ones(count, count);
  for (let a = 0; a < count; a++) {
    gradient[a] += ridge * strengths[a];
    hessian.set(a, a, hessian.get(a, a) + ridge);
    for (let b = 0; b < count; b++) {
      if (a === b) continue;
      const won = wins.data[a * count + b];
      const fought = won + wins.data[b * count + a];
      const p = sigmoid(strengths[a] - strengths[b]);
      gradient[a] -= won - fought * p;
      const curvature = fought * p * (1 - p);
      hessian.set(a, a, hessian.get(a, a) + curvature);
      hessian.set(a, b, hessian.get(a, b) - curvature);
    }
  }
  return { gradient, hessian };
}

function centred(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}
