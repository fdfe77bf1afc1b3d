import { z } from "zod";
import { type Draft, hasKeys, shape, type TaskFormat } from "./format.js";

const text = z.string().min(1);
const texts = z.array(z.string()).default([]);

const publishedRow = z.object({
  QuestionId: text,
  Question: text,
  Answer: z.object({ Value: text, Aliases: texts, NormalizedAliases: texts, HumanAnswers: texts }),
});

const columnRow = z.object({
  question_id: text,
  question: text,
  answer: z.object({ value: text, aliases: texts, normalized_aliases: texts }),
});

/**
 * TriviaQA (Joshi et al., arXiv 1705.03551): the authors' JSON files (questions in the field `Data`), or JSON lines as on
 * Hugging Face (mandarjoshi/trivia_qa). The evidence documents are not read. Accepted are the value and all aliases.
 */
export const triviaqa: TaskFormat = {
  name: "triviaqa",
  summary: '{"Data": [{"QuestionId", "Question", "Answer": {"Value", "Aliases"}}]}',
  defaults: { metric: "exact-match", prompt: "question", stop: ["\n"], maxTokens: 32 },
  shapes: [
    shape(
      (value) => hasKeys(value, "Question", "Answer"),
      publishedRow,
      ({ QuestionId, Question, Answer: { Value, Aliases, NormalizedAliases, HumanAnswers } }) =>
        draft(QuestionId, Question, [Value, ...Aliases, ...NormalizedAliases, ...HumanAnswers]),
    ),
    shape(
      (value) => hasKeys(value, "question", "answer") && hasKeys((value as { answer: unknown }).answer, "value"),
      columnRow,
      ({ question_id, question, answer: { value, aliases, normalized_aliases } }) =>
        draft(question_id, question, [value, ...aliases, ...normalized_aliases]),
    ),
  ],
};

function draft(id: string, question: string, answers: string[]): Draft {
  const accepted = new Set(answers.filter((answer) => answer !== ""));
  return { id, question, kind: "text", answers: Array.from(accepted), tags: [] };
}
