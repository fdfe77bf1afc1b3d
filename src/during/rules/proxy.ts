/**
 * A base member, shifted by what a tuned expert says other than its untuned twin, over {u : p_B(u) ≥ α · max_v p_B(v)}:
 *
 *     p(u) ∝ p_B(u) · (p_E(u) / p_A(u))^γ
 *
 * Sources: see token/proxy.ts.
 */
import { z } from "zod";
import { memberOption } from "../member-option.js";
import { defineRule } from "./define-rule.js";
import { LogLinearRule } from "./log-linear.js";
import { requirePositive, rolesOf } from "./quotient.js";

export const proxy = defineRule({
  name: "proxy",
  summary: "A base model, shifted by the difference between a small tuned model and its untuned twin.",
  roles: ["base", "expert", "antiExpert"],
  options: z.strictObject({
    base: memberOption.default(0).describe("The member to steer, by name or index."),
    expert: memberOption.default(1).describe("The tuned member."),
    antiExpert: memberOption.default(2).describe("Its untuned twin."),
    strength: z.number().default(1).describe("γ: weight of the difference between expert and anti-expert."),
    alpha: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe("Ignore strings below this share of the base member's highest probability."),
  }),
  needs: () => ({ lookup: "all" }),
  create: ({ voices }, { base, expert, antiExpert, strength, alpha }, alignment) => {
    const roles = rolesOf(voices, { base, expert, antiExpert });
    requirePositive(voices, "proxy", alignment);
    const coefficients = new Array<number>(voices.length).fill(0);
    coefficients[roles.base] = 1;
    coefficients[roles.expert] = strength;
    coefficients[roles.antiExpert] = -strength;
    return new LogLinearRule({ coefficients, head: { voice: roles.base, alpha } });
  },
  laws: {
    options: [{ strength: 0.5, alpha: 0.05 }],
    exempt: {
      alone: "a base without an expert and its twin has nothing to be shifted by",
      agreement: "with alpha, strings below a share of the base's best one are left out, whatever the others say",
      order: "the members have roles",
    },
  },
});
