/**
 * Contrastive decoding: what an expert says and an amateur does not. Rule "contrast" on any alignment in which both score
 * every string.
 *
 *     form "scaled":      p(u) ∝ p_E(u)^(1+β) / p_A(u)^(β/τ)     (1 + β) z_E − β z_A / τ in logits
 *     form "difference":  p(u) ∝ p_E(u) / p_A(u)^(1/τ)
 *     over {u : p_E(u) ≥ α · max_v p_E(v)}, 0 elsewhere
 *
 * "scaled" is O'Brien and Lewis, "Contrastive Decoding Improves Reasoning in Large Language Models", arXiv 2309.09117:
 * α = 0.1, β = 0.5 (τ = 1). "difference" is Li and others, "Contrastive Decoding: Open-ended Text Generation as
 * Optimization", arXiv 2210.15097, with α = 0.1 and the amateur's temperature τ (0.5 for GPT-2, 1 for OPT [unverified]);
 * they search with 5 beams, here the sampler chooses. Both papers fuse models of one vocabulary, over all of it and
 * with token ids back, and so does this; different vocabularies meet in "top-union" (ours).
 * Members' weights have no meaning here, the roles stand for them.
 */
import { defineMethod } from "../define-method.js";
import { contrast as contrastRule } from "../rules/contrast.js";
import { ofRule } from "./fusion/compose.js";

const ROLES = {
  order: "the members have roles",
  weights: "the members have roles instead of weights",
  end: "a quotient of the end's probabilities is not their mean",
};

export const contrast = defineMethod({
  name: "contrast",
  summary: "Contrastive decoding: prefers plausible expert tokens that the amateur rates lower.",
  source: "arXiv 2309.09117; arXiv 2210.15097",
  requires: "Two members in roles. Any vocabularies; with one, all of it is fused.",
  ...ofRule(contrastRule, { wholeVocabulary: true }),
  laws: [
    {
      covers: "some",
      exempt: { ...ROLES, agreement: "strings below a share of the expert's best one are left out" },
      rounding: 2,
    },
    { options: { alpha: 0 }, covers: "some", exempt: ROLES },
    { options: { alignment: "one-vocabulary", alpha: 0 }, covers: "all", exempt: ROLES },
  ],
});
