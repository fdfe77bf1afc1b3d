/** What the switching models of cds and citer are trained on: prompts, what a right answer is, and where in it the truth hangs. */
import type { PromptInput, PromptOptions } from "../decoding/prompt.js";
import { LlamafuseError } from "../errors.js";
import { metricNamed } from "../evaluation/metrics/metrics.js";
import { requestFor } from "../evaluation/requests.js";
import type { Task } from "../evaluation/task.js";

export interface TrainingExample {
  prompt: PromptInput;
  /** A right answer in full, such as a chain of thought. Default: what a member writes, where that is right. */
  reference?: string;
  isRight(answer: string): boolean;
  /** Texts on which the truth of an answer hangs, such as "Paris". */
  critical: readonly string[];
  /** Texts that end an answer. */
  stop?: readonly string[];
  /** Tokens that an answer may have. */
  maxTokens: number;
  /** How the prompt is read. Thinking is off unless it says otherwise. */
  reading?: PromptOptions;
}

/** An answer counts as right from this grade on. */
const RIGHT = 0.5;

/**
 * A task's questions, as plain text or (`chat`) as a user asks them. LlamafuseError "invalid-option" where its metric
 * grades likelihoods and not answers.
 */
export function examplesOf(
  task: Task,
  { chat, ...reading }: { chat?: boolean } & PromptOptions = {},
): TrainingExample[] {
  const metric = metricNamed(task.metric);
  if (metric.from !== "text") {
    throw new LlamafuseError(
      "invalid-option",
      `The task ${task.name} is graded by ${task.metric}, which reads no answers. Train on a metric of the answer's text, such as choice-letter or contains.`,
      { option: "metric", found: task.metric },
    );
  }
  return task.questions.map((question) => ({
    prompt: requestFor(task, question, { chat }).prompt,
    isRight: (text) => metric.grade(question, text) >= RIGHT,
    critical: question.answers,
    stop: task.stop,
    maxTokens: task.maxTokens,
    reading,
  }));
}

/**
 * Where texts stand in a text as whole words, in bytes of its UTF-8; upper and lower case alike, except for single
 * letters.
 */
export function spansOf(text: string, wanted: readonly string[]): { start: number; end: number }[] {
  const spans: { start: number; end: number }[] = [];
  for (const each of wanted.filter((other) => other.trim() !== "")) {
    const escaped = each.trim().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const flags = each.trim().length === 1 ? "gu" : "giu";
    for (const { index, 0: found } of text.matchAll(
      new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, flags),
    )) {
      const start = Buffer.byteLength(text.slice(0, index));
      spans.push({ start, end: start + Buffer.byteLength(found) });
    }
  }
  return spans;
}
