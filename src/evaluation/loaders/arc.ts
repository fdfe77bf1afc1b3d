import { z } from "zod";
import { choiceDraft, type Draft, hasKeys, shape, type TaskFormat } from "./format.js";

const text = z.string().min(1);
const choice = z.object({ text, label: text });

const publishedRow = z
  .object({
    id: text,
    question: z.object({ stem: text, choices: z.array(choice).min(2).max(26) }),
    answerKey: text,
  })
  .refine(({ question, answerKey }) => question.choices.some(({ label }) => label === answerKey), {
    path: ["answerKey"],
    message: "expected the label of one of the choices",
  });

const columnRow = z
  .object({
    id: text,
    question: text,
    choices: z.object({ text: z.array(text).min(2).max(26), label: z.array(text) }),
    answerKey: text,
  })
  .refine(({ choices }) => choices.label.length === choices.text.length, {
    path: ["choices", "label"],
    message: "expected one label for every text",
  })
  .refine(({ choices, answerKey }) => choices.label.includes(answerKey), {
    path: ["answerKey"],
    message: "expected one of the labels",
  });

/**
 * ARC (Clark et al., arXiv 1803.05457), Easy or Challenge: the authors' JSON lines, or those of Hugging Face
 * (allenai/ai2_arc), where the choices are columns. Labels may be letters or figures; choices keep their order.
 */
export const arc: TaskFormat = {
  name: "arc",
  summary: '{"id", "question": {"stem", "choices": [{"text", "label"}]}, "answerKey"}',
  defaults: { metric: "choice-likelihood-per-byte", prompt: "question", stop: ["\n"], maxTokens: 32 },
  shapes: [
    shape(
      (value) => hasKeys(value, "question", "answerKey") && hasKeys((value as { question: unknown }).question, "stem"),
      publishedRow,
      ({ id, question: { stem, choices }, answerKey }) =>
        draft(
          id,
          stem,
          choices.map(({ text }) => text),
          choices.map(({ label }) => label).indexOf(answerKey),
        ),
    ),
    shape(
      (value) => hasKeys(value, "question", "choices", "answerKey"),
      columnRow,
      ({ id, question, choices, answerKey }) => draft(id, question, choices.text, choices.label.indexOf(answerKey)),
    ),
  ],
};

function draft(id: string, stem: string, choices: string[], correct: number): Draft {
  return choiceDraft(stem, choices, correct, { id });
}
