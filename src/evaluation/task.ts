/**
 * What is asked, and how answers are graded: a task is a list of questions, the form in which they are put to a model,
 * and a metric (see metrics/metrics.ts).
 *
 * Multiple choice has one convention throughout: the choices stand in the order in which they are shown, choice 0 is
 * "A", choice 1 is "B", and so on, and `answers` holds the letters of the correct choices, whatever labels the file
 * used.
 */
import { LlamafuseError } from "../errors.js";
import type { MetricName } from "./metrics/metrics.js";

export const QUESTION_KINDS = ["text", "number", "choice"] as const;
export type QuestionKind = (typeof QUESTION_KINDS)[number];

export interface Question {
  /** Unique within its task. */
  readonly id: string;
  readonly question: string;
  readonly kind: QuestionKind;
  /** The accepted answers, at least one: texts, numbers as written, or the letters of the correct choices. */
  readonly answers: readonly string[];
  /** For kind "choice", and only there: 2 to 26 texts; choice 0 has the letter "A". */
  readonly choices?: readonly string[];
  /** What reports group by: the skill, the subject. */
  readonly tags: readonly string[];
}

/**
 * How a question becomes a prompt:
 * - `plain`: the question as it is.
 * - `question`: `Question: {question}\nAnswer:`. A choice is scored by its text: " {choice}".
 * - `choices`: the same with a line `A. {choice}` for every choice before `Answer:`. A choice is scored by its
 *   letter: " A". Questions without choices read as with `question`.
 */
const PROMPT_FORMATS = ["plain", "question", "choices"] as const;
export type PromptFormat = (typeof PROMPT_FORMATS)[number];

/** Plain data: a task can be sent to a thread, hashed and written to a file. */
export interface Task {
  readonly name: string;
  readonly questions: readonly Question[];
  readonly metric: MetricName;
  readonly prompt: PromptFormat;
  /** Texts that end an answer to the plain prompt. In a chat the turn ends by itself. */
  readonly stop: readonly string[];
  /** Tokens that an answer to the plain prompt may have. */
  readonly maxTokens: number;
  /** The same for answers in a chat. Default: no stops, and at least `CHAT_TOKENS`. */
  readonly chat?: { readonly stop?: readonly string[]; readonly maxTokens?: number };
  /** Records of the file that are not among the questions: why, each with its place. */
  readonly skipped?: readonly string[];
}

/** In a chat a model writes sentences, and many think aloud before they answer; most end their turn far earlier. */
export const CHAT_TOKENS = 1024;

/** As many choices as there are letters. */
export const MAX_CHOICES = 26;

/** The letter of a choice: 0 is "A". */
export function letterOf(choice: number): string {
  return String.fromCharCode(65 + choice);
}

/** The indices of the correct choices of a question of kind "choice". */
export function correctChoices(question: Question): number[] {
  return question.answers.map((letter) => letter.charCodeAt(0) - 65);
}

/** What a model is to continue. */
export function promptOf(task: Pick<Task, "prompt">, question: Question): string {
  if (task.prompt === "plain") return question.question;
  const shown = task.prompt === "choices" ? (question.choices ?? []) : [];
  const lines = shown.map((choice, index) => `${letterOf(index)}. ${choice}\n`);
  return `Question: ${question.question}\n${lines.join("")}Answer:`;
}

/**
 * What each choice of a question is scored as: the texts whose log-likelihoods after `promptOf` a likelihood metric
 * compares, in the order of the choices. LlamafuseError "invalid-option" for a question without choices.
 */
export function continuationsOf(task: Pick<Task, "prompt">, question: Question): string[] {
  if (question.choices === undefined) {
    throw new LlamafuseError(
      "invalid-option",
      `Question ${question.id} has no choices to compare (its kind is "${question.kind}"); grade it with a text metric.`,
      { found: question.kind, allowed: "choice", question: question.id },
    );
  }
  return question.choices.map((choice, index) => ` ${task.prompt === "choices" ? letterOf(index) : choice}`);
}
