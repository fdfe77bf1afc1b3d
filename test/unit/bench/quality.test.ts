import { describe, expect, it } from "vitest";
import { qualityTable } from "../../../src/bench/quality.js";
import { renderReport } from "../../../src/bench/report.js";
import type { Row, TaskReport } from "../../../src/evaluation/report/summary.js";

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
    const machine = { cpu: "", cores: 1, memoryGiB: 1, platform: "", node: "", llama: "", date: "" };
    const report = {
      name: "quality",
      about: [],
      machine,
      command: "",
      settings: {},
      tables: [tableOf("parallel")],
      notes: [],
    };
    expect(renderReport(report)).toMatch(/^gac +80\.0 \[70\.0 90\.0\]/m);
  });
});
