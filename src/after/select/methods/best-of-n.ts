/**
 * Best of n by a reward (Cobbe et al., arXiv 2110.14168), and its weighted form (Li et al., arXiv 2206.02336):
 *
 *     best: argmax_i r_i;   weighted: the answer with the largest Σ r_i over the candidates that give it;
 *     soft: the same with softmax(β r)_i in place of r_i
 *
 * The reward is a function of yours, how likely a member finds its own answer (mean ln p a piece), how likely all members find
 * it (mean ln p a byte, see `likelihood`), or a judge's probability of Yes.
 */
import { z } from "zod";
import { sigmoid } from "../../../learning/logistic-regression.js";
import { softmax } from "../../../learning/softmax-regression.js";
import { refuse } from "../../../read-options.js";
import { fill, IS_RIGHT } from "../../prompts/prompts.js";
import { answersOf, readingOption } from "../answers.js";
import type { Candidate } from "../candidate.js";
import { defineSelection, firstBest, type SelectionContext, sampling } from "../define-selection.js";
import { judgeOption, judgesOf, promptOption } from "../judges.js";
import { meanLikelihoods } from "../likelihoods.js";
import { leaderOf, tallyOf, votesFor } from "../votes.js";

const REWARDS = ["own-likelihood", "likelihood", "judge"] as const;
const PICKS = ["best", "weighted", "soft"] as const;
export const TRANSFORMS = ["none", "sigmoid"] as const;

/** A reward of yours: how good an answer to a question is; any finite number. */
export type RewardFunction = (question: string, answer: string) => number | Promise<number>;

/** The weights that candidates vote with. */
export function rewardVotes(
  rewards: readonly number[],
  pick: "weighted" | "soft",
  { transform, beta }: { transform: (typeof TRANSFORMS)[number]; beta: number },
): number[] {
  if (pick === "soft") return Array.from(softmax(rewards.map((reward) => beta * reward)));
  return transform === "sigmoid" ? rewards.map(sigmoid) : [...rewards];
}

/** The candidate of the strongest answer that has the largest reward; undefined where none has an answer. */
export function electByReward(
  answers: readonly (string | undefined)[],
  rewards: readonly number[],
  votes: readonly number[],
): { chosen: number; answer: string; scores: number[] } | undefined {
  const tallies = tallyOf(answers, votes);
  const leader = leaderOf(tallies);
  if (leader === undefined) return undefined;
  const own = rewards.map((reward, index) => (answers[index] === leader.answer ? reward : Number.NEGATIVE_INFINITY));
  return { chosen: firstBest(own), answer: leader.answer, scores: votesFor(answers, tallies) };
}

const options = z.strictObject({
  ...sampling(4, 0.7),
  reward: z
    .union([z.enum(REWARDS), z.custom<RewardFunction>((given) => typeof given === "function", "must be a function")])
    .default("own-likelihood")
    .meta({
      description:
        'What makes an answer good: "own-likelihood", "likelihood" (of all members), "judge" (their probability of Yes), or in the library a function of question and answer.',
    }),
  pick: z.enum(PICKS).default("best").meta({
    description:
      'The "best" candidate, or the answer with the largest sum of rewards, "weighted" or "soft" (their softmax).',
  }),
  transform: z.enum(TRANSFORMS).default("none").meta({
    description: 'What "weighted" sums: rewards as they are ("none"), or their "sigmoid".',
  }),
  beta: z.number().positive().default(1).meta({ description: 'How sharp "soft" is.' }),
  answer: readingOption,
  judge: judgeOption,
  prompt: promptOption(IS_RIGHT, "{question} and {answer}"),
});

export const bestOfN = defineSelection({
  name: "best-of-n",
  summary: "Samples answers and gives the one with the highest reward: a function, likelihood, or a judging member.",
  source: "arXiv 2110.14168; arXiv 2206.02336",
  requires: "One or more, sampled.",
  options,
  create: ({ reward, pick, transform, beta, answer, judge, prompt }) => ({
    select: async (candidates, context) => {
      const rewards = await rewardsOf(reward, candidates, context, { judge, prompt });
      const best = { chosen: firstBest(rewards), scores: rewards };
      const name = typeof reward === "function" ? "reward" : reward;
      if (pick !== "best") {
        const votes = rewardVotes(rewards, pick, { transform, beta });
        const elected = electByReward(answersOf(candidates, answer, context.question), rewards, votes);
        if (elected !== undefined) return { ...elected, reason: `Its answer has the largest sum of ${name}.` };
      }
      return { ...best, reason: `Its ${name} is highest: ${rewards[best.chosen].toPrecision(3)}.` };
    },
  }),
  laws: [
    {},
    { options: { reward: "judge" } },
    { options: { reward: "likelihood", pick: "soft" } },
    { options: { reward: (_, answer) => answer.length, pick: "weighted", transform: "sigmoid" } },
  ],
});

async function rewardsOf(
  reward: z.output<typeof options>["reward"],
  candidates: readonly Candidate[],
  context: SelectionContext,
  { judge, prompt }: { judge: string | undefined; prompt: string },
): Promise<number[]> {
  if (reward === "own-likelihood") return candidates.map(({ logProb, pieces }) => logProb / Math.max(1, pieces));
  if (reward === "likelihood") return await meanLikelihoods(candidates, context);
  const rewards: number[] = [];
  for (const { text } of candidates) {
    if (typeof reward === "function") rewards.push(checkReward(await reward(context.question, text)));
    else rewards.push(await probabilityOfYes(text, context, judge, prompt));
  }
  return rewards;
}

async function probabilityOfYes(
  answer: string,
  context: SelectionContext,
  judge: string | undefined,
  prompt: string,
): Promise<number> {
  const judges = judgesOf(judge, context);
  let sum = 0;
  for (const member of judges) {
    const asked = fill(prompt, { question: context.question, answer });
    const [yes] = await context.labelShares(member, asked, ["Yes", "No"]);
    sum += yes;
  }
  return sum / judges.length;
}

function checkReward(reward: unknown): number {
  if (typeof reward === "number" && Number.isFinite(reward)) return reward;
  return refuse("reward", reward, "a function that gives a finite number");
}
