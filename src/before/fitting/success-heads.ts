/**
 * One logistic head a model on frozen embeddings: what stands in this project for the fine-tuned text encoders (DistilBERT,
 * RoBERTa, a small decoder) of the papers.
 *
 *     ĉ_m(x) = σ(β₀ + βᵀx)
 *     minimise Σ_i [w_m y_im softplus(−z) + (1 − y_im) softplus(z)] + ½ ρ ‖β‖²     over the rows where y_im is known
 *
 * y in [0, 1] may be graded. w_m is 1, or with `balanced` Σ (1 − y) / Σ y, PyTorch's pos_weight for even classes.
 */
import { z } from "zod";
import { LogisticRegression, savedLogistic } from "../../learning/logistic-regression.js";
import { columnOf, type Matrix } from "../../learning/matrix.js";
import type { FitOptions } from "../router.js";
import { pauseFit } from "./fit-steps.js";

export interface HeadOptions {
  /** ρ. Default 1. */
  ridge?: number;
  /** Default false. */
  balanced?: boolean;
}

/** Coefficients that decide nothing beyond this are not worth more passes. */
const TOLERANCE = 1e-5;

export const savedHeads = z.array(savedLogistic);

export class SuccessHeads {
  private constructor(private readonly heads: readonly LogisticRegression[]) {}

  /** embeddings: n × d; labels: n × models, NaN where unknown. Errors: invalid-data (a model without labels), aborted. */
  static async fit(
    embeddings: Matrix,
    labels: Matrix,
    { ridge = 1, balanced = false }: HeadOptions,
    training: FitOptions,
  ): Promise<SuccessHeads> {
    const count = labels.shape[1];
    const heads: LogisticRegression[] = [];
    for (let model = 0; model < count; model++) {
      const label = columnOf(labels, model);
      const { targets, weights } = weighted(label, balanced ? positiveWeight(label) : 1);
      // Embeddings come scaled; standardising them would blow up the directions that carry least.
      const options = { ridge, weights, tolerance: TOLERANCE, standardise: false };
      heads.push(LogisticRegression.fit(embeddings, targets, options));
      await pauseFit(training, (model + 1) / count);
    }
    return new SuccessHeads(heads);
  }

  /** ĉ_m(x) of every model. */
  predict(embedding: ArrayLike<number>): Float64Array {
    return Float64Array.from(this.heads, (head) => head.probability(embedding));
  }

  toJSON(): z.infer<typeof savedHeads> {
    return this.heads.map((head) => head.toJSON());
  }

  static restore(saved: z.infer<typeof savedHeads>): SuccessHeads {
    return new SuccessHeads(saved.map((head) => LogisticRegression.restore(head)));
  }
}

/** Σ (1 − y) / Σ y over the known labels; 1 where one class is missing. */
function positiveWeight(labels: Float64Array): number {
  let [positive, known] = [0, 0];
  for (const label of labels) {
    if (Number.isNaN(label)) continue;
    positive += label;
    known++;
  }
  return positive === 0 || positive === known ? 1 : (known - positive) / positive;
}

/** w y softplus(−z) + (1 − y) softplus(z) as one weighted row with one soft label. */
function weighted(labels: Float64Array, positive: number) {
  const weights = labels.map((label) => (Number.isNaN(label) ? 0 : positive * label + (1 - label)));
  return { weights, targets: labels.map((label, row) => (positive * label) / weights[row]) };
}
