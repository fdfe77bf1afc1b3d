import {
  assignByThreshold,
  assignGreedily,
  assignOptimally,
  type ThresholdRule,
} from "../../../src/before/allocation/assignment.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  prob: number[][];
  cost: number[][];
  budget: number;
  threshold: number;
}

/** greedy as released: a query whose best model is too dear goes unserved. */
export const forc: GoldenAdapter = {
  method: "forc",
  tolerance: 1e-9,
  run({ prob, cost, budget, threshold }: Input, output: Record<string, unknown>) {
    const estimates = { quality: matrixOf(prob), cost: matrixOf(cost) };
    const byRule = Object.keys(output)
      .filter((field) => field.startsWith("threshold:"))
      .map((field) => {
        const [, fallback, prefer] = field.split(":");
        const rule = { threshold, prefer, fallback: fallback === "m0" ? 0 : fallback } as ThresholdRule;
        return [field, assignByThreshold(estimates, rule).models];
      });
    const greedy = assignGreedily(estimates, budget, { compat: true });
    const best = assignOptimally(estimates, { budget });
    return {
      greedy: Array.from(greedy.models, (model) => (model < 0 ? null : model)),
      ...Object.fromEntries(byRule),
      ilpValue: best.quality,
      ilpAssignment: best.models,
    };
  },
};
