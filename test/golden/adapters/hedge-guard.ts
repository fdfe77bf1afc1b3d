/** The guard's weights over rounds, who goes on alone, and the bounds on what is lost. */
import { Evidence, mixtureLoss, regretBound } from "../../../src/during/guard/evidence.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  logProbs: (number | string)[][];
  prior: number[];
  eta: number;
  share: number;
  epsilon: number;
  maxLoss: number | null;
  switches?: number;
}

export const hedgeGuard: GoldenAdapter = {
  method: "hedge-guard",
  tolerance: 1e-9,
  run({ logProbs, prior, eta, share, epsilon, maxLoss, switches }: Input) {
    const options = { rate: eta, share, epsilon, maxLoss: maxLoss ?? undefined };
    const evidence = new Evidence(prior, options);
    const weights = [[...evidence.weights]];
    const solo: (number | null)[] = [];
    const mixtureLosses: number[] = [];
    const guardedLosses: number[] = [];
    const all = logProbs.map((row) => evidence.lossesOf(row.map(Number)));
    for (const [round, losses] of all.entries()) {
      const alone = evidence.solo ?? null;
      solo.push(alone);
      mixtureLosses.push(mixtureLoss(evidence.weights, losses));
      guardedLosses.push(alone === null ? mixtureLosses[round] : losses[alone]);
      evidence.observe(logProbs[round].map(Number));
      weights.push([...evidence.weights]);
    }
    const memberLoss = prior.map((_, member) => sum(all.map((losses) => losses[member])));
    const bound = regretBound(memberLoss, prior, all.length, options);
    return {
      weights,
      solo,
      mixtureLosses,
      guardedLosses,
      guardedLoss: sum(guardedLosses),
      memberLoss,
      best: memberLoss.indexOf(Math.min(...memberLoss)),
      mixtureLoss: sum(mixtureLosses),
      bound,
      ...(switches !== undefined && { switchingBound: switchingBound(all, prior, options, switches) }),
    };
  },
};

/** The least over sequences of members with at most so many changes. */
function switchingBound(
  all: readonly number[][],
  prior: readonly number[],
  { rate, share }: { rate: number; share: number },
  switches: number,
): number {
  const members = prior.length;
  const change = Math.log(members / share) / rate;
  const stay = Math.log(1 / (1 - share + share / members)) / rate;
  let best = prior.map((weight, member) => [all[0][member] + Math.log(1 / weight) / rate]);
  for (const losses of all.slice(1)) {
    best = best.map((_, member) =>
      Array.from({ length: switches + 1 }, (_, changes) => {
        const stayed = (best[member][changes] ?? Number.POSITIVE_INFINITY) + stay;
        const others = best.filter((_, other) => other !== member);
        const changed = Math.min(...others.map((one) => (one[changes - 1] ?? Number.POSITIVE_INFINITY) + change));
        return losses[member] + Math.min(stayed, changed);
      }),
    );
  }
  return Math.min(...best.flat());
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
