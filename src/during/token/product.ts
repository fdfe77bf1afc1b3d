/**
 * The geometric mixture of distributions, also called logarithmic opinion pool or product of experts (Hinton, "Training
 * Products of Experts by Minimizing Contrastive Divergence", 2002): rule "product" on any alignment.
 *
 *     p(u) = Π_i p_i(u)^(w_i) / Z          Σ w_i = 1
 *
 * In logits, the softmax of their weighted mean. A string that one member finds impossible is impossible (see
 * rules/log-linear.ts for zeros, and for `floor`); on the default alignment, "top-union", there are none.
 */
import { defineMethod } from "../define-method.js";
import { product as productRule } from "../rules/product.js";
import { ofRule } from "./fusion/compose.js";

const GEOMETRIC = "a geometric mixture of the end's probabilities is not their mean";

export const product = defineMethod({
  name: "product",
  summary: "Geometric mixture: the product of the members' probabilities, each to the power of its weight, normalised.",
  source: "Hinton 2002, doi 10.1162/089976602760128018",
  requires: "Any vocabularies.",
  ...ofRule(productRule),
  laws: [
    { covers: "some", rounding: 2 },
    { options: { alignment: "union" }, covers: "all", exempt: { end: GEOMETRIC } },
    { options: { alignment: "union", floor: 1e-12 }, covers: "all", exempt: { end: GEOMETRIC } },
  ],
});
