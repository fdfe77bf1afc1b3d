import { z } from "zod";
import { extractNumber } from "../../text/number.js";
import { letterOf, MAX_CHOICES, QUESTION_KINDS } from "../task.js";
import { type Draft, hasKeys, shape, type TaskFormat } from "./format.js";

const text = z.string().min(1);

const row = z
  .object({
    id: z.union([text, z.number()]).optional(),
    question: text,
    answers: z.array(z.union([text, z.number()])).min(1),
    kind: z.enum(QUESTION_KINDS).optional(),
    choices: z.array(text).min(2).max(MAX_CHOICES).optional(),
    tags: z.array(text).default([]),
    skill: text.optional(),
    split: text.optional(),
  })
  .transform((given) => ({ ...given, kind: given.kind ?? (given.choices === undefined ? "text" : "choice") }))
  .superRefine(({ kind, choices, answers }, context) => {
    const complain = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
    if ((kind === "choice") !== (choices !== undefined)) {
      complain("choices", 'a question of kind "choice" has choices, and no other has');
    } else if (choices !== undefined) {
      const last = letterOf(choices.length - 1);
      const isLetter = (answer: unknown) => typeof answer === "string" && /^[A-Z]$/.test(answer) && answer <= last;
      if (!answers.every(isLetter)) complain("answers", `expected letters of correct choices, "A" to "${last}"`);
    } else if (kind === "number" && !answers.every((answer) => extractNumber(String(answer)) !== undefined)) {
      complain("answers", "expected numbers");
    }
  });

/**
 * A task of one's own: one JSON object a line. `question` and `answers` (all that are accepted) are needed; `kind` is
 * "text" unless there are `choices`, of which `answers` then holds the letters of the correct ones. `skill` is a tag
 * that comes first. Other fields are ignored.
 */
export const jsonl: TaskFormat = {
  name: "jsonl",
  summary:
    '{"question", "answers": […], "id"?, "kind"?: "text" | "number" | "choice", "choices"?, "tags"?, "skill"?, "split"?}',
  defaults: { metric: "accuracy", prompt: "choices", stop: ["\nQuestion:"], maxTokens: 64 },
  shapes: [
    shape(
      (value) => hasKeys(value, "question", "answers"),
      row,
      ({ id, question, answers, kind, choices, tags, skill, split }): Draft => ({
        ...(id === undefined ? {} : { id: String(id) }),
        question,
        kind,
        answers: answers.map(String),
        ...(choices === undefined ? {} : { choices }),
        tags: Array.from(new Set(skill === undefined ? tags : [skill, ...tags])),
        ...(split === undefined ? {} : { split }),
      }),
    ),
  ],
};
