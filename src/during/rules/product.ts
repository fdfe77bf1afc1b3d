/**
 * The geometric mixture, also called logarithmic opinion pool:
 *
 *     p(u) = Π_i p_i(u)^(w_i) / Z          Σ w_i = 1
 *
 * A string that one member finds impossible is impossible, unless a floor stands for it (log-linear.ts).
 */
import { z } from "zod";
import { defineRule } from "./define-rule.js";
import { LogLinearRule } from "./log-linear.js";

export const product = defineRule({
  name: "product",
  summary: "The normalised product of the members' probabilities, each to the power of its weight.",
  options: z.strictObject({
    floor: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        "Raise smaller probabilities to this. With 0, a string that one member cannot produce has probability 0.",
      ),
  }),
  needs: ({ floor }) => ({ lookup: floor > 0 ? undefined : "all" }),
  create: (_, { floor }) => new LogLinearRule({ floor }),
  laws: { options: [{ floor: 1e-6 }] },
});
