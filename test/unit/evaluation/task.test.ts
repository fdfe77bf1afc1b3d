import { describe, expect, it } from "vitest";
import { requestFor } from "../../../src/evaluation/requests.js";
import {
  CHAT_TOKENS,
  continuationsOf,
  correctChoices,
  promptOf,
  type Question,
  type Task,
} from "../../../src/evaluation/task.js";

const choice: Question = {
  id: "q1",
  question: "Which barks?",
  kind: "choice",
  choices: ["owl", "dog", "wolf"],
  answers: ["B", "C"],
  tags: [],
};
const open: Question = { id: "q2", question: "2 + 2?", kind: "number", answers: ["4"], tags: [] };

it("puts a question in each of the formats", () => {
  expect(promptOf({ prompt: "plain" }, choice)).toBe("Which barks?");
  expect(promptOf({ prompt: "question" }, choice)).toBe("Question: Which barks?\nAnswer:");
  expect(promptOf({ prompt: "choices" }, choice)).toBe("Question: Which barks?\nA. owl\nB. dog\nC. wolf\nAnswer:");
  expect(promptOf({ prompt: "choices" }, open)).toBe("Question: 2 + 2?\nAnswer:");
});

it("continues a prompt with letters where it shows them, with the choices' texts elsewhere", () => {
  expect(continuationsOf({ prompt: "choices" }, choice)).toEqual([" A", " B", " C"]);
  expect(continuationsOf({ prompt: "question" }, choice)).toEqual([" owl", " dog", " wolf"]);
  expect(() => continuationsOf({ prompt: "question" }, open)).toThrow(
    expect.objectContaining({ code: "invalid-option", message: expect.stringContaining("q2 has no choices") }),
  );
});

it("knows the correct choices by their letters", () => {
  expect(correctChoices(choice)).toEqual([1, 2]);
});

describe("in a chat", () => {
  const task = { name: "t", metric: "exact-match", prompt: "question", stop: ["\n"], maxTokens: 32 } as const;
  const question: Question = { id: "1", question: "Where?", kind: "text", answers: ["Rome"], tags: [] };
  const asked = (more: Partial<Task>, chat: boolean, generation = {}) =>
    requestFor({ ...task, questions: [question], ...more }, question, { chat, generation }).generation;

  it("an answer ends with its turn, not with its line, and has room for sentences", () => {
    expect(asked({}, false)).toEqual({ maxTokens: 32, stop: ["\n"] });
    expect(asked({}, true)).toEqual({ maxTokens: CHAT_TOKENS, stop: [] });
    expect(asked({ maxTokens: 5000 }, true)).toEqual({ maxTokens: 5000, stop: [] });
  });

  it("what the caller asks for holds", () => {
    expect(asked({ chat: { stop: ["END"], maxTokens: 7 } }, true)).toEqual({ maxTokens: 7, stop: ["END"] });
    expect(asked({}, true, { maxTokens: 9, stop: ["x"] })).toEqual({ maxTokens: 9, stop: ["x"] });
  });
});
