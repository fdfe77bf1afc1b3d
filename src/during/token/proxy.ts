/**
 * Proxy tuning: a large model is steered by the difference between a small tuned model and the same one untuned (Liu, Han,
 * Wang, Tsvetkov, Choi and Smith, "Tuning Language Models by Proxy", arXiv 2401.08565). Rule "proxy" on any alignment in
 * which all judge every string.
 *
 *     p(u) ∝ p_B(u) · (p_E(u) / p_A(u))^γ        softmax(z_B + γ (z_E − z_A)) in logits
 *     over {u : p_B(u) ≥ α · max_v p_B(v)}, 0 elsewhere
 *
 * B: base, E: expert (tuned), A: anti-expert (untuned). The paper has γ = 1 and no plausibility constraint (α = 0, the
 * default); γ is DExperts' strength (Liu and others, arXiv 2105.03023, which cuts the base to a nucleus instead of α). The
 * paper fuses models of one vocabulary; "top-union" makes it any. Members' weights have no meaning here.
 */
import { z } from "zod";
import { ALIGNMENTS_TEXT, alignmentOptions } from "../alignments/kinds.js";
import type { MethodContext, MethodInfo, MethodRun } from "../method.js";
import type { Roles } from "../roles.js";
import { PROXY_ROLES, proxyShape } from "../rules/kinds.js";
import { createFusion } from "./fusion.js";

export const proxyInfo: MethodInfo = {
  name: "proxy",
  summary: "Proxy tuning: a base model, shifted by what a small tuned model says other than its untuned twin.",
  source: "arXiv 2401.08565",
  requires: "Three members in roles; any vocabularies with top-union, else one.",
  options: {
    alignment: `${ALIGNMENTS_TEXT}. Default "top-union".`,
    base: "The member that is steered, by name or index. Default 0.",
    expert: "The tuned member. Default 1.",
    antiExpert: "Its untuned twin. Default 2.",
    strength: "γ: how much their difference counts. Default 1.",
    alpha: "Strings below this share of the base's best one are left out. Default 0: none.",
  },
};

export const proxyOptions = z.strictObject({ alignment: alignmentOptions, ...proxyShape });

export const proxyRoles: Roles = { of: "proxy", names: PROXY_ROLES, instead: "a method such as unite" };

export function createProxy(context: MethodContext, { alignment, ...rule }: z.output<typeof proxyOptions>): MethodRun {
  return createFusion(context, { alignment, rule: { name: "proxy", ...rule } });
}
