import { plainAnswer } from "../../../src/after/select/answers.js";
import { firstBest } from "../../../src/after/select/define-selection.js";
import { electByReward, rewardVotes, type TRANSFORMS } from "../../../src/after/select/methods/best-of-n.js";
import { tallyOf } from "../../../src/after/select/votes.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  answers: (string | null)[];
  rewards: number[];
  transform: (typeof TRANSFORMS)[number];
  beta: number;
}

export const bestOfN: GoldenAdapter = {
  method: "best-of-n",
  tolerance: 1e-9,
  run({ answers, rewards, transform, beta }: Input) {
    const keys = answers.map((answer) => (answer === null ? undefined : plainAnswer(answer)));
    const known = tallyOf(keys).map(({ answer }) => answer);
    const elected = (votes: number[]) => {
      const result = electByReward(keys, rewards, votes);
      const sums = tallyOf(keys, votes).map(({ weight }) => weight);
      return { sums, group: result ? known.indexOf(result.answer) : null, chosen: result?.chosen ?? null };
    };
    return {
      groups: keys.map((key) => (key === undefined ? null : known.indexOf(key))),
      best: firstBest(rewards),
      weighted: elected(rewardVotes(rewards, "weighted", { transform, beta })),
      soft: elected(rewardVotes(rewards, "soft", { transform, beta })),
      vote: elected(rewards.map(() => 1)),
    };
  },
};
