import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import {
  HARNESS_METRICS,
  type HarnessMetric,
  harnessExtract,
  harnessGrade,
} from "../../../../src/evaluation/metrics/harness.js";
import { METRIC_NAMES } from "../../../../src/evaluation/metrics/metrics.js";
import type { Question } from "../../../../src/evaluation/task.js";

interface Case {
  name: string;
  input: { kind: "number" | "choice"; question: string; text: string; choices?: string[] };
  intended: string | null;
  harnessRight: Record<string, boolean>;
}

const golden = path.resolve(import.meta.dirname, "../../../golden/answers.json");
const { cases } = JSON.parse(readFileSync(golden, "utf8")) as { cases: Case[] };

it("is a metric for each filter", () => {
  expect(METRIC_NAMES).toEqual(expect.arrayContaining([...HARNESS_METRICS]));
  expect(HARNESS_METRICS).toHaveLength(13);
});

it("accepts the answers that the harness's exact_match accepts, and no others", () => {
  for (const { name, input, intended, harnessRight } of cases) {
    if (intended === null) continue;
    const question = { ...input, id: name, answers: [intended], tags: [] } as Question;
    for (const [metric, isRight] of Object.entries(harnessRight)) {
      const grade = harnessGrade(metric as HarnessMetric, question, input.text);
      expect([name, metric, grade === 1]).toEqual([name, metric, isRight]);
    }
  }
});

describe("as Python does it", () => {
  it.each<[HarnessMetric, string, string[] | undefined, string]>([
    ["gsm8k/strict-match", "#### 5\n#### 6", undefined, "5"],
    ["gsm8k/flexible-extract", "5 and\u20286.", undefined, "6."],
    // A full stop in Python's pattern stops at a line feed alone.
    ["mmlu_flan_cot_fewshot/get-answer", "the answer is a\u2028b!", undefined, "a\u2028b"],
    ["mmlu_flan_cot_fewshot/get-answer", "the answer is", undefined, "[invalid]"],
    ["mmlu_flan_cot_zeroshot/flexible-extract", "It: B", ["x", "y"], "(B)"],
    ["mmlu_flan_cot_zeroshot/flexible-extract", "a cat, or a DOG!", ["A cat.", "A dog"], "(B)"],
    ["mmlu_flan_n_shot_generative/flexible-extract", "a cat, or a DOG!", ["A cat.", "A dog"], "(A)"],
    ["mmlu_flan_n_shot_generative/flexible-extract", "x + y", ["x + y", "x (y"], "(A)"],
    ["mmlu_pro/custom-extract", "answer is (K)", undefined, "[invalid]"],
    ["arc_challenge_chat/remove_whitespace", "\x1c A. B", undefined, "A"],
  ])("%s of %j", (name, text, choices, found) => {
    expect(harnessExtract(name, text, choices)).toBe(found);
  });
});

const shared = path.resolve(import.meta.dirname, "../../../../../shared/text/gsm8k-test.jsonl");

it.skipIf(!existsSync(shared))("accepts every worked answer of GSM8K by its strict filter (../shared/text)", () => {
  for (const line of readFileSync(shared, "utf8").trim().split("\n")) {
    const { question, answer } = JSON.parse(line) as { question: string; answer: string };
    const final = answer.slice(answer.indexOf("####") + 4).trim();
    const asked: Question = { id: "1", kind: "number", question, answers: [final], tags: [] };
    expect(harnessGrade("gsm8k/strict-match", asked, answer)).toBe(1);
  }
});
