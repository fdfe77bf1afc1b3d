/** The routers that fit one model of quality to a table: Bench-CoE, TO-Router, HomoRouter, FORC, LLM Bandit. */
import { describe, expect, it } from "vitest";
import { routerNamed } from "../../../../src/before/registry.js";
import type { FitData } from "../../../../src/before/router.js";
import { ForcRouter, forcOptions } from "../../../../src/before/routers/forc.js";
import { neighbourMeansOf, refinedLabels } from "../../../../src/before/routers/homo-router.js";
import { LlmBanditRouter, llmBanditOptions } from "../../../../src/before/routers/llm-bandit.js";
import { softLabels } from "../../../../src/before/routers/to-router.js";
import { OutcomeTable } from "../../../../src/before/table/outcome-table.js";
import { groupQuality } from "../../../../src/before/table/row-groups.js";
import { matrixOf, rowOf } from "../../../../src/learning/matrix.js";
import { queryOf, type TopicTable, topicTable } from "../../../support/outcome-tables.js";
import { refusal } from "../../../support/refusal.js";

const train = topicTable(400, 1);
const test = topicTable(200, 2);

/** How often the chosen model is the topic's own one or the sage, who is nearly always right. */
async function share(name: string, options: Record<string, unknown>, knob = {}): Promise<number> {
  const router = routerNamed(name, options);
  await router.fit(train, { seed: 1 });
  let right = 0;
  for (let row = 0; row < 200; row++) {
    const [model] = router.decide(queryOf(test, row), knob).models;
    right += test.table.quality.get(row, test.table.column(model));
  }
  return right / 200;
}

function tableOf(quality: number[][], more: Partial<OutcomeTable> = {}): OutcomeTable {
  const models = quality[0].map((_, column) => `m${column}`);
  return new OutcomeTable({
    name: "t",
    models,
    queries: quality.map((_, row) => `q${row}`),
    quality: matrixOf(quality),
    ...more,
  });
}

describe("routers on two topics", () => {
  it.each([
    ["bench-coe", {}],
    ["bench-coe", { level: "subject" }],
    ["to-router", {}],
    ["to-router", { variant: "knn" }],
    ["to-router", { variant: "mlp" }],
    ["homo-router", {}],
    ["forc", {}],
    ["llm-bandit", {}],
    ["meta-llm", {}],
  ])("%s %o answers rightly as often as the sage does, and cheaply under a price", async (name, options) => {
    expect(await share(name, options)).toBeGreaterThan(0.89);
    // At this price the cheap expert of a topic is worth more than the sage, and the wrong expert is not.
    expect(await share(name, options, { lambda: 0.02 })).toBeGreaterThan(0.84);
  });

  it.each([
    ["to-router", { variant: "knn" }],
    ["to-router", { variant: "mlp" }],
    ["bench-coe", { level: "subject" }],
  ])("%s %o decides the same after JSON", async (name, options) => {
    const router = routerNamed(name, options);
    await router.fit(train, { seed: 1 });
    const restored = routerNamed(name, options);
    restored.restore(JSON.parse(JSON.stringify(router.toJSON())));
    for (let row = 0; row < 20; row++) {
      expect(restored.decide(queryOf(test, row))).toEqual(router.decide(queryOf(test, row)));
    }
  });
});

describe("Bench-CoE's subject table", () => {
  it("has each subject's mean qualities, and the overall mean where a subject says nothing", () => {
    const table = tableOf([
      [1, 0],
      [0.5, Number.NaN],
      [0, 1],
      [0, 0.5],
    ]);
    const quality = groupQuality(table, ["x", "y", "z", "z"], ["x", "y", "z"]);
    expect(Array.from(quality.data)).toEqual([1, 0, 0.5, 0.5, 0, 0.75]);
  });

  it("gives ties to the cheaper model", async () => {
    const data: TopicTable = { ...train, table: train.table.selectModels(["sage", "clerk"]) };
    data.table.quality.data.fill(1);
    const router = routerNamed("bench-coe", { level: "subject" });
    await router.fit(data);
    expect(router.decide(queryOf(test, 0)).models).toEqual(["clerk"]);
  });
});

describe("TO-Router's soft labels", () => {
  it("are uniform for uniform similarities, and closed-form otherwise", () => {
    const table = tableOf([
      [0.4, 0.4, 0.4],
      [1, 0, Number.NaN],
    ]);
    const targets = softLabels(table, 2);
    for (const share of rowOf(targets, 0)) expect(share).toBeCloseTo(1 / 3, 12);
    // The third model counts as its mean, 0.4.
    const total = Math.exp(2) + 1 + Math.exp(0.8);
    expect(targets.get(1, 0)).toBeCloseTo(Math.exp(2) / total, 12);
    expect(targets.get(1, 2)).toBeCloseTo(Math.exp(0.8) / total, 12);
  });
});

describe("HomoRouter's refined labels", () => {
  it("are half the label and half the neighbours' mean", () => {
    const refined = refinedLabels(matrixOf([[1, 0, Number.NaN]]), matrixOf([[0.5, Number.NaN, 0.5]]), 0.5);
    expect(Array.from(refined.data)).toEqual([0.75, 0, Number.NaN]);
  });

  it("take the nearest other rows, as a search through all pairs does", async () => {
    const { table, embeddings } = topicTable(80, 5, { missing: 0.3 });
    const means = await neighbourMeansOf(embeddings, table.quality, 4, { seed: 1 });
    const cosine = (a: number, b: number) => {
      const [x, y] = [rowOf(embeddings, a), rowOf(embeddings, b)];
      const along = x.reduce((sum, value, j) => sum + value * y[j], 0);
      return along / (Math.hypot(...x) * Math.hypot(...y));
    };
    for (let row = 0; row < 80; row++) {
      const others = Array.from({ length: 80 }, (_, other) => other).filter((other) => other !== row);
      const nearest = others.sort((a, b) => cosine(row, b) - cosine(row, a)).slice(0, 4);
      for (let model = 0; model < 3; model++) {
        const known = nearest.map((other) => table.quality.get(other, model)).filter((q) => !Number.isNaN(q));
        const mean = known.reduce((sum, q) => sum + q, 0) / known.length;
        expect(means.get(row, model)).toEqual(Number.isNaN(mean) ? mean : expect.closeTo(mean, 12));
      }
    }
  });
});

describe("FORC", () => {
  it("shares one budget among queries, better than greedily", async () => {
    const router = new ForcRouter(forcOptions.parse({}));
    await router.fit(train);
    const queries = Array.from({ length: 50 }, (_, row) => queryOf(test, row));
    const best = router.assign(queries, { strategy: "performance" });
    const greedy = router.assign(queries, { strategy: "greedy", budget: 120 });
    const exact = router.assign(queries, { strategy: "ilp", budget: 120 });
    expect(exact.isOptimal).toBe(true);
    expect(exact.cost).toBeLessThanOrEqual(120);
    expect(greedy.cost).toBeLessThanOrEqual(120);
    expect(exact.quality).toBeGreaterThan(greedy.quality + 0.5);
    expect(best.quality).toBeGreaterThan(exact.quality);
    const least = router.assign(queries, { strategy: "ilp", leastQuality: exact.quality - 1e-9 });
    expect(least.cost).toBeCloseTo(exact.cost, 6);
    expect(router.assign(queries, { strategy: "single", model: "clerk" }).cost).toBe(100);
    expect((await refusal(() => router.assign(queries, { strategy: "single", model: "clark" }))).message).toMatch(
      /clerk/,
    );
  });

  it("takes its threshold strictly, with the fallback that it is told", async () => {
    const router = new ForcRouter(forcOptions.parse({ fallback: "poet" }));
    await router.fit(train);
    const estimate = { quality: Float64Array.of(0.3, 0.5, 0.6), cost: Float64Array.of(1, 2, 10) };
    expect(router.choose(estimate, { threshold: 0.4 }).members).toEqual([1]);
    expect(router.choose(estimate, { threshold: 0.5 }).members).toEqual([2]);
    expect(router.choose(estimate, { threshold: 0.6 }).members).toEqual([0]);
    const unknown = new ForcRouter(forcOptions.parse({ fallback: "bard" }));
    expect((await refusal(() => unknown.fit(train))).message).toMatch(/bard/);
  });
});

describe("LLM Bandit", () => {
  it("takes in a new model after a quiz, and routes to it", async () => {
    const known: FitData = { ...train, table: train.table.selectModels(["clerk", "sage"]) };
    const router = new LlmBanditRouter(llmBanditOptions.parse({ epochs: 40 }));
    await router.fit(known);
    const quiz = router.quizQueries(train, 40);
    expect(new Set(quiz).size).toBe(40);
    const embeddings = matrixOf(quiz.map((row) => rowOf(train.embeddings, row)));
    const answers = { table: train.table.selectRows(quiz).selectModels(["poet"]), embeddings };
    const grown = router.withModel(answers);
    expect(grown.models).toEqual(["clerk", "sage", "poet"]);
    let right = 0;
    for (let row = 0; row < 200; row++) {
      const { scores } = grown.decide(queryOf(test, row), { preference: 0.9 });
      right += Number(scores.poet > 0.5 === (test.topics[row] === 0));
      expect(grown.score(queryOf(test, row)).cost[2]).toBe(1);
    }
    expect(right / 200).toBeGreaterThan(0.85);
    expect((await refusal(() => grown.withModel(answers))).message).toMatch(/poet already/);
  });
});
