/**
 * Proxy tuning: a large model is steered by the difference between a small tuned model and the same one untuned (Liu, Han,
 * Wang, Tsvetkov, Choi and Smith, "Tuning Language Models by Proxy", arXiv 2401.08565). Rule "proxy" on any alignment in
 * which all score every string.
 *
 *     p(u) ∝ p_B(u) · (p_E(u) / p_A(u))^γ        softmax(z_B + γ (z_E − z_A)) in logits
 *     over {u : p_B(u) ≥ α · max_v p_B(v)}, 0 elsewhere
 *
 * B: base, E: expert (tuned), A: anti-expert (untuned). The paper has γ = 1 and no plausibility constraint (α = 0, the
 * default); γ is DExperts' strength (Liu and others, arXiv 2105.03023, which cuts the base to a nucleus instead of α). The
 * paper fuses models of one vocabulary, over all of it and with token ids back, and so does this; different vocabularies meet
 * in "top-union" (ours). Members' weights have no meaning here.
 */
import { defineMethod } from "../define-method.js";
import { proxy as proxyRule } from "../rules/proxy.js";
import { ofRule } from "./fusion/compose.js";

const ROLES = {
  order: "the members have roles",
  weights: "the members have roles instead of weights",
  end: "a quotient of the end's probabilities is not their mean",
};

export const proxy = defineMethod({
  name: "proxy",
  summary: "Proxy tuning: a base model, shifted by the difference between a small tuned model and its untuned twin.",
  source: "arXiv 2401.08565",
  requires: "Three members in roles. Any vocabularies; with one, all of it is fused.",
  ...ofRule(proxyRule, { wholeVocabulary: true }),
  laws: [
    { covers: "some", exempt: ROLES, rounding: 2 },
    { options: { alignment: "one-vocabulary", strength: 0.5 }, covers: "all", exempt: ROLES },
  ],
});
