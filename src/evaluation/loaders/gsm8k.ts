import { z } from "zod";
import { extractNumber } from "../../text/number.js";
import { hasKeys, shape, type TaskFormat } from "./format.js";

const row = z.object({
  question: z.string().min(1),
  answer: z.string().refine((answer) => finalNumber(answer) !== undefined, "expected a number after the last ####"),
});

/** GSM8K (Cobbe et al., arXiv 2110.14168; openai/grade-school-math): worked answers that end in `#### number`. */
export const gsm8k: TaskFormat = {
  name: "gsm8k",
  summary: '{"question", "answer": "… #### 18"}',
  defaults: { metric: "number", prompt: "question", stop: ["\nQuestion:"], maxTokens: 512 },
  shapes: [
    shape(
      (value) => hasKeys(value, "question", "answer") && String((value as { answer: unknown }).answer).includes("####"),
      row,
      ({ question, answer }) => ({ question, kind: "number", answers: [finalNumber(answer)!], tags: [] }),
    ),
  ],
};

function finalNumber(answer: string): string | undefined {
  const [, text] = answer.match(/####([^#]*)$/) ?? [];
  return text === undefined || extractNumber(text) === undefined ? undefined : text.trim().replaceAll(",", "");
}
