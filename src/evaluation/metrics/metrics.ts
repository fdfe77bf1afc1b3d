/** Every metric by its name. The grade of an answer is a number from 0 to 1, 1 being best. */
import { LlamafuseError, unknownName } from "../../errors.js";
import { sentenceBleu } from "../../text/bleu.js";
import { sentenceChrf } from "../../text/chrf.js";
import { chosenIn } from "../../text/named-choice.js";
import { numberMatch } from "../../text/number.js";
import { type RougeVariant, rouge } from "../../text/rouge.js";
import { containsAnswer, exactMatch, tokenF1 } from "../../text/squad.js";
import { correctChoices, type Question, type QuestionKind } from "../task.js";
import { likeliestChoice } from "./choice.js";
import { HARNESS_METRICS, HARNESS_TASKS, type HarnessMetric, harnessGrade } from "./harness.js";

/** Grades what a model wrote. */
export interface TextMetric {
  readonly name: MetricName;
  readonly summary: string;
  readonly from: "text";
  /** The kinds of questions that it can grade. */
  readonly kinds: readonly QuestionKind[];
  /** The grade of an answer: the best over the question's accepted answers. */
  grade(question: Question, answer: string): number;
}

/** Grades which choice a model finds likeliest. */
export interface LikelihoodMetric {
  readonly name: MetricName;
  readonly summary: string;
  readonly from: "likelihood";
  readonly kinds: readonly QuestionKind[];
  /** The grade of the choice made by the choices' log-likelihoods (nats, in the order of `continuationsOf`): 0 or 1. */
  grade(question: Question, logLikelihoods: readonly number[]): number;
}

export type Metric = TextMetric | LikelihoodMetric;

/** The same metric on every accepted answer; the best counts. */
function text(
  summary: string,
  kinds: readonly QuestionKind[],
  gradeOne: (answer: string, accepted: string, question: string) => number,
): Omit<TextMetric, "name"> {
  return {
    summary,
    from: "text",
    kinds,
    grade: ({ question, answers }, answer) =>
      Math.max(...answers.map((accepted) => gradeOne(answer, accepted, question))),
  };
}

function likelihood(
  summary: string,
  choose: (question: Question, logLikelihoods: readonly number[]) => number,
): Omit<LikelihoodMetric, "name"> {
  return {
    summary,
    from: "likelihood",
    kinds: ["choice"],
    grade(question, logLikelihoods) {
      const { id, choices = [] } = question;
      if (logLikelihoods.length !== choices.length) {
        throw new LlamafuseError(
          "invalid-option",
          `Found ${logLikelihoods.length} log-likelihoods for the ${choices.length} choices of question ${id}. Give one for each choice.`,
          { question: id, found: logLikelihoods.length, allowed: choices.length },
        );
      }
      return correctChoices(question).includes(choose(question, logLikelihoods)) ? 1 : 0;
    },
  };
}

function gradeLetter(question: Question, answer: string): number {
  const chosen = chosenIn(answer, question.choices ?? []);
  return chosen !== undefined && correctChoices(question).includes(chosen) ? 1 : 0;
}

/** What "accuracy" grades each kind with. */
function gradeByKind(question: Question, answer: string): number {
  if (question.kind === "choice") return gradeLetter(question, answer);
  const gradeOne: typeof numberMatch = question.kind === "number" ? numberMatch : exactMatch;
  return Math.max(...question.answers.map((accepted) => gradeOne(answer, accepted, question.question)));
}

/** As lm-evaluation-harness grades the answers of its task. */
function harness(name: HarnessMetric): Omit<TextMetric, "name"> {
  const [task, filter] = name.split("/");
  return {
    summary: `lm-evaluation-harness's task ${task}, filter ${filter}`,
    from: "text",
    kinds: ["letter" in HARNESS_TASKS[name] ? "choice" : "number"],
    grade: (question, answer) => harnessGrade(name, question, answer),
  };
}

const rougeMetric = (variant: RougeVariant) =>
  text(
    `${variant.toUpperCase()} F1 with stemming (rouge_score)`,
    ["text"],
    (answer, accepted) => rouge(variant, answer, accepted).f1,
  );

const encoder = new TextEncoder();

const registry = {
  accuracy: {
    summary: "exact-match, number or choice-letter, by the kind of question",
    from: "text",
    kinds: ["text", "number", "choice"],
    grade: gradeByKind,
  },
  "exact-match": text("equal after SQuAD normalisation", ["text", "number"], exactMatch),
  contains: text("the answer contains an accepted answer, as whole words", ["text", "number"], containsAnswer),
  f1: text("F1 of words after SQuAD normalisation", ["text", "number"], tokenF1),
  number: text("the number given as the answer, as a person reads it", ["number"], numberMatch),
  "choice-letter": { summary: "the choice that the answer names", from: "text", kinds: ["choice"], grade: gradeLetter },
  "choice-likelihood": likelihood("the likeliest choice", (_, logLikelihoods) => likeliestChoice(logLikelihoods)),
  "choice-likelihood-per-byte": likelihood(
    "the likeliest choice, log-likelihoods divided by the bytes of the choice's text",
    ({ choices = [] }, logLikelihoods) =>
      likeliestChoice(
        logLikelihoods,
        choices.map((choice) => encoder.encode(choice).length),
      ),
  ),
  "sentence-bleu": {
    summary: "BLEU of the answer against all accepted answers (sacrebleu), divided by 100",
    from: "text",
    kinds: ["text"],
    grade: ({ answers }, answer) => sentenceBleu(answer, answers).score / 100,
  },
  "sentence-chrf": text(
    "chrF of the answer (sacrebleu), divided by 100",
    ["text"],
    (answer, accepted) => sentenceChrf(answer, [accepted]) / 100,
  ),
  "sentence-chrf++": text(
    "chrF++ of the answer (sacrebleu), divided by 100",
    ["text"],
    (answer, accepted) => sentenceChrf(answer, [accepted], { wordOrder: 2 }) / 100,
  ),
  "rouge-1": rougeMetric("rouge-1"),
  "rouge-2": rougeMetric("rouge-2"),
  "rouge-l": rougeMetric("rouge-l"),
  "rouge-lsum": rougeMetric("rouge-lsum"),
  ...(Object.fromEntries(HARNESS_METRICS.map((name) => [name, harness(name)])) as Record<
    HarnessMetric,
    Omit<TextMetric, "name">
  >),
} satisfies Record<string, Omit<TextMetric, "name"> | Omit<LikelihoodMetric, "name">>;

export type MetricName = keyof typeof registry;

/** What there is to choose from, in the order of the documentation. */
export const METRIC_NAMES = Object.keys(registry) as MetricName[];

/** Every metric and what it does, in the order of the documentation. */
export function metricSummaries(): Record<MetricName, string> {
  return Object.fromEntries(METRIC_NAMES.map((name) => [name, registry[name].summary])) as Record<MetricName, string>;
}

/** The metric of this name; LlamafuseError "invalid-option" for an unknown one. */
export function metricNamed(name: string): Metric {
  if (!Object.hasOwn(registry, name)) throw unknownName("metric", name, METRIC_NAMES);
  return { name: name as MetricName, ...registry[name as MetricName] };
}
