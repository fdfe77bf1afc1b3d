import { describe, expect, it } from "vitest";
import { ShnitzerRouter, shnitzerOptions } from "../../../../src/before/routers/shnitzer.js";
import { OutcomeTable } from "../../../../src/before/table/outcome-table.js";
import { dot, makeMatrix, matrixOf, rowOf, unitVector } from "../../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../../src/random.js";

const DATASETS = ["a", "b", "c"];

/** 12 queries of each of three data sets; two models, one of them mostly right on a and b, the other on c. */
function benchmark() {
  const random = new RandomGenerator(11);
  const datasets = Array.from({ length: 36 }, (_, row) => DATASETS[row % 3]);
  const embeddings = makeMatrix(36, 4);
  const quality = makeMatrix(36, 2);
  for (const [row, dataset] of datasets.entries()) {
    for (let j = 0; j < 4; j++) embeddings.set(row, j, random.next() + (DATASETS.indexOf(dataset) === j ? 1 : 0));
    quality.set(row, 0, Number(random.next() < (dataset === "c" ? 0.2 : 0.8)));
    quality.set(row, 1, Number(random.next() < (dataset === "c" ? 0.8 : 0.3)));
  }
  const queries = datasets.map((dataset, row) => `${dataset} ${row}`);
  const table = new OutcomeTable({ name: "benchmark", models: ["x", "y"], queries, quality, datasets });
  return { table, embeddings, embedder: { id: "test", dimension: 4 } };
}

const data = benchmark();
const task = [
  Float64Array.of(0.9, 0.4, 1.3, 0.2),
  Float64Array.of(0.1, 0.5, 1.6, 0.9),
  Float64Array.of(0.3, 0.3, 1.1, 0),
];

/** The formulas again, without any of the router's code. */
function byHand(settings: { k: number; kappa: number; bandwidth?: number; clamp: boolean }) {
  const { table, embeddings } = data;
  const cosine = (x: ArrayLike<number>, row: number) => dot(unitVector(x), unitVector(rowOf(embeddings, row)));
  const near = (x: ArrayLike<number>, rows: readonly number[], count: number) =>
    [...rows].sort((a, b) => cosine(x, b) - cosine(x, a)).slice(0, count);
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const g = (x: ArrayLike<number>, rows: readonly number[], m: number) =>
    average(near(x, rows, settings.k).map((row) => table.quality.get(row, m)));
  const distance = (x: ArrayLike<number>, rows: readonly number[]) =>
    average(near(x, rows, settings.kappa).map((row) => 1 - cosine(x, row)));
  const all = Array.from({ length: table.rows }, (_, row) => row);
  const s1 = [0, 1].map((m) => average(task.map((x) => g(x, all, m))));
  const s2 = [0, 1].map((m) => average(task.map((x) => Number(g(x, all, m) > 0.5))));
  const points = DATASETS.map((dataset) => {
    const inside = all.filter((row) => table.datasets![row] === dataset);
    const outside = all.filter((row) => table.datasets![row] !== dataset);
    const accuracy = [0, 1].map((m) =>
      average(
        inside.map((row) => Number(g(rowOf(embeddings, row), outside, m) > 0.5 === (table.quality.get(row, m) === 1))),
      ),
    );
    return { u: average(inside.map((row) => distance(rowOf(embeddings, row), outside))), accuracy };
  });
  const gaps = [0, 1, 2].map((i) => Math.abs(points[i].u - points[(i + 1) % 3].u)).sort((a, b) => a - b);
  const width = settings.bandwidth ?? gaps[1];
  const u = average(task.map((x) => distance(x, all)));
  const kernel = points.map((point) => Math.exp(-(((point.u - u) / width) ** 2) / 2));
  const s3 = [0, 1].map((m) => {
    const smooth =
      points.reduce((sum, { accuracy }, d) => sum + kernel[d] * accuracy[m], 0) / kernel.reduce((sum, w) => sum + w, 0);
    const p = settings.clamp ? Math.max(0.5, smooth) : smooth;
    return s2[m] * p + (1 - s2[m]) * (1 - p);
  });
  return { s1, s2, s3 };
}

async function fitted(options: Record<string, unknown>) {
  const router = new ShnitzerRouter(shnitzerOptions.parse(options));
  await router.fit(data);
  return router;
}

describe("shnitzer", () => {
  it.each(["s1", "s2"] as const)("scores a task by %s", async (score) => {
    const expected = byHand({ k: 3, kappa: 5, clamp: true })[score];
    const found = (await fitted({ score, k: 3 })).scoreTask(task);
    for (const m of [0, 1]) expect(found[m]).toBeCloseTo(expected[m], 6);
  });

  it.each([
    [{}, { clamp: true }],
    [{ compat: true }, { clamp: false }],
    [{ bandwidth: 0.05 }, { clamp: true, bandwidth: 0.05 }],
  ])("scores a task by s3 with %j", async (options, settings) => {
    const expected = byHand({ k: 3, kappa: 4, ...settings }).s3;
    const found = (await fitted({ score: "s3", k: 3, kappa: 4, ...options })).scoreTask(task);
    for (const m of [0, 1]) expect(found[m]).toBeCloseTo(expected[m], 6);
  });

  it("falls back to the best on average where all models score alike", async () => {
    const quality = matrixOf(Array.from({ length: 36 }, (_, row) => [1, row < 30 ? 1 : 0]));
    const table = new OutcomeTable({ ...data.table, quality });
    const router = new ShnitzerRouter(shnitzerOptions.parse({ score: "s2" }));
    await router.fit({ ...data, table });
    const query = { text: "", embedding: Float64Array.from(rowOf(data.embeddings, 0)) };
    expect(Array.from(router.score(query).quality)).toEqual([1, 30 / 36]);
  });
});
