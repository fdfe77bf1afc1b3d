/**
 * What an expert says and an amateur does not, over {u : p_E(u) ≥ α · max_v p_E(v)}:
 *
 *     form "scaled":      p(u) ∝ p_E(u)^(1+β) / p_A(u)^(β/τ)
 *     form "difference":  p(u) ∝ p_E(u) / p_A(u)^(1/τ)
 *
 * Sources: see token/contrast.ts.
 */
import { z } from "zod";
import { memberOption } from "../member-option.js";
import { defineRule } from "./define-rule.js";
import { LogLinearRule } from "./log-linear.js";
import { requirePositive, rolesOf } from "./quotient.js";

const DEFAULT_BETA = 0.5;

export const contrast = defineRule({
  name: "contrast",
  summary: "Prefers plausible expert tokens that the amateur rates lower.",
  roles: ["expert", "amateur"],
  options: z
    .strictObject({
      expert: memberOption.default(0).describe("The strong member, by name or index."),
      amateur: memberOption.default(1).describe("The weak member; its probabilities divide the expert's."),
      form: z
        .enum(["scaled", "difference"])
        .default("scaled")
        .describe('"scaled": p_E^(1+β) / p_A^β; "difference": p_E / p_A, the original.'),
      beta: z
        .number()
        .min(0)
        .optional()
        .meta({ description: 'With form "scaled": how much the amateur counts.', usual: DEFAULT_BETA }),
      amateurTemperature: z.number().positive().default(1).describe("Divides the amateur's logits."),
      alpha: z
        .number()
        .min(0)
        .max(1)
        .default(0.1)
        .describe("Ignore strings below this share of the expert's highest probability."),
    })
    .refine(({ form, beta }) => form === "scaled" || beta === undefined, {
      path: ["beta"],
      error: 'is used only with form "scaled"',
    }),
  needs: () => ({ lookup: "all" }),
  create: ({ voices }, { expert, amateur, form, beta = DEFAULT_BETA, amateurTemperature, alpha }, alignment) => {
    const roles = rolesOf(voices, { expert, amateur });
    requirePositive(voices, "contrast", alignment);
    const coefficients = new Array<number>(voices.length).fill(0);
    coefficients[roles.expert] = form === "scaled" ? 1 + beta : 1;
    coefficients[roles.amateur] = -(form === "scaled" ? beta : 1) / amateurTemperature;
    return new LogLinearRule({ coefficients, head: { voice: roles.expert, alpha } });
  },
  laws: {
    options: [{ form: "difference", alpha: 0 }],
    exempt: {
      alone: "an expert without an amateur has nothing to be set against",
      agreement: "strings below a share of the best one are left out, whatever the other says",
      order: "the members have roles",
    },
  },
});
