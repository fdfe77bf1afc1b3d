/** What is asked of all contenders alike: which questions of a task, and in which words. */

import type { AnswerRequest } from "../answers/answer-cache.js";
import type { PromptInput } from "../decoding/prompt.js";
import { LlamafuseError } from "../errors.js";
import { RandomGenerator } from "../random.js";
import { metricNamed } from "./metrics/metrics.js";
import type { EvaluateOptions } from "./run.js";
import { CHAT_TOKENS, continuationsOf, promptOf, type Question, type Task } from "./task.js";

type RequestOptions = Pick<EvaluateOptions, "chat" | "generation" | "seed">;

/** What every contender is asked. */
export function requestFor(
  task: Task,
  question: Question,
  { chat, generation = {}, seed = 0 }: RequestOptions,
): AnswerRequest {
  const limits = chat
    ? { stop: task.chat?.stop ?? [], maxTokens: task.chat?.maxTokens ?? Math.max(task.maxTokens, CHAT_TOKENS) }
    : task;
  const { maxTokens = limits.maxTokens, stop = [], ...sampling } = generation;
  const continuations = metricNamed(task.metric).from === "likelihood" ? continuationsOf(task, question) : undefined;
  return {
    prompt: chat ? chatPrompt(task, question) : promptOf(task, question),
    // A template has put what stands before an answer.
    choices: chat ? continuations?.map((choice) => choice.trimStart()) : continuations,
    generation: { ...sampling, maxTokens, stop: [...limits.stop, ...stop] },
    seed,
  };
}

/** The question as a user asks it: what frames it in plain text is the template's part here. */
function chatPrompt(task: Task, question: Question): PromptInput {
  const content = promptOf(task, question);
  return [{ role: "user", content: content.replace(/^Question: /, "").replace(/\nAnswer:$/, "") }];
}

/** A seeded sample without replacement, in the task's order. Errors: invalid-option for a limit below 1. */
export function drawQuestions(task: Task, limit: number | undefined, seed: number): Task {
  if (limit === undefined) return task;
  if (!Number.isInteger(limit) || limit < 1) {
    throw new LlamafuseError("invalid-option", `limit is ${limit}; allowed is an integer of at least 1.`, {
      option: "limit",
      found: limit,
      allowed: ">= 1",
    });
  }
  const random = new RandomGenerator(seed);
  const places = task.questions.map((_, place) => place);
  for (let at = 0; at < Math.min(limit, places.length); at++) {
    const other = at + Math.floor(random.next() * (places.length - at));
    [places[at], places[other]] = [places[other], places[at]];
  }
  const drawn = places.slice(0, limit).sort((a, b) => a - b);
  return { ...task, questions: drawn.map((place) => task.questions[place]) };
}
