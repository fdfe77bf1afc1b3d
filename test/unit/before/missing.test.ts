/** Tables with gaps, and ties: what is taken where something is missing, and whom equal numbers go to. */
import { describe, expect, it } from "vitest";
import { selectPool } from "../../../src/before/allocation/select-pool.js";
import { resultOf } from "../../../src/before/evaluation/setting-results.js";
import { foldsOf, splitOf } from "../../../src/before/evaluation/splits.js";
import { routerInfos, routerNamed } from "../../../src/before/registry.js";
import { neighbourMeans } from "../../../src/before/routers/knn.js";
import { Costs } from "../../../src/before/table/costs.js";
import { OutcomeTable } from "../../../src/before/table/outcome-table.js";
import { assumedPrices, meanPrices } from "../../../src/before/table/prices.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import { NearestNeighbours } from "../../../src/learning/nearest-neighbours.js";
import { firstModels, queryOf, topicTable } from "../../support/outcome-tables.js";

const GAP = Number.NaN;

function tableOf(quality: number[][], cost?: number[][], lengths = quality.map((_, row) => 10 * (row + 1))) {
  return new OutcomeTable({
    name: "t",
    models: quality[0].map((_, column) => "abcd"[column]),
    queries: lengths.map((length, row) => `${row}`.padEnd(length, "x")),
    quality: matrixOf(quality),
    cost: cost && matrixOf(cost),
  });
}

const right = (rows: number, models = 2) => Array.from({ length: rows }, () => new Array<number>(models).fill(1));

describe("costs with gaps", () => {
  const linesOf = (costs: number[][], lengths?: number[]) =>
    Costs.fit(tableOf(right(costs.length), costs, lengths)).lines;

  it("are fitted on the rows that have them", () => {
    const [first, second] = linesOf([
      [12, 7],
      [GAP, GAP],
      [32, GAP],
      [GAP, GAP],
    ]);
    expect(first).toEqual({ intercept: expect.closeTo(2, 9), slope: expect.closeTo(1, 9), least: 12 });
    expect(second).toEqual({ intercept: 7, slope: 0, least: 7 });
  });

  it("do not fall with the length of a query, and are the mean where all are of one length", () => {
    const [falling, rising] = linesOf([
      [30, 10],
      [20, 20],
      [10, 30],
    ]);
    expect(falling).toEqual({ intercept: 20, slope: 0, least: 10 });
    expect(rising).toEqual({ intercept: expect.closeTo(0, 9), slope: expect.closeTo(1, 9), least: 10 });
    expect(
      linesOf(
        [
          [1, 2],
          [3, 6],
        ],
        [5, 5],
      ),
    ).toEqual([
      { intercept: 2, slope: 0, least: 1 },
      { intercept: 4, slope: 0, least: 2 },
    ]);
  });

  it("take the slope of least squares", () => {
    // (10, 1), (20, 5), (30, 6): slope 50 / 200, through the means 20 and 4.
    const [line] = linesOf([
      [1, 1],
      [5, 1],
      [6, 1],
    ]);
    expect(line).toEqual({ intercept: expect.closeTo(-1, 9), slope: expect.closeTo(0.25, 9), least: 1 });
    expect(new Costs([line]).estimate("x".repeat(4))[0]).toBe(1);
    expect(new Costs([line]).estimate("x".repeat(16))[0]).toBeCloseTo(3, 9);
  });

  it("are filled with each model's own mean, in its own table first", async () => {
    const train = tableOf(right(3), [
      [1, 10],
      [3, GAP],
      [GAP, GAP],
    ]);
    expect([...meanPrices(train)]).toEqual([
      ["a", 2],
      ["b", 10],
    ]);
    const test = new OutcomeTable({
      ...tableOf(right(2), [
        [GAP, GAP],
        [GAP, 5],
      ]),
      queries: ["p", "q"],
    });
    const { splits } = await splitOf(train, test, { embedder: byLength });
    // The training table keeps its gaps; the tested one lacks a, and has a mean of b.
    expect([...splits[0].train.table.cost.data]).toEqual([1, 10, 3, GAP, GAP, GAP]);
    expect([...splits[0].test.table.cost.data]).toEqual([2, 5, 2, 5]);
    const free = new OutcomeTable({ ...train, cost: undefined });
    const priced = await splitOf(free, test, { embedder: byLength });
    expect([...priced.splits[0].train.table.cost.data]).toEqual([GAP, 5, GAP, 5, GAP, 5]);
  });

  it("are assumed by quality where there are none: 0 for the weaker of two, the first of equal ones", () => {
    const priced = (quality: number[][]) => [...assumedPrices(tableOf(quality)).values()];
    expect(priced([[1, 0]])).toEqual([1, 0]);
    expect(priced([[0, 1]])).toEqual([0, 1]);
    expect(priced([[1, 1]])).toEqual([0, 1]);
    expect(priced([[1, 0, 1]])).toEqual([0, 0, 0]);
  });
});

const byLength = {
  id: "test:length",
  dimension: 2,
  embed: async (texts: readonly string[]) => matrixOf(texts.map((text) => [text.length, 1])),
  toJSON: () => ({ kind: "test", id: "test:length", dimension: 2, state: {} }),
};

describe("models that were not observed", () => {
  const table = tableOf([
    [1, GAP, GAP],
    [0.5, 0.25, GAP],
    [GAP, 0.75, GAP],
  ]);

  it("have the mean of what was, and NaN for nothing", () => {
    expect([...table.meansOf(table.quality)]).toEqual([0.75, 0.5, GAP]);
  });

  it("have their mean over all rows where no neighbour knows them", () => {
    const means = table.meansOf(table.quality);
    expect([...neighbourMeans(table.quality, Int32Array.of(0), means)]).toEqual([1, 0.5, GAP]);
    expect([...neighbourMeans(table.quality, Int32Array.of(0, 1, 2), means)]).toEqual([0.75, 0.5, GAP]);
    expect([...neighbourMeans(table.quality, Int32Array.of(2), means)]).toEqual([0.75, 0.75, GAP]);
  });

  it("have it in the router, too, and after a journey through JSON", async () => {
    const observed = tableOf([
      [1, GAP],
      [0, 0.25],
      [0, 0.75],
    ]);
    const embeddings = matrixOf([
      [1, 0],
      [0, 1],
      [-1, 0],
    ]);
    const router = routerNamed("knn", { k: 1 });
    await router.fit({ table: observed, embeddings, embedder: { id: "test", dimension: 2 } });
    const scores = (embedding: number[]) => [
      ...router.score({ text: "x", embedding: Float64Array.from(embedding) }).quality,
    ];
    expect(scores([1, 0.1])).toEqual([1, 0.5]);
    expect(scores([0.1, 1])).toEqual([0, 0.25]);
    expect(scores([-1, 0])).toEqual([0, 0.75]);
  });

  it("add nothing to a pool, whose ties go to the first", () => {
    expect(selectPool(table, 3)).toEqual(["a", "b", "c"]);
    expect(
      selectPool(
        tableOf([
          [0.5, 0.5],
          [0.5, 0.5],
        ]),
        2,
      ),
    ).toEqual(["a", "b"]);
    // c adds a whole row where b adds a half.
    expect(
      selectPool(
        tableOf([
          [1, 1, 0],
          [1, 1, 0],
          [0, 0.5, 1],
          [0, 0, GAP],
        ]),
        2,
      ),
    ).toEqual(["b", "c"]);
  });
});

describe("ties", () => {
  const voting = (answers: string[][], quality: number[][]) =>
    new OutcomeTable({
      ...tableOf(
        quality,
        quality.map((row) => row.map(() => 2)),
      ),
      answers,
    });

  it("of votes go to the earlier member, whatever it answered", () => {
    const table = voting([["x"], ["y"], ["z"]], [[0, 1, 0.5]]);
    expect(resultOf(table, 0, { members: [0, 1], votes: [1, 1] })).toEqual({ quality: 0, cost: 4 });
    expect(resultOf(table, 0, { members: [1, 0], votes: [1, 1] })).toEqual({ quality: 1, cost: 4 });
    expect(resultOf(table, 0, { members: [0, 2, 1], votes: [1, 1.5, 1.5] })).toEqual({ quality: 0.5, cost: 6 });
    // Answers that differ in spaces are one.
    const alike = voting([["x"], [" y"], ["y "]], [[0, 1, 1]]);
    expect(resultOf(alike, 0, { members: [0, 1, 2], votes: [1.5, 1, 1] }).quality).toBe(1);
  });

  it("of neighbours go to the lowest row, also where not all of them fit", () => {
    const index = NearestNeighbours.fit(
      matrixOf([
        [0, 1],
        [1, 0],
        [2, 0],
        [3, 0],
      ]),
    );
    for (const k of [1, 2, 3]) expect([...index.search([5, 0], k).indices]).toEqual([1, 2, 3].slice(0, k));
  });
});

describe("seeds", () => {
  it("make other folds, and the same ones again; 1 where none is given", async () => {
    const { table } = topicTable(30, 2);
    const foldsWith = async (seed?: number) =>
      (await foldsOf(table, 3, { seed, embedder: byLength })).splits.map(({ test }) => [...test.table.ids]);
    expect(await foldsWith(5)).toEqual(await foldsWith(5));
    expect(await foldsWith(5)).not.toEqual(await foldsWith(6));
    expect(await foldsWith()).toEqual(await foldsWith(1));
    expect(await foldsWith()).not.toEqual(await foldsWith(2));
  });

  it("begin the embedding where none is given", async () => {
    const [train, test] = [topicTable(30, 2), topicTable(20, 3)].map(({ table }) => table);
    const embedded = async (seed?: number) => {
      const { splits } = await splitOf(train, test, { seed });
      return [splits[0].train, splits[0].test].map(({ embeddings }) => Array.from(embeddings.data));
    };
    expect(await embedded(5)).toEqual(await embedded(5));
    expect(await embedded(5)).not.toEqual(await embedded(6));
  });

  it("change what routers that draw have learned, and nothing else", async () => {
    const data = firstModels(topicTable(60, 7), 2);
    const drawing: string[] = [];
    for (const { name } of routerInfos) {
      const fitted = async (seed?: number) => {
        const router = routerNamed(name);
        await router.fit(data, { seed });
        return JSON.stringify([router.toJSON().state, router.decide(queryOf(data, 0))]);
      };
      const first = await fitted();
      expect(await fitted(1)).toBe(first);
      if ((await fitted(2)) !== first) drawing.push(name);
    }
    // The others solve for the one best fit.
    expect(drawing.join(" ")).toBe(
      "shnitzer srivatsa routellm select-llm llm-bandit meta-llm pick-llm blending avengers avengers-pro racer",
    );
  });
});
