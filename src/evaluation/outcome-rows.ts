/**
 * From an evaluation to a table of outcomes: what each member alone made of each question, as `llamafuse route` reads it to
 * train a router (one row a question and member).
 *
 *     quality   the grade, 0 … 1
 *     cost      billions of parameters · tokens evaluated, prompts included: in proportion to the multiplications
 *
 * With details, what cascades read of an answer:
 *
 *     logProbs            ln p of each token of the answer, its end left out
 *     classProbabilities  of the choices that were scored: the softmax of their log-likelihoods
 *
 * A question that does not fit a member's context has quality 0 and no cost.
 */
import { queryText } from "../before/table/query-text.js";
import { logSumExp } from "../statistics.js";
import { parameterTokens } from "./oracle.js";
import { requestFor } from "./requests.js";
import type { Evaluation, GradedAnswer } from "./run.js";
import { choiceOf } from "./session.js";
import type { Question } from "./task.js";

export interface OutcomeRow {
  /** Unique over all tasks. */
  queryId: string;
  /** What the member was asked, as a router sees it. */
  query: string;
  model: string;
  quality: number;
  cost?: number;
  completionTokens?: number;
  latencyMs?: number;
  /** As it was said; the letter of the likeliest choice where choices were scored. */
  answer?: string;
  logProbs?: number[];
  classProbabilities?: number[];
  /** The task. */
  dataset: string;
  /** The question's first tag. */
  subject?: string;
  tags: readonly string[];
}

const BILLION = 1e9;

export function* outcomeRows(
  evaluation: Evaluation,
  { details = false }: { details?: boolean } = {},
): Generator<OutcomeRow, void, void> {
  const { contenders, tasks, settings } = evaluation;
  for (const { task, graded } of tasks) {
    for (const [index, question] of task.questions.entries()) {
      const query = queryText(requestFor(task, question, settings).prompt);
      for (const [place, { name, kind }] of contenders.entries()) {
        if (kind !== "member") continue;
        const outcome = graded[index][place];
        yield {
          queryId: `${task.name}/${question.id}`,
          query,
          model: name,
          quality: outcome.grade,
          ...spent(outcome, parameterTokens(evaluation, place, outcome.answer)),
          ...said(question, outcome),
          ...(details && detailsOf(outcome)),
          dataset: task.name,
          ...(question.tags.length > 0 && { subject: question.tags[0] }),
          tags: question.tags,
        };
      }
    }
  }
}

function spent({ answer }: GradedAnswer, cost: number): Pick<OutcomeRow, "cost" | "completionTokens" | "latencyMs"> {
  if (answer === undefined) return {};
  const isWritten = answer.finishReason !== undefined;
  return {
    cost: cost / BILLION,
    ...(isWritten && { completionTokens: answer.steps }),
    latencyMs: 1000 * answer.seconds,
  };
}

function said(question: Question, { answer }: GradedAnswer): Pick<OutcomeRow, "answer"> {
  if (answer === undefined) return {};
  return { answer: answer.logLikelihoods === undefined ? answer.text.trim() : choiceOf(question, answer).letter };
}

/** JSON has no infinity; a token that the model found impossible has the least double's logarithm. */
const LEAST_LOG = Math.log(Number.MIN_VALUE);

function detailsOf({ answer }: GradedAnswer): Pick<OutcomeRow, "logProbs" | "classProbabilities"> {
  const rounded = (value: number) => Number(value.toPrecision(6));
  const logProbs = answer?.pieces?.filter(({ end }) => end === undefined).map(({ logProb }) => logProb ?? LEAST_LOG);
  const scores = answer?.logLikelihoods?.map((score) => score ?? Number.NEGATIVE_INFINITY) ?? [];
  const total = logSumExp(scores);
  return {
    ...(logProbs !== undefined && logProbs.length > 0 && { logProbs: logProbs.map(rounded) }),
    ...(Number.isFinite(total) && { classProbabilities: scores.map((score) => rounded(Math.exp(score - total))) }),
  };
}
