import { expect, it } from "vitest";
import { continuationsOf, correctChoices, promptOf, type Question } from "../../../src/evaluation/task.js";

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
