import { describe, expect, it } from "vitest";
import { qualityTable } from "../../../bench/quality.js";
import { meanOverSeeds, withRows } from "../../../bench/quality-rows.js";
import { type BenchReport, renderReport } from "../../../bench/report.js";
import type { Row, TaskReport } from "../../../src/evaluation/report/summary.js";
import type { Evaluation, GradedAnswer } from "../../../src/evaluation/run.js";

const estimate = (value: number) => ({ value, low: value - 0.1, high: value + 0.1, count: 10 });
const difference = (value: number) => ({ ...estimate(value), better: 1, worse: 2, equal: 7 });

function row(name: string, kind: Row["kind"], all: number, stepsPerSecond: number): Row {
  return {
    name,
    kind,
    all: estimate(all),
    tags: { sums: estimate(all) },
    ...(name === "a" ? {} : { difference: difference(all - 0.5) }),
    weakest: { tag: "sums", difference: difference(-0.02) },
    cost: { tokens: 12, parameterTokens: 1200, seconds: 0.1, stepsPerSecond },
  };
}

const task: TaskReport = {
  name: "native",
  metric: "contains",
  grading: "the answer contains an accepted answer",
  count: 10,
  tags: { sums: 10 },
  bestMember: "a",
  rows: [
    row("a", "member", 0.5, 100),
    row("b", "member", 0.4, 300),
    row("gac", "method", 0.8, 60),
    row("oracle", "oracle", 0.9, 100),
  ],
  questions: [],
};

function tableOf(schedule: "parallel" | "in-turn") {
  return qualityTable("experts", task, { settings: { seed: 0, chat: false, generation: {}, lanes: 1, schedule } });
}

describe("the table of bench quality", () => {
  it("has percents with intervals, against the best member and on the weakest skill", () => {
    const { columns, rows } = tableOf("parallel");
    expect(columns.map(({ title }) => title)).toEqual(
      expect.arrayContaining(["who answers", "all", "sums", "vs best (a)", "weakest", "steps/s"]),
    );
    expect(rows.map(({ who }) => who)).toEqual(["a alone", "b alone", "gac", "oracle"]);
    expect(rows[2]).toMatchObject({
      all: { value: 80 },
      difference: { value: expect.closeTo(30) },
      weakestTag: "sums",
    });
    expect(rows[0].difference).toBeNull();
  });

  it("compares a fused step with the slowest member's side by side, with the sum of all in turn", () => {
    expect(tableOf("parallel").rows[2].ofBare).toBeCloseTo(60 / 100, 9);
    expect(tableOf("in-turn").rows[2].ofBare).toBeCloseTo(60 * (1 / 100 + 1 / 300), 9);
    for (const place of [0, 1, 3]) expect(tableOf("parallel").rows[place].ofBare).toBeNull();
  });

  it("is written with its intervals", () => {
    expect(renderReport(reportOf(tableOf("parallel")))).toMatch(/^gac +80\.0 \[70\.0 90\.0\]/m);
  });
});

function reportOf(...tables: BenchReport["tables"]): BenchReport {
  const machine = { cpu: "", cores: 1, memoryGiB: 1, platform: "", node: "", llama: "", date: "" };
  return { name: "quality", about: [], machine, command: "", settings: {}, tables, notes: ["experts: none"] };
}

describe("sampled rows", () => {
  const gradedAs = (grade: number, steps: number): GradedAnswer => ({
    grade,
    answer: { text: "x", finishReason: "stop", steps, tokens: [steps, 2 * steps], seconds: steps, promptSeconds: 1 },
  });
  const evaluationOf = (member: GradedAnswer, method: GradedAnswer): Evaluation => ({
    members: [],
    contenders: [
      { name: "a", kind: "member", respondent: { method: { name: "single" }, members: [0] } },
      { name: "me", kind: "method", respondent: { method: { name: "me" }, members: [0, 1] } },
    ],
    tasks: [{ task: { questions: [{}] } as never, graded: [[member, method]] }],
    settings: { seed: 0, chat: false, generation: {}, lanes: 1 },
    notes: [],
  });

  it("are each question's mean over the seeds, beside the rows that are there", () => {
    const sampled = meanOverSeeds([
      evaluationOf(gradedAs(0, 1), gradedAs(1, 4)),
      evaluationOf(gradedAs(0, 1), gradedAs(0, 2)),
    ]);
    const { contenders, tasks } = withRows(evaluationOf(gradedAs(1, 9), gradedAs(0, 9)), sampled, ", sampled");
    expect(contenders.map(({ name }) => name)).toEqual(["a", "me", "me, sampled"]);
    expect(tasks[0].graded[0].map(({ grade }) => grade)).toEqual([1, 0, 0.5]);
    expect(tasks[0].graded[0][2].answer).toMatchObject({ steps: 3, tokens: [3, 6], seconds: 3, promptSeconds: 1 });
  });
});
