/**
 * A vote in which members count by how often they are right (Nitzan and Paroush 1982 for the log-odds; Dawid and Skene 1979
 * without labels; Komiyama et al., arXiv 2509.21091, for the weights that get most right):
 *
 *     score(answer) = Σ_{m gave it} w_m
 *
 * - `members`: the members' weights; `log-odds`: w_m = ln(a_m (K − 1) / (1 − a_m)), a_m given, or from a table's grades with
 *   one right and one wrong answer added;
 * - `dawid-skene`: from a table's answers without their grades. Choices have a confusion matrix for each member, and the score
 *   is ln of the posterior; other answers differ from question to question, so members have one accuracy each;
 * - `optimal`: the weights under which most of a table's questions come out right (learning/optimal-vote.ts).
 *
 * K is the number of choices, or of different answers given, at least 2.
 */
import { z } from "zod";
import { LlamafuseError } from "../../../errors.js";
import { dawidSkene, posteriorOf, type Vote } from "../../../learning/dawid-skene.js";
import { optimalVote } from "../../../learning/optimal-vote.js";
import { clampAccuracy, confidenceAccuracies, logOddsWeight } from "../../../learning/vote-weights.js";
import { answerOf, answersOf, choicesIn, type Reading, readingOption } from "../answers.js";
import type { Candidate } from "../candidate.js";
import {
  defineSelection,
  type Selection,
  type SelectionContext,
  type SelectionRule,
  sampling,
} from "../define-selection.js";
import { NO_ANSWER } from "../majority.js";
import { Learned, type PastQuestion, type TableSource, tableOption } from "../table-option.js";
import { leaderOf, tallyOf, votesFor } from "../votes.js";

const WEIGHTS = ["members", "log-odds", "dawid-skene", "optimal"] as const;
/** Nobody is always right, or always wrong. */
const CLAMP = 0.001;
/** Added to each cell of a confusion matrix, so that what was never seen stays possible. */
const SMOOTHING = 0.1;
const ITERATIONS = 100;

const options = z.strictObject({
  ...sampling(1, 0.7),
  answer: readingOption,
  weights: z.enum(WEIGHTS).optional().meta({
    description:
      'What members count by: "members" (their weights), "log-odds", "dawid-skene" (no grades needed) or "optimal".',
    usual: '"log-odds" with accuracies or a table, else "members"',
  }),
  accuracies: z.record(z.string(), z.number().min(0).max(1)).optional().meta({
    description: "How often each member is right, by name, from 0 to 1.",
  }),
  table: tableOption.meta({
    description: "Table of the members' past answers, a file as `eval --outcomes` writes it.",
  }),
});

type WeighMembers = (context: SelectionContext, classes: number) => Promise<readonly number[]>;

export const weightedVote = defineSelection({
  name: "weighted-vote",
  summary: "Gives the answer with the largest sum of weights: given, log-odds of accuracies, Dawid–Skene or optimal.",
  source: "Nitzan and Paroush 1982; Dawid and Skene 1979; arXiv 2509.21091",
  requires: "Two or more.",
  options,
  create: ({ answer, weights, accuracies, table }) => {
    const kind = weights ?? (accuracies !== undefined || table !== undefined ? "log-odds" : "members");
    if (kind === "members") return vote(answer, async ({ members }) => members.map(({ weight }) => weight));
    if (kind === "log-odds" && accuracies !== undefined) {
      return vote(answer, async ({ members }, classes) =>
        members.map(({ name }) => weightOf(accuracyOf(name, accuracies), classes)),
      );
    }
    if (table === undefined) throw needsTable(kind);
    return kind === "dawid-skene" && answer === "choice"
      ? choiceVote(table)
      : vote(answer, learnedWeights(kind, answer, table));
  },
  laws: [
    {},
    { options: { accuracies: { m1: 0.9, m2: 0.6, m3: 0.6 } } },
    { options: { weights: "log-odds" }, learns: true },
    { options: { weights: "dawid-skene" }, learns: true },
    { options: { weights: "optimal" }, learns: true },
  ],
});

function vote(reading: Reading, weigh: WeighMembers): SelectionRule {
  return {
    select: async (candidates, context) => {
      const answers = answersOf(candidates, reading, context.question);
      const weights = await weigh(context, classesOf(answers, reading, context.question));
      return elect(candidates, answers, weights);
    },
  };
}

function elect(
  candidates: readonly Candidate[],
  answers: readonly (string | undefined)[],
  weights: readonly number[],
): Selection {
  const tallies = tallyOf(
    answers,
    candidates.map(({ member }) => weights[member]),
  );
  const leader = leaderOf(tallies);
  const scores = votesFor(answers, tallies);
  if (leader === undefined) return { chosen: 0, scores, reason: NO_ANSWER };
  return { chosen: leader.first, scores, reason: `Its weight of votes is largest: ${leader.weight.toPrecision(3)}.` };
}

function classesOf(answers: readonly (string | undefined)[], reading: Reading, question: string): number {
  const choices = reading === "choice" ? choicesIn(question).length : 0;
  return Math.max(2, choices, new Set(answers.filter((each) => each !== undefined)).size);
}

function weightOf(accuracy: number, classes: number): number {
  return logOddsWeight(clampAccuracy(accuracy, CLAMP), classes);
}

function learnedWeights(
  kind: Exclude<(typeof WEIGHTS)[number], "members">,
  reading: Reading,
  table: TableSource,
): WeighMembers {
  if (kind === "optimal") {
    const learned = new Learned(table, (past) => optimalWeights(past, reading));
    return ({ members, signal }) => learned.for(namesOf(members), signal);
  }
  const learned = new Learned(table, (past) =>
    kind === "log-odds" ? gradedAccuracies(past) : silentAccuracies(past, reading),
  );
  return async ({ members, signal }, classes) =>
    (await learned.for(namesOf(members), signal)).map((accuracy) => weightOf(accuracy, classes));
}

/** Right answers of all graded ones, one of each added. */
function gradedAccuracies(past: readonly PastQuestion[]): number[] {
  return past[0].quality.map((_, member) => {
    const grades = past.map(({ quality }) => quality[member]).filter((grade) => !Number.isNaN(grade));
    return (grades.reduce((sum, grade) => sum + grade, 0) + 1) / (grades.length + 2);
  });
}

/** One accuracy a member, by EM on who agrees with whom. */
function silentAccuracies(past: readonly PastQuestion[], reading: Reading): number[] {
  const votes = past.map(({ query, answers }) => localVotes(answers.map((text) => answerOf(text, reading, query))));
  const classes = Math.max(2, ...votes.map((row) => 1 + Math.max(0, ...row.map((each) => each ?? 0))));
  const { accuracies } = confidenceAccuracies(
    votes,
    votes.map((row) => row.map(() => 0)),
    { classes, edges: [], initial: [0.7], prior: [1, 1], iterations: ITERATIONS },
  );
  return accuracies.map(([accuracy]) => accuracy);
}

/** Answers as numbers in the order in which they are first given. */
function localVotes(answers: readonly (string | undefined)[]): Vote[] {
  const known = [...new Set(answers.filter((each) => each !== undefined))];
  return answers.map((answer) => (answer === undefined ? null : known.indexOf(answer)));
}

function optimalWeights(past: readonly PastQuestion[], reading: Reading): number[] {
  const problems = past.flatMap(({ query, samples, answers, quality }) => {
    const right = quality.findIndex((grade) => grade >= 0.5);
    const gold = right < 0 ? undefined : answerOf(answers[right], reading, query);
    if (gold === undefined) return [];
    const counts = samples.map((texts) => {
      const given = tallyOf(texts.map((text) => answerOf(text, reading, query)));
      return new Map(given.map(({ answer, weight }) => [answer, weight]));
    });
    return [{ counts, gold }];
  });
  return optimalVote(problems, past[0].answers.length).weights;
}

/** Choices mean the same letters in every question, so each member has a confusion matrix. */
function choiceVote(table: TableSource): SelectionRule {
  const learned = new Learned(table, (past) => {
    const classes = Math.max(2, ...past.map(({ query }) => choicesIn(query).length));
    const votes = past.map(({ query, answers }) => answers.map((text) => letterVote(answerOf(text, "choice", query))));
    return {
      classes,
      fitted: dawidSkene(votes, { classes, smoothing: SMOOTHING, iterations: ITERATIONS, tolerance: 1e-6 }),
    };
  });
  return {
    select: async (candidates, { members, question, signal }) => {
      const { classes, fitted } = await learned.for(namesOf(members), signal);
      const answers = answersOf(candidates, "choice", question);
      if (answers.every((answer) => answer === undefined))
        return { chosen: 0, scores: answers.map(() => 0), reason: NO_ANSWER };
      const confusion = candidates.map(({ member }) => fitted.confusion[member]);
      const votes = answers.map(letterVote).map((vote) => (vote !== null && vote < classes ? vote : null));
      const posterior = posteriorOf(votes, { priors: fitted.priors, confusion });
      const scores = votes.map((each) => (each === null ? Number.NEGATIVE_INFINITY : Math.log(posterior[each])));
      const best = scores.indexOf(Math.max(...scores));
      return {
        chosen: best,
        scores,
        reason: `Its choice is right with probability ${Math.exp(scores[best]).toPrecision(3)}.`,
      };
    },
  };
}

function letterVote(letter: string | undefined): Vote {
  return letter === undefined ? null : letter.charCodeAt(0) - 65;
}

function namesOf(members: SelectionContext["members"]): string[] {
  return members.map(({ name }) => name);
}

function accuracyOf(name: string, accuracies: Readonly<Record<string, number>>): number {
  if (Object.hasOwn(accuracies, name)) return accuracies[name];
  throw new LlamafuseError(
    "invalid-option",
    `accuracies has no entry for member ${name}; it has: ${Object.keys(accuracies).join(", ")}. Give one for each member.`,
    { option: "accuracies", found: Object.keys(accuracies), allowed: name },
  );
}

function needsTable(kind: string): LlamafuseError {
  return new LlamafuseError(
    "invalid-option",
    `weighted-vote with weights "${kind}" needs ${kind === "log-odds" ? "accuracies or " : ""}a table of past answers: table: "outcomes.jsonl", as llamafuse eval --outcomes writes it.`,
    { option: "table", allowed: "a table's file" },
  );
}
