/**
 * Log-linear pooling: the rule behind the geometric mixture, contrastive decoding and proxy tuning.
 *
 *     p(u) = exp(Σ_i c_i · ln p_i(u)) / Z   for u in H, else 0        Z: so that they sum to 1
 *     H = {u : p_h(u) ≥ α · max_v p_h(v)}, or every entry where no head is given
 *
 * In logits this is softmax(Σ_i c_i z_i) over H: the normalisers of the p_i are constants that Z takes up.
 *
 * Zeros: where c_i > 0, an entry that member i cannot say (p_i = 0, or below the floor f: f) has p = 0, so without a
 * floor only what all can say is said. Where c_i < 0, a p_i of 0 counts as 1e-300, the strongest praise there is.
 *
 * Shapes: the step's entries, float64. Error: incompatible-members where no entry is left.
 */
import { LlamafuseError } from "../../errors.js";
import { type AlignedStep, massOf } from "../alignments/alignment.js";
import { argmax } from "../combine.js";
import type { FusedValues, FusionRule } from "./rule.js";

export interface LogLinearOptions {
  /** c_i of each voice. Default: the weights. */
  coefficients?: readonly number[];
  /** H by one voice. */
  head?: { voice: number; alpha: number };
  /** Smaller probabilities count as this. Default 0. */
  floor?: number;
}

/** Stands for a probability of 0 that is divided by. */
const SMALLEST = 1e-300;

export class LogLinearRule implements FusionRule {
  #probabilities: Float64Array = new Float64Array(0);

  constructor(private readonly options: LogLinearOptions = {}) {}

  fuse(step: AlignedStep, weights: readonly number[], asked: readonly number[]): FusedValues {
    const { coefficients, head, floor = 0 } = this.options;
    const { size, distributions } = step;
    if (this.#probabilities.length < size) this.#probabilities = new Float64Array(size);
    const out = this.#probabilities;
    if (head === undefined && floor === 0 && distributions.length === 2) {
      const [a, b] = asked.map((voice, c) => coefficients?.[voice] ?? weights[c]);
      // The geometric mean of two needs no logarithms, which take several times as long.
      if (a === 0.5 && b === 0.5 && takeRoots(distributions[0], distributions[1], out, size))
        return { probabilities: out, best: argmax(out, size) };
    }
    out.fill(0, 0, size);
    if (head !== undefined) keepHead(distributions[asked.indexOf(head.voice)], head.alpha, out, size);
    for (const [c, values] of distributions.entries()) {
      const coefficient = coefficients?.[asked[c]] ?? weights[c];
      if (coefficient === 0) continue;
      addLogarithms(values, coefficient, coefficient < 0 ? SMALLEST : floor * massOf(step, c), out, size);
    }
    normaliseExponentials(out, size);
    return { probabilities: out, best: argmax(out, size) };
  }
}

/** out_j = √(a_j b_j) / Z. False where all are 0. */
function takeRoots(a: Float64Array, b: Float64Array, out: Float64Array, size: number): boolean {
  let sum = 0;
  for (let j = 0; j < size; j++) sum += out[j] = Math.sqrt(a[j]) * Math.sqrt(b[j]);
  if (!(sum > 0)) return false;
  for (let j = 0; j < size; j++) out[j] /= sum;
  return true;
}

/** −Infinity for every entry outside of H. */
function keepHead(values: Float64Array, alpha: number, out: Float64Array, size: number): void {
  let largest = 0;
  for (let j = 0; j < size; j++) if (values[j] > largest) largest = values[j];
  const least = alpha * largest;
  for (let j = 0; j < size; j++) if (values[j] < least) out[j] = Number.NEGATIVE_INFINITY;
}

/** out_j += c · ln max(values_j, floor); what is −Infinity stays so. */
function addLogarithms(values: Float64Array, c: number, floor: number, out: Float64Array, size: number): void {
  for (let j = 0; j < size; j++) {
    if (out[j] === Number.NEGATIVE_INFINITY) continue;
    const value = Math.max(values[j], floor);
    out[j] = value > 0 ? out[j] + c * Math.log(value) : Number.NEGATIVE_INFINITY;
  }
}

/** Softmax in place. */
function normaliseExponentials(out: Float64Array, size: number): void {
  let largest = Number.NEGATIVE_INFINITY;
  for (let j = 0; j < size; j++) if (out[j] > largest) largest = out[j];
  if (largest === Number.NEGATIVE_INFINITY) {
    throw new LlamafuseError(
      "incompatible-members",
      "At this step no string is possible for all members, so their product is 0 everywhere. " +
        'Align them by "top-union", where every member scores every string, set a floor, or use the rule "mean".',
      { found: 0 },
    );
  }
  let sum = 0;
  for (let j = 0; j < size; j++) {
    out[j] = out[j] === Number.NEGATIVE_INFINITY ? 0 : Math.exp(out[j] - largest);
    sum += out[j];
  }
  for (let j = 0; j < size; j++) out[j] /= sum;
}
