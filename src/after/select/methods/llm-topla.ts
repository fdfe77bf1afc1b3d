/**
 * LLM-TOPLA (Tekin et al., Findings of EMNLP 2024, arXiv 2410.03953): of all members, the team that is right most often and
 * errs most differently (team.ts), chosen on a table of past answers; then a vote of the team weighted by what it learned.
 *
 * TOPLA-Weighted learns the weights with a network over slots of answers; here they are the log-odds of the members' accuracies
 * on the same table, which need far fewer labels. Answers come from all members; only the team's vote and are given.
 */
import { z } from "zod";
import { clampAccuracy, logOddsWeight } from "../../../learning/vote-weights.js";
import { answerOf, answersOf, readingOption } from "../answers.js";
import { defineSelection, sampling } from "../define-selection.js";
import { NO_ANSWER } from "../majority.js";
import { Learned, neededTable, type PastQuestion } from "../table-option.js";
import { bestTeam } from "../team.js";
import { leaderOf, tallyOf, votesFor } from "../votes.js";

/** A grade of at least this is right. */
const RIGHT = 0.5;
const CLAMP = 0.001;

const options = z.strictObject({
  ...sampling(1, 0.7),
  table: neededTable.meta({
    description: "Table of the members' past answers with grades, a file as `eval --outcomes` writes it.",
  }),
  size: z.int().min(1).default(3).meta({ description: "Members in the team." }),
  diversityWeight: z.number().min(0).max(1).default(0.5).meta({
    description: "Share of focal diversity in a team's worth; the rest is the accuracy of its vote.",
  }),
  answer: readingOption,
});

export const llmTopla = defineSelection({
  name: "llm-topla",
  summary: "Picks the most accurate and diverse team on past answers, whose weighted vote chooses.",
  source: "arXiv 2410.03953",
  requires: "Two or more, and a table of their past answers with grades.",
  options,
  create: ({ table, size, diversityWeight, answer }) => {
    const learned = new Learned(table, (past) => {
      const records = past.map(({ query, answers, quality }) => ({
        answers: answers.map((text) => answerOf(text, answer, query)),
        right: quality.map((grade) => grade >= RIGHT),
      }));
      return { team: bestTeam(records, { size, diversityWeight }), accuracies: accuraciesOf(past) };
    });
    return {
      select: async (candidates, { members, question, signal }) => {
        const { team, accuracies } = await learned.for(
          members.map(({ name }) => name),
          signal,
        );
        const all = answersOf(candidates, answer, question);
        const answers = all.map((each, index) => (team.includes(candidates[index].member) ? each : undefined));
        const classes = Math.max(2, new Set(answers.filter((each) => each !== undefined)).size);
        const tallies = tallyOf(
          answers,
          candidates.map(({ member }) => logOddsWeight(clampAccuracy(accuracies[member], CLAMP), classes)),
        );
        const leader = leaderOf(tallies);
        const scores = votesFor(answers, tallies);
        const names = team.map((member) => members[member].name).join(" + ");
        if (leader === undefined) return { chosen: 0, scores, reason: NO_ANSWER };
        const reason = `The team ${names} gives it the largest weight: ${leader.weight.toPrecision(3)}.`;
        return { chosen: leader.first, scores, reason };
      },
    };
  },
  laws: [{ options: { size: 2 }, learns: true }],
});

/** One right and one wrong answer added. */
function accuraciesOf(past: readonly PastQuestion[]): number[] {
  return past[0].quality.map((_, member) => {
    const right = past.filter(({ quality }) => quality[member] >= RIGHT).length;
    return (right + 1) / (past.length + 2);
  });
}
