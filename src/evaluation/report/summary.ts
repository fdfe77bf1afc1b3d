/** From graded answers to a table: grades with intervals, by tag, against the best member, and what they cost. */

import { type Interval, meanInterval, type PairedDifference, pairedDifference } from "../../statistics.js";
import { containsAnswer } from "../../text/squad.js";
import { metricNamed } from "../metrics/metrics.js";
import { oraclePlaces, parameterTokens } from "../oracle.js";
import type { Evaluation, GradedAnswer } from "../run.js";
import { choiceOf } from "../session.js";
import type { Question, Task } from "../task.js";

/** A mean over questions with its interval: 95 %, percentile bootstrap over the questions. */
export type Estimate = Interval & { count: number };

/** The same of differences, with the questions on which each side is better. */
export type Difference = PairedDifference & { count: number };

export interface Cost {
  /** Tokens that all its members evaluated, prompts included; a question. */
  tokens: number;
  /** Σ parameters · tokens; a question. */
  parameterTokens: number;
  /** Wall time of a question. */
  seconds: number;
  /** Of fused decisions, prompts left out; null where choices were scored. */
  stepsPerSecond: number | null;
}

export interface Row {
  name: string;
  kind: "member" | "method" | "oracle";
  /** The mean grade over all questions. */
  all: Estimate;
  /** By tag. */
  tags: Record<string, Estimate>;
  /** Minus the best member's grade on the same questions; absent on that member's row. */
  difference?: Difference;
  /** The tag where it is furthest below (or least above) the member that is best there; absent without tags. */
  weakest?: { tag: string; difference: Difference };
  /** The oracle's is that of the members it picks. */
  cost: Cost;
  /** Only where the metric reads texts or numbers out of the answers, and is not `contains` itself. */
  reading?: Reading;
}

/** How many answers have the full grade, and how many contain an accepted answer, whatever else they say. */
export interface Reading {
  exact: number;
  contain: number;
}

export interface Result {
  text: string;
  grade: number;
  /** Why the answer is missing. */
  error?: string;
}

export interface QuestionReport extends Question {
  /** In the order of the rows. */
  results: Result[];
}

export interface TaskReport {
  name: string;
  metric: string;
  /** What the metric does, in a line. */
  grading: string;
  /** Number of questions. */
  count: number;
  /** Tag → number of questions, in the order in which they first appear. */
  tags: Record<string, number>;
  /** The member with the highest mean grade. */
  bestMember: string;
  rows: Row[];
  questions: QuestionReport[];
}

/** Plain data: what `llamafuse eval --json` prints. */
export interface EvaluationReport {
  members: Evaluation["members"];
  settings: Evaluation["settings"];
  tasks: TaskReport[];
  notes: string[];
}

const ORACLE = "oracle";

/**
 * Where answers contain what is right and say more: `unite: 0 of 2 exact, 2 contain the answer`, for the row with the most
 * of them. Undefined where no row has any.
 */
export function readingNote({ rows, count, metric }: TaskReport): string | undefined {
  const beyond = ({ reading }: Row) => (reading === undefined ? 0 : reading.contain - reading.exact);
  const row = rows
    .filter(({ kind }) => kind !== "oracle")
    .reduce<Row | undefined>((most, other) => (beyond(other) > (most ? beyond(most) : 0) ? other : most), undefined);
  if (row?.reading === undefined) return undefined;
  const { exact, contain } = row.reading;
  return `${row.name}: ${exact} of ${count} exact, ${contain} contain the answer. ${metric} grades the whole answer; the metric "contains" grades those too.`;
}

/** A row before it is summed up: who, and the answer, grade and cost of each question. */
interface Line {
  name: string;
  kind: Row["kind"];
  graded: GradedAnswer[];
  parameterTokens: number[];
}

export function summarise(evaluation: Evaluation): EvaluationReport {
  const { members, settings, tasks, notes } = evaluation;
  const oracle = oraclePlaces(evaluation);
  return { members, settings, notes, tasks: tasks.map((_, index) => reportTask(evaluation, index, oracle?.[index])) };
}

function reportTask(evaluation: Evaluation, index: number, oracle: readonly number[] | undefined): TaskReport {
  const { task, graded } = evaluation.tasks[index];
  const { questions } = task;
  const line = (name: string, kind: Row["kind"], placeOf: (question: number) => number): Line => ({
    name,
    kind,
    graded: graded.map((all, question) => all[placeOf(question)]),
    parameterTokens: graded.map((all, question) =>
      parameterTokens(evaluation, placeOf(question), all[placeOf(question)].answer),
    ),
  });
  const lines = evaluation.contenders.map(({ name, kind }, place) => line(name, kind, () => place));
  if (oracle !== undefined) lines.push(line(ORACLE, "oracle", (question) => oracle[question]));
  const placesOfTag = groupByTag(questions);
  const compare = new Comparison(lines, evaluation.settings.seed);
  return {
    name: task.name,
    metric: task.metric,
    grading: metricNamed(task.metric).summary,
    count: questions.length,
    tags: Object.fromEntries(Array.from(placesOfTag, ([tag, places]) => [tag, places.length])),
    bestMember: compare.bestMember().name,
    rows: lines.map((each) => ({ ...compare.row(each, placesOfTag), ...readingOf(task, each) })),
    questions: questions.map((question, place) => ({
      ...question,
      results: lines.map(({ graded }) => resultOf(question, graded[place])),
    })),
  };
}

class Comparison {
  constructor(
    private readonly lines: readonly Line[],
    private readonly seed: number,
  ) {}

  /** The first of equals. */
  bestMember(places?: readonly number[]): Line {
    const mean = (line: Line) => average(gradesOf(line, places));
    return this.lines
      .filter(({ kind }) => kind === "member")
      .reduce((best, other) => (mean(other) > mean(best) ? other : best));
  }

  row(line: Line, placesOfTag: ReadonlyMap<string, readonly number[]>): Row {
    const best = this.bestMember();
    const tags = Array.from(placesOfTag, ([tag, places]) => [tag, this.#estimate(gradesOf(line, places))] as const);
    const differences = Array.from(placesOfTag, ([tag, places]) => ({
      tag,
      difference: this.#difference(line, this.bestMember(places), places),
    }));
    const weakest = differences.reduce<Row["weakest"]>(
      (least, other) => (least === undefined || other.difference.value < least.difference.value ? other : least),
      undefined,
    );
    return {
      name: line.name,
      kind: line.kind,
      all: this.#estimate(gradesOf(line)),
      tags: Object.fromEntries(tags),
      ...(line === best ? {} : { difference: this.#difference(line, best) }),
      ...(weakest === undefined ? {} : { weakest }),
      cost: costOf(line),
    };
  }

  #estimate(grades: readonly number[]): Estimate {
    return { ...meanInterval(grades, { seed: this.seed }), count: grades.length };
  }

  #difference(line: Line, other: Line, places?: readonly number[]): Difference {
    const grades = gradesOf(line, places);
    const difference = pairedDifference(grades, gradesOf(other, places), { seed: this.seed });
    return { ...difference, count: grades.length };
  }
}

/** Metrics by which an answer that says more than the accepted one has no full grade. */
const WHOLE_ANSWER: readonly string[] = ["accuracy", "exact-match", "number"];

function readingOf({ metric, questions }: Task, { graded }: Line): Pick<Row, "reading"> {
  const isRead = ({ kind }: Question, place: number) => kind !== "choice" && graded[place].answer !== undefined;
  if (!WHOLE_ANSWER.includes(metric) || !questions.some(isRead)) return {};
  const exact = graded.filter(({ grade }) => grade === 1).length;
  const contain = questions.filter(
    (question, place) =>
      graded[place].grade === 1 ||
      (isRead(question, place) &&
        question.answers.some((accepted) => containsAnswer(graded[place].answer!.text, accepted) === 1)),
  ).length;
  return { reading: { exact, contain } };
}

function gradesOf({ graded }: Line, places?: readonly number[]): number[] {
  return (places?.map((place) => graded[place]) ?? graded).map(({ grade }) => grade);
}

function costOf({ graded, parameterTokens }: Line): Cost {
  const answers = graded.flatMap(({ answer }) => answer ?? []);
  const written = answers.filter(({ finishReason }) => finishReason !== undefined);
  const steps = written.reduce((sum, answer) => sum + answer.steps, 0);
  const decoding = written.reduce((sum, { seconds, promptSeconds }) => sum + seconds - promptSeconds, 0);
  return {
    tokens: average(answers.map(({ tokens }) => tokens.reduce((sum, count) => sum + count, 0))),
    parameterTokens: average(parameterTokens),
    seconds: average(answers.map(({ seconds }) => seconds)),
    stepsPerSecond: decoding > 0 ? steps / decoding : null,
  };
}

/** What a contender said, for people: the likeliest choice where choices were scored. */
function resultOf(question: Question, { grade, answer, error }: GradedAnswer): Result {
  if (answer === undefined) return { text: "", grade, ...(error === undefined ? {} : { error }) };
  if (answer.logLikelihoods === undefined) return { text: answer.text, grade };
  const { letter, text } = choiceOf(question, answer);
  return { text: `${letter}. ${text}`, grade };
}

function groupByTag(questions: readonly Question[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, { tags }] of questions.entries()) {
    for (const tag of tags) places.set(tag, [...(places.get(tag) ?? []), place]);
  }
  return places;
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
