/**
 * Debate (Du et al., ICML 2024, arXiv 2305.14325): every member answers, then answers again in view of what the others said, for
 * so many rounds; the answer given most often in the last round is given. 2 rounds, the first answers among them, as published
 * with 3 agents of one model (`samples: 3`; several members are an agent each).
 *
 * A debate ends before where all agree, which the published code does not look for. An agent whom a context fails
 * in a round is out from there on, and the votes are counted over the rest.
 */
import { z } from "zod";
import { contentText, isContinued } from "../../../decoding/messages.js";
import type { ChatMessage } from "../../../decoding/prompt.js";
import { DEBATE, fill } from "../../prompts/prompts.js";
import { answersOf, type Reading, readingOption } from "../../select/answers.js";
import { type Candidate, isBlank } from "../../select/candidate.js";
import type { FurtherAsk } from "../../select/candidates.js";
import { sampling } from "../../select/define-selection.js";
import { NO_ANSWER } from "../../select/majority.js";
import { leaderOf, tallyOf, votesFor } from "../../select/votes.js";
import { defineRegeneration, type RegenerationContext } from "../define-regeneration.js";
import { conversationOf, different, evershorter, numbered, writingPrompt } from "../writing.js";

export const debate = defineRegeneration({
  name: "debate",
  summary: "Members answer again in view of the others' answers, for several rounds; then they vote.",
  source: "arXiv 2305.14325",
  requires: "Two or more answers: members, samples or both; members that follow instructions.",
  options: z.strictObject({
    ...sampling(1, 0.7),
    rounds: z.int().min(1).max(20).default(2).meta({ description: "Rounds, the first answers among them." }),
    answer: readingOption,
    prompt: writingPrompt(DEBATE, "members are"),
  }),
  create: ({ rounds, answer, prompt }) => ({
    planned: (first) => first * rounds,
    async *regenerate(candidates, context) {
      let agents = candidates;
      let round = 1;
      while (round < rounds && !agree(agents, answer, context)) {
        const asks = agents
          .filter(({ member }) => context.alive.includes(member))
          .map((agent) => askBehind(agent, agents, context, prompt));
        const further = (yield* context.ask(round, asks)).filter((each) => !isBlank(each));
        if (further.length === 0) break;
        agents = further;
        round++;
      }
      const answers = answersOf(agents, answer, context.question);
      const tallies = tallyOf(answers);
      const leader = leaderOf(tallies);
      const votes = votesFor(answers, tallies);
      const rest = round === 1 ? "after 1 round" : `after ${round} rounds`;
      return {
        best: agents[leader?.first ?? 0],
        scores: new Map(agents.map((agent, index) => [agent, votes[index]])),
        reason: leader === undefined ? NO_ANSWER : `${leader.weight} of ${agents.length} give this answer ${rest}.`,
      };
    },
  }),
  laws: [{}, { options: { rounds: 3, answer: "number" } }, { options: { rounds: 1 } }],
});

function agree(agents: readonly Candidate[], answer: Reading, { question }: RegenerationContext): boolean {
  const [first, ...others] = answersOf(agents, answer, question);
  return first !== undefined && others.every((each) => each === first);
}

/** An agent's conversation goes on: its answer, then those of the others. */
function askBehind(
  agent: Candidate,
  agents: readonly Candidate[],
  context: RegenerationContext,
  prompt: string,
): FurtherAsk {
  const others = different(agents.filter((other) => other !== agent));
  const messages = conversationOf(context);
  // An answer that was begun is the agent's from there on.
  const begun = isContinued(messages) ? contentText(messages[messages.length - 1]) : "";
  const before = isContinued(messages) ? messages.slice(0, -1) : messages;
  const own: ChatMessage = { role: "assistant", content: begun + agent.text };
  const prompts = evershorter(others, (some) => {
    const answers = numbered(some.map(({ text }) => text));
    return [...before, own, { role: "user" as const, content: fill(prompt, { question: context.question, answers }) }];
  });
  return { member: agent.member, sample: agent.sample, prompts };
}
