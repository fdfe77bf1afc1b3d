import { z } from "zod";
import { hasKeys, shape, type TaskFormat } from "./format.js";

const row = z.object({ question: z.string().min(1), answer: z.array(z.string().min(1)).min(1) });

/**
 * Natural Questions, open domain (Kwiatkowski et al., TACL 2019; the NQ-open selection of Lee et al.,
 * arXiv 1906.00300): JSON lines with a list of accepted short answers. The original files with whole documents are not
 * read.
 */
export const naturalQuestions: TaskFormat = {
  name: "nq",
  summary: '{"question", "answer": [texts]}',
  defaults: { metric: "exact-match", prompt: "question", stop: ["\n"], maxTokens: 32 },
  shapes: [
    shape(
      (value) => hasKeys(value, "question", "answer") && Array.isArray((value as { answer: unknown }).answer),
      row,
      ({ question, answer }) => ({ question, kind: "text", answers: answer, tags: [] }),
    ),
  ],
};
