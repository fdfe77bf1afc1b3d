/**
 * Pairs to train a fuser by, as LLM-Blender's GenFuser learns (arXiv 2306.02561): what the writer reads, with the members' best
 * answers by grade, and the reference that it is to write. One conversation a question, in the form that fine-tuning tools read.
 * Questions that no member answered with a text give none.
 */
import { fill, WRITE_FROM_ANSWERS } from "../after/prompts/prompts.js";
import { numbered } from "../after/regenerate/writing.js";
import { queryText } from "../before/table/query-text.js";
import type { ChatMessage } from "../decoding/prompt.js";
import { requestFor } from "./requests.js";
import type { Evaluation } from "./run.js";

export interface FusionPair {
  queryId: string;
  question: string;
  /** The best first. */
  candidates: { model: string; text: string; quality: number }[];
  /** The user's prompt, and the first of the accepted answers as the assistant's. */
  messages: ChatMessage[];
}

export interface FusionPairOptions {
  /** So many of the members' best answers, equal ones once. Default 3, as published. */
  top?: number;
  /** With {question} and {answers}. Default: what `llm-blender` asks its writer. */
  prompt?: string;
}

export function* fusionPairs(
  evaluation: Evaluation,
  { top = 3, prompt = WRITE_FROM_ANSWERS }: FusionPairOptions = {},
): Generator<FusionPair, void, void> {
  const { contenders, tasks, settings } = evaluation;
  for (const { task, graded } of tasks) {
    for (const [index, question] of task.questions.entries()) {
      const asked = queryText(requestFor(task, question, settings).prompt);
      const answers = contenders.flatMap(({ name, kind }, place) => {
        const { answer, grade } = graded[index][place];
        const text = answer?.text.trim() ?? "";
        return kind === "member" && text !== "" ? [{ model: name, text, quality: grade }] : [];
      });
      const candidates = answers
        .toSorted((a, b) => b.quality - a.quality)
        .filter(({ text }, place, all) => all.findIndex((each) => each.text === text) === place)
        .slice(0, top);
      if (candidates.length === 0) continue;
      const content = fill(prompt, { question: asked, answers: numbered(candidates.map(({ text }) => text)) });
      yield {
        queryId: `${task.name}/${question.id}`,
        question: asked,
        candidates,
        messages: [
          { role: "user", content },
          { role: "assistant", content: question.answers[0] },
        ],
      };
    }
  }
}
