import { describe, expect, it } from "vitest";
import { METRIC_NAMES, metricNamed } from "../../../../src/evaluation/metrics/metrics.js";
import type { Question } from "../../../../src/evaluation/task.js";
import { RandomGenerator } from "../../../../src/random.js";

const question = (more: Partial<Question>): Question => ({
  id: "1",
  question: "?",
  kind: "text",
  answers: ["x"],
  tags: [],
  ...more,
});
const ofKind = {
  text: (answers: string[]) => question({ answers }),
  number: (answers: string[]) => question({ kind: "number", answers }),
  choice: (answers: string[]) => question({ kind: "choice", choices: ["owl", "a dog", "bee"], answers }),
};

/** Texts of up to eight words, among them hard ones. */
function randomText(random: RandomGenerator): string {
  const words = [
    "the",
    "cats",
    "running",
    "-8",
    "1,000.5",
    "café",
    "東京",
    "😀!",
    "(B)",
    "a",
    "\n",
    "&amp;",
    "\\boxed{3}",
    "...",
  ];
  const length = Math.floor(random.next() * 9);
  return Array.from({ length }, () => words[Math.floor(random.next() * words.length)]).join(" ");
}

const textMetrics = METRIC_NAMES.map(metricNamed).filter((metric) => metric.from === "text");

describe.each(textMetrics)("$name", ({ name, kinds, grade }) => {
  const accepted = { text: ["two cats ran home"], number: ["-1,234.5"], choice: ["B"] };

  // The harness's filters want their task's own words around an answer: harness.test.ts.
  it.skipIf(name.includes("/")).each(kinds)("gives an accepted answer of kind %s the full grade", (kind) => {
    expect(grade(ofKind[kind](accepted[kind]), accepted[kind][0])).toBe(1);
  });

  it.each(kinds)("gives an empty answer of kind %s nothing", (kind) => {
    expect(grade(ofKind[kind](accepted[kind]), "")).toBe(0);
  });

  it("stays from 0 to 1, and one more accepted answer never lowers it", () => {
    const random = new RandomGenerator(11);
    for (let round = 0; round < 300; round++) {
      const [answer, one, other] = [randomText(random), randomText(random), randomText(random)];
      for (const kind of kinds) {
        const [few, more] = kind === "choice" ? [["A"], ["A", "C"]] : [[one], [one, other]];
        const grades = [grade(ofKind[kind](few), answer), grade(ofKind[kind](more), answer)];
        for (const value of grades) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        // Another reference can move BLEU's closest length away from the answer's.
        if (name !== "sentence-bleu") expect(grades[1]).toBeGreaterThanOrEqual(grades[0]);
      }
    }
  });
});

it("grades by kind with accuracy", () => {
  const { grade } = textMetrics.find(({ name }) => name === "accuracy")!;
  expect(grade(ofKind.text(["12"]), "so 12")).toBe(0);
  expect(grade(ofKind.number(["12"]), "so 12")).toBe(1);
  expect(grade(ofKind.choice(["B"]), "a dog")).toBe(1);
  expect(grade(ofKind.choice(["A", "C"]), "(c)")).toBe(1);
  expect(grade(ofKind.choice(["A", "C"]), "no idea")).toBe(0);
});

it("grades the choice that is likeliest, by itself and by the byte", () => {
  const plain = metricNamed("choice-likelihood");
  const perByte = metricNamed("choice-likelihood-per-byte");
  if (plain.from !== "likelihood" || perByte.from !== "likelihood") throw new Error("not likelihood metrics");
  // owl, a dog, bee: 3, 5 and 3 bytes. By the byte: -1, -0.8, -2.
  const logLikelihoods = [-3, -4, -6];
  expect(plain.grade(ofKind.choice(["A"]), logLikelihoods)).toBe(1);
  expect(plain.grade(ofKind.choice(["B"]), logLikelihoods)).toBe(0);
  expect(perByte.grade(ofKind.choice(["A"]), logLikelihoods)).toBe(0);
  expect(perByte.grade(ofKind.choice(["B"]), logLikelihoods)).toBe(1);
  expect(() => plain.grade(ofKind.choice(["B"]), [-1])).toThrow(expect.objectContaining({ code: "invalid-option" }));
});

it("names the metrics that there are for a name that is none", () => {
  expect(() => metricNamed("rouge-3")).toThrow(
    expect.objectContaining({ code: "invalid-option", message: expect.stringContaining('Did you mean "rouge-1"?') }),
  );
  expect(() => metricNamed("toString")).toThrow(expect.objectContaining({ code: "invalid-option" }));
});
