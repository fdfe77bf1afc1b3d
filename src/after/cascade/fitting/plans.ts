/** Plans of cascades that are chosen by a budget: for each more is spent, for more quality. */
import { z } from "zod";
import { upperHull } from "../../../before/evaluation/curve.js";

export const savedPlans = z
  .array(
    z.strictObject({
      /** Columns in the order of the calls. */
      chain: z.array(z.int().min(0)).min(1),
      /** Of every model of the chain but the last. */
      thresholds: z.array(z.number()),
      quality: z.number(),
      cost: z.number(),
    }),
  )
  .min(1);

export type Plan = z.infer<typeof savedPlans>[number];

/** The plans worth having: the upper hull of these points by rising mean cost. */
export function plansUnder(points: readonly Plan[]): Plan[] {
  return upperHull(points);
}

/** The dearest plan within a budget; below all of them the cheapest, since something must answer. */
export function planFor<Any extends { cost: number }>(plans: readonly Any[], budget: number): Any {
  return plans.findLast(({ cost }) => cost <= budget) ?? plans[0];
}
