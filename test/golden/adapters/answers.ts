import { HARNESS_METRICS, harnessExtract } from "../../../src/evaluation/metrics/harness.js";
import { letterOf } from "../../../src/evaluation/task.js";
import { chosenIn } from "../../../src/text/named-choice.js";
import { equalNumbers, extractNumber } from "../../../src/text/number.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  kind: "number" | "choice";
  question: string;
  text: string;
  choices?: string[];
}

interface AnswerCase {
  name: string;
  input: Input;
  /** What a person reads; null: no answer, or not a single one. */
  intended: string | null;
}

/** How often our own reading, which is no filter of the harness, must be a person's. */
const AGREEMENT = 0.95;

export const answers: GoldenAdapter = {
  method: "answers",
  tolerance: 0,
  run: ({ text, choices }: Input) =>
    Object.fromEntries(HARNESS_METRICS.map((name) => [name, harnessExtract(name, text, choices)])),
  checkAll(cases: readonly AnswerCase[]) {
    const wrong = cases.filter(({ input, intended }) => !isRead(input, intended)).map(({ name }) => name);
    const line = `our own reading is a person's in ${cases.length - wrong.length} of ${cases.length} cases`;
    if (cases.length - wrong.length >= AGREEMENT * cases.length) return [];
    return [`${line}; at least 95 % is right. Not in: ${wrong.join(", ")}`];
  },
};

function isRead({ kind, question, text, choices = [] }: Input, intended: string | null): boolean {
  if (kind === "choice") {
    const chosen = chosenIn(text, choices);
    return (chosen === undefined ? null : letterOf(chosen)) === intended;
  }
  const found = extractNumber(text, question);
  const right = intended === null ? undefined : extractNumber(intended);
  return found === undefined || right === undefined ? found === right : equalNumbers(found, right);
}
