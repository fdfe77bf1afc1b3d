/**
 * The geometric mixture of distributions, also called logarithmic opinion pool or product of experts (Hinton, "Training
 * Products of Experts by Minimizing Contrastive Divergence", 2002): rule "product" on any alignment.
 *
 *     p(u) = Π_i p_i(u)^(w_i) / Z          Σ w_i = 1
 *
 * In logits, the softmax of their weighted mean. A string that one member finds impossible is impossible (see
 * rules/log-linear.ts for zeros, and for `floor`); on the default alignment, "top-union", there are none.
 */
import { z } from "zod";
import { ALIGNMENTS_TEXT, alignmentOptions } from "../alignments/kinds.js";
import type { MethodContext, MethodInfo, MethodRun } from "../method.js";
import { productShape } from "../rules/kinds.js";
import { createFusion } from "./fusion.js";

export const productInfo: MethodInfo = {
  name: "product",
  summary: "Geometric mixture: the normalised product of the members' probabilities, each to the power of its weight.",
  source: "Hinton 2002, doi 10.1162/089976602760128018",
  requires: "Any vocabularies.",
  options: {
    alignment: `${ALIGNMENTS_TEXT}. Default "top-union".`,
    floor: "Smaller probabilities count as this one. Default 0: what a member cannot say is not said.",
  },
};

export const productOptions = z.strictObject({ alignment: alignmentOptions, ...productShape });

export function createProduct(
  context: MethodContext,
  { alignment, ...rule }: z.output<typeof productOptions>,
): MethodRun {
  return createFusion(context, { alignment, rule: { name: "product", ...rule } });
}
