import {
  type AutomixPolicy,
  type AutomixRows,
  automixOutcomes,
  bestOutcome,
  type Candidate,
} from "../../../src/after/cascade/search/automix-policies.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input extends AutomixRows {
  bins: number;
  costs: [number, number];
  verifierCost: number;
}

const POLICIES: Record<string, AutomixPolicy> = {
  threshold: "threshold",
  doubleThreshold: "double-threshold",
  tripleThreshold: "triple-threshold",
  selfConsistency: "self-consistency",
  pomdpSimple: "pomdp-simple",
  greedyPomdp: "greedy-pomdp",
  union: "union",
};
/** The order in which a union's parameters name their policy. */
const UNION: AutomixPolicy[] = ["pomdp-simple", "greedy-pomdp", "double-threshold", "threshold"];

const written = (candidate: Candidate) => {
  if ("actions" in candidate) return candidate.actions;
  return candidate.thresholds.length === 1 ? candidate.thresholds[0] : candidate.thresholds;
};
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, each) => sum + each, 0) / values.length;

export const automix: GoldenAdapter = {
  method: "automix",
  tolerance: 1e-9,
  run({ bins, costs: [small, large], verifierCost, ...rows }: Input) {
    const costs = { small, large, verifier: verifierCost };
    const policies = Object.entries(POLICIES).map(([name, policy]) => {
      const outcomes = automixOutcomes(policy, rows, costs, { bins, compat: true });
      const { candidate, source, retry, performance, cost, lift } = bestOutcome(outcomes);
      const best = policy === "union" ? [written(candidate), UNION.indexOf(source)] : written(candidate);
      return [
        name,
        {
          best,
          retry: retry.map(Number),
          performance,
          cost,
          lift,
          numCandidates: outcomes.length,
          ...(policy === "pomdp-simple" && { candidates: outcomes.map((each) => written(each.candidate)) }),
        },
      ];
    });
    return { ...Object.fromEntries(policies), smallMean: mean(rows.small), largeMean: mean(rows.large) };
  },
};
