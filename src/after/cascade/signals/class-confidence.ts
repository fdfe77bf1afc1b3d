/**
 * How sure a model is of its answer, read from the probabilities p of C classes (Varshney and Baral, "Model Cascading",
 * arXiv 2210.05528, as its abstract and summaries describe it):
 *
 *     max-probability      max p
 *     margin               largest − second largest p
 *     entropy              −Σ p ln p, in nats; the less, the surer
 *     distance-to-uniform  KL(p ‖ uniform) = Σ p ln(p C) = ln C − entropy
 *
 * 0 ln 0 = 0. Distance to uniform and entropy order answers over one set of classes alike.
 */
import { argmax } from "../../../learning/matrix.js";

export const CLASS_MEASURES = ["max-probability", "margin", "entropy", "distance-to-uniform"] as const;

export type ClassMeasure = (typeof CLASS_MEASURES)[number];

/** The largest value less the second largest; the largest alone where there is one. */
export function marginOf(values: ArrayLike<number>): number {
  const best = argmax(values);
  let second = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) if (index !== best) second = Math.max(second, values[index]);
  return second === Number.NEGATIVE_INFINITY ? values[best] : values[best] - second;
}

/** −Σ p ln p, in nats. */
export function entropyOf(probabilities: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < probabilities.length; index++) {
    const p = probabilities[index];
    if (p > 0) sum -= p * Math.log(p);
  }
  return sum;
}

/** By the measure; the larger, the surer, so entropy is negated. */
export function classConfidence(probabilities: ArrayLike<number>, measure: ClassMeasure): number {
  switch (measure) {
    case "max-probability":
      return probabilities[argmax(probabilities)];
    case "margin":
      return marginOf(probabilities);
    case "entropy":
      return -entropyOf(probabilities);
    case "distance-to-uniform":
      return Math.log(probabilities.length) - entropyOf(probabilities);
  }
}
