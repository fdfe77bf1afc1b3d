/** Small parts that routers and their evaluation share, by their definitions. */
import { describe, expect, it } from "vitest";
import { removeLeaked, sameQueries } from "../../../src/before/evaluation/leakage.js";
import { onlyPairs, withoutPairs } from "../../../src/before/fitting/feedback.js";
import { holdOut } from "../../../src/before/fitting/hold-out.js";
import type { RouterFeedback } from "../../../src/before/router.js";
import { amountAt, qualityAt } from "../../../src/before/table/formats/records.js";
import { OutcomeTable } from "../../../src/before/table/outcome-table.js";
import { outcomePairs } from "../../../src/before/table/pairs.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../src/random.js";
import { refusal } from "../../support/refusal.js";

const GAP = Number.NaN;
const tableOf = (queries: string[], quality = queries.map(() => [1, 0])) =>
  new OutcomeTable({
    name: "t",
    models: quality[0].map((_, column) => "abc"[column]),
    queries,
    quality: matrixOf(quality),
  });

describe("battles from a table", () => {
  const table = tableOf(
    ["p", "q", "r"],
    [
      [1, 0.25, 0.5],
      [GAP, 0.5, 0.75],
      [0, 0, 1],
    ],
  );
  const battles = (margin?: number) =>
    [...outcomePairs(table, margin)].map(({ row, a, b, outcome }) => `${row}${"abc"[a]}${"abc"[b]}${outcome}`);

  it("are of every two models that were both tried; equal ones, or nearly so, are ties", () => {
    expect(battles()).toEqual(["0aba", "0aca", "0bcb", "1bcb", "2abtie", "2acb", "2bcb"]);
    expect(battles(0.25)).toEqual(["0aba", "0aca", "0bctie", "1bctie", "2abtie", "2acb", "2bcb"]);
  });
});

it("rows that are held back: a share, drawn with the seed, of which each model keeps one", () => {
  const random = new RandomGenerator(5);
  const drawn = new Set<string>();
  for (let round = 0; round < 200; round++) {
    const [rows, models] = [1 + Math.floor(random.next() * 12), 1 + Math.floor(random.next() * 3)];
    const labels = matrixOf(
      Array.from({ length: rows }, () => Array.from({ length: models }, () => (random.next() < 0.5 ? GAP : 1))),
    );
    const share = [0, 0.2, 0.5, 1][round % 4];
    const { fitted, held } = holdOut(labels, share, round);
    expect(holdOut(labels, share, round)).toEqual({ fitted, held });
    expect([...fitted, ...held].sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, row) => row));
    for (const part of [fitted, held]) expect(part).toEqual([...part].sort((a, b) => a - b));
    const wanted = Math.min(rows - 1, Math.max(1, Math.round(share * rows)));
    expect(held.length).toBeLessThanOrEqual(wanted);
    // A model gets one row back at most.
    expect(held.length).toBeGreaterThanOrEqual(wanted - models);
    for (let model = 0; model < models; model++) {
      const labelled = Array.from({ length: rows }, (_, row) => row).filter(
        (row) => !Number.isNaN(labels.get(row, model)),
      );
      expect(labelled.length === 0 || labelled.some((row) => fitted.includes(row))).toBe(true);
    }
    if (rows > 5) drawn.add(`${rows}: ${held}`);
  }
  expect(drawn.size).toBeGreaterThan(50);
});

describe("queries", () => {
  it("are the same whatever their case and white space", () => {
    const table = tableOf(["What is  it?", "Other", "\twhat IS\nit? ", "other"]);
    expect(sameQueries(table)).toEqual([
      [0, 2],
      [1, 3],
    ]);
    const { leaked, train } = removeLeaked(table, tableOf(["x", "what is it?"]));
    expect(leaked.map(({ train, test, query }) => [train, test, query])).toEqual([
      [table.ids[0], "1", "What is  it?"],
      [table.ids[2], "1", "\twhat IS\nit? "],
    ]);
    expect(train!.queries).toEqual(["Other", "other"]);
    expect(removeLeaked(table, tableOf(["x"])).train).toBe(table);
    expect(removeLeaked(tableOf(["X "]), tableOf(["x"])).train).toBeUndefined();
  });
});

describe("cells of tables", () => {
  const place = { file: "t.csv", line: 3 } as never;
  it("are numbers, truth values, or missing", () => {
    const found = ["0.5", " 1 ", "TRUE", "false", "", "NaN", "NULL", "None", "na", undefined, null, 0].map((cell) =>
      qualityAt(cell, "quality", place),
    );
    expect(found).toEqual([0.5, 1, 1, 0, GAP, GAP, GAP, GAP, GAP, GAP, GAP, 0]);
    expect(amountAt("12.5", "cost", place)).toBe(12.5);
  });

  it.each<[typeof qualityAt, unknown, RegExp, unknown]>([
    [qualityAt, "1.5", /the quality is 1\.5; 0 to 1 is allowed/, 1.5],
    [qualityAt, -0.1, /is -0\.1/, -0.1],
    [amountAt, -1, /quality is -1; 0 or more is allowed/, -1],
    [amountAt, "x".repeat(70), /quality is "x{60}", which is not a number/, "x".repeat(60)],
    [amountAt, "Infinity", /is "Infinity", which is not a number/, "Infinity"],
  ])("are refused otherwise: %o of %j", async (read, cell, message, found) => {
    const error = await refusal(() => read(cell, "quality", place));
    expect(error.message).toMatch(message);
    expect(error.details).toMatchObject({ column: "quality", found });
  });
});

describe("feedback", () => {
  const one = { query: { text: "q", embedding: Float64Array.of(1) }, model: "a", quality: 1 } as RouterFeedback;
  const two = { query: { text: "q", embedding: Float64Array.of(1) }, a: "a", b: "b", outcome: "tie" } as RouterFeedback;

  it("is of the kind that a router learns from", () => {
    for (const quality of [0, 0.5, 1])
      expect(withoutPairs({ ...one, quality } as RouterFeedback, "r")).toMatchObject({ quality });
    for (const outcome of ["a", "b", "tie"])
      expect(onlyPairs({ ...two, outcome } as RouterFeedback, "r")).toMatchObject({ outcome });
  });

  it.each<[RouterFeedback, typeof withoutPairs | typeof onlyPairs, RegExp]>([
    [two, withoutPairs, /r received a comparison of two models/],
    [{ ...one, quality: 1.01 } as RouterFeedback, withoutPairs, /the quality 1\.01; .*from 0 to 1/],
    [{ ...one, quality: "1" } as never, withoutPairs, /the quality/],
    [one, onlyPairs, /r received one model's quality/],
    [{ ...two, outcome: "c" } as never, onlyPairs, /which of two was better/],
    [{ ...two, a: 5 } as never, onlyPairs, /The feedback's a/],
    [{ ...one, model: 5 } as never, withoutPairs, /The feedback's model/],
  ])("is refused otherwise (%#)", async (feedback, read, message) => {
    expect((await refusal(() => read(feedback, "r"))).message).toMatch(message);
  });
});
