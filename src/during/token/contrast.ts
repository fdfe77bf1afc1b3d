/**
 * Contrastive decoding: what an expert says and an amateur does not. Rule "contrast" on any alignment in which both judge
 * every string.
 *
 *     form "scaled":      p(u) ∝ p_E(u)^(1+β) / p_A(u)^(β/τ)     (1 + β) z_E − β z_A / τ in logits
 *     form "difference":  p(u) ∝ p_E(u) / p_A(u)^(1/τ)
 *     over {u : p_E(u) ≥ α · max_v p_E(v)}, 0 elsewhere
 *
 * "scaled" is O'Brien and Lewis, "Contrastive Decoding Improves Reasoning in Large Language Models", arXiv 2309.09117:
 * α = 0.1, β = 0.5 (τ = 1). "difference" is Li and others, "Contrastive Decoding: Open-ended Text Generation as
 * Optimization", arXiv 2210.15097, with α = 0.1 and the amateur's temperature τ (0.5 for GPT-2, 1 for OPT [unverified]);
 * they search with 5 beams, here the sampler chooses. Both papers fuse models of one vocabulary; "top-union" makes it any.
 * Members' weights have no meaning here, the roles stand for them.
 */
import { z } from "zod";
import { ALIGNMENTS_TEXT, alignmentOptions } from "../alignments/kinds.js";
import type { MethodContext, MethodInfo, MethodRun } from "../method.js";
import type { Roles } from "../roles.js";
import { BETA_UNUSED, CONTRAST_ROLES, contrastShape, usesBeta } from "../rules/kinds.js";
import { createFusion } from "./fusion.js";

export const contrastInfo: MethodInfo = {
  name: "contrast",
  summary: "Contrastive decoding: what the expert finds likelier than the amateur, among what it finds plausible.",
  source: "arXiv 2309.09117; arXiv 2210.15097",
  requires: "Two members in roles; any vocabularies with top-union, else one.",
  options: {
    alignment: `${ALIGNMENTS_TEXT}. Default "top-union".`,
    expert: "The member that is believed, by name or index. Default 0.",
    amateur: "The member that is divided by. Default 1.",
    form: '"scaled" (default): p_E^(1+β) / p_A^β; "difference": p_E / p_A, the original.',
    beta: 'With form "scaled": how much the amateur counts. Default 0.5.',
    amateurTemperature: "Divides the amateur's logits. Default 1.",
    alpha: "Strings below this share of the expert's best one are left out. Default 0.1.",
  },
};

export const contrastOptions = z
  .strictObject({ alignment: alignmentOptions, ...contrastShape })
  .refine(usesBeta, BETA_UNUSED);

export const contrastRoles: Roles = { of: "contrast", names: CONTRAST_ROLES, instead: "a method such as unite" };

export function createContrast(
  context: MethodContext,
  { alignment, ...rule }: z.output<typeof contrastOptions>,
): MethodRun {
  return createFusion(context, { alignment, rule: { name: "contrast", ...rule } });
}
