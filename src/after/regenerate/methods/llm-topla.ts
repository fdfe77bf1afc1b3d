/**
 * LLM-TOPLA (Tekin et al., Findings of EMNLP 2024, arXiv 2410.03953): of all members, the team that is right most often and
 * errs most differently (select/team.ts), chosen on a table of past answers; then `combine`:
 *
 * - `weighted`, for answers that can be compared: a vote of the team. TOPLA-Weighted learns the weights with a network over slots
 *   of answers; here they are the log-odds of the members' accuracies on the same table, which need far fewer labels.
 * - `summary`, for open answers: one is written from the team's, of which the last 6 sentences are read, as published.
 *   TOPLA-Summary trains an encoder and decoder for that; here a member is prompted.
 *
 * Answers come from all members; only the team's vote, are read and are given.
 */
import { z } from "zod";
import { clampAccuracy, logOddsWeight } from "../../../learning/vote-weights.js";
import { WRITE_FROM_ANSWERS } from "../../prompts/prompts.js";
import { answerOf, answersOf, type Reading, readingOption } from "../../select/answers.js";
import type { Candidate } from "../../select/candidate.js";
import { sampling } from "../../select/define-selection.js";
import { NO_ANSWER } from "../../select/majority.js";
import { Learned, neededTable, type PastQuestion } from "../../select/table-option.js";
import { bestTeam } from "../../select/team.js";
import { leaderOf, tallyOf, votesFor } from "../../select/votes.js";
import { defineRegeneration, type Regeneration, type RegenerationContext } from "../define-regeneration.js";
import { different, writeFrom, writerOption, writingPrompt } from "../writing.js";

/** A grade of at least this is right. */
const RIGHT = 0.5;
const CLAMP = 0.001;
/** What a summary reads of each answer. */
const SENTENCES = 6;

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
  combine: z.enum(["weighted", "summary"]).default("weighted").meta({
    description:
      'What becomes of the team\'s answers: a "weighted" vote, or a "summary" that the writer makes of them.',
  }),
  writer: writerOption,
  prompt: writingPrompt(WRITE_FROM_ANSWERS),
});

export const llmTopla = defineRegeneration({
  name: "llm-topla",
  summary:
    "Picks the most accurate and diverse team on past answers; its weighted vote chooses, or one writes from its answers.",
  source: "arXiv 2410.03953",
  requires: "Two or more, and a table of their past answers with grades.",
  options,
  create: ({ table, size, diversityWeight, answer, combine, writer, prompt }) => {
    const learned = new Learned(table, (past) => {
      const records = past.map(({ query, answers, quality }) => ({
        answers: answers.map((text) => answerOf(text, answer, query)),
        right: quality.map((grade) => grade >= RIGHT),
      }));
      return { team: bestTeam(records, { size, diversityWeight }), accuracies: accuraciesOf(past) };
    });
    return {
      async *regenerate(candidates, context) {
        const names = context.members.map(({ name }) => name);
        const { team, accuracies } = await context.judging(({ signal }) => learned.for(names, signal));
        const vote = weightedVote(candidates, context, { team, accuracies, answer });
        const own = different(candidates.filter(({ member }) => team.includes(member)));
        if (combine === "weighted" || own.length < 2) return vote;
        const written = yield* writeFrom(context, { writer, prompt, answers: own, textOf: lastSentences });
        const reason = `Written from the answers of the team ${team.map((member) => names[member]).join(" + ")}.`;
        return { ...vote, written, read: own, reason };
      },
    };
  },
  laws: [
    { options: { size: 2 }, learns: true },
    { options: { size: 2, combine: "summary" }, learns: true },
  ],
});

interface Team {
  team: readonly number[];
  accuracies: readonly number[];
  answer: Reading;
}

function weightedVote(
  candidates: readonly Candidate[],
  { members, question }: RegenerationContext,
  { team, accuracies, answer }: Team,
): Regeneration {
  const all = answersOf(candidates, answer, question);
  const answers = all.map((each, index) => (team.includes(candidates[index].member) ? each : undefined));
  const classes = Math.max(2, new Set(answers.filter((each) => each !== undefined)).size);
  const tallies = tallyOf(
    answers,
    candidates.map(({ member }) => logOddsWeight(clampAccuracy(accuracies[member], CLAMP), classes)),
  );
  const leader = leaderOf(tallies);
  const votes = votesFor(answers, tallies);
  const names = team.map((member) => members[member].name).join(" + ");
  return {
    best: candidates[leader?.first ?? 0],
    scores: new Map(candidates.map((each, index) => [each, votes[index]])),
    reason:
      leader === undefined
        ? NO_ANSWER
        : `The team ${names} gives it the largest weight: ${leader.weight.toPrecision(3)}.`,
  };
}

function lastSentences(text: string): string {
  const sentences = Array.from(SENTENCE.segment(text.trim()), ({ segment }) => segment);
  return sentences.slice(-SENTENCES).join("");
}

const SENTENCE = new Intl.Segmenter(undefined, { granularity: "sentence" });

/** One right and one wrong answer added. */
function accuraciesOf(past: readonly PastQuestion[]): number[] {
  return past[0].quality.map((_, member) => {
    const right = past.filter(({ quality }) => quality[member] >= RIGHT).length;
    return (right + 1) / (past.length + 2);
  });
}
