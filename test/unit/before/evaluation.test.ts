import { describe, expect, it } from "vitest";
import { baselinesOf } from "../../../src/before/evaluation/baselines.js";
import { comparisonNotes } from "../../../src/before/evaluation/compare-routers.js";
import {
  averageGapRecovered,
  averageImprovement,
  callPerformance,
  hullAt,
  mixForBudget,
  thresholdForShare,
  upperHull,
} from "../../../src/before/evaluation/curve.js";
import { evaluateRouters } from "../../../src/before/evaluation/evaluate-routers.js";
import { renderRoutersHtml, renderTablesHtml } from "../../../src/before/evaluation/html.js";
import { removeLeaked } from "../../../src/before/evaluation/leakage.js";
import { resultOf } from "../../../src/before/evaluation/setting-results.js";
import { foldsOf, splitOf } from "../../../src/before/evaluation/splits.js";
import { OutcomeTable } from "../../../src/before/table/outcome-table.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../src/random.js";
import { topicTable } from "../../support/outcome-tables.js";
import { refusal } from "../../support/refusal.js";

const points = (...pairs: [number, number][]) => pairs.map(([cost, quality]) => ({ cost, quality }));

describe("curves", () => {
  it("the hull bounds every point and every mixture, and is made of points", () => {
    const random = new RandomGenerator(4);
    for (let round = 0; round < 50; round++) {
      const cloud = Array.from({ length: 12 }, () => ({ cost: random.next(), quality: random.next() }));
      const hull = upperHull(cloud);
      for (const vertex of hull) expect(cloud).toContain(vertex);
      for (const a of cloud) {
        for (const b of cloud) {
          const share = random.next();
          const cost = (1 - share) * a.cost + share * b.cost;
          if (cost < hull[0].cost) continue;
          expect(hullAt(hull, cost)).toBeGreaterThanOrEqual((1 - share) * a.quality + share * b.quality - 1e-12);
        }
      }
    }
  });

  it("AIQ is the area under the hull over the largest cost: hand-computed", () => {
    const curve = points([1, 0.4], [3, 0.8], [2, 0.5]);
    // From 1 to 3: (0.4 + 0.8)/2 · 2 = 1.2; flat to 4: 0.8; in all 2 of 4.
    expect(averageImprovement(curve, 4)).toBeCloseTo(0.5, 12);
    expect(averageImprovement(curve, 4, 1)).toBeCloseTo(2 / 3, 12);
    expect(averageImprovement(points([2, 0.6]), 4)).toBeCloseTo(0.3, 12);
    expect(averageImprovement(points([0, 0.6]), 0)).toBe(0.6);
    // Cut off at 2, where the hull is at 0.6: (0.4 + 0.6)/2 · 1 = 0.5 of 2; a curve that starts beyond has nothing.
    expect(averageImprovement(curve, 2)).toBeCloseTo(0.25, 12);
    expect(averageImprovement(points([2.1, 0.6]), 2)).toBe(0);
  });

  it("a budget between two settings is met exactly by mixing them", () => {
    const curve = points([1, 0.4], [3, 0.8], [2, 0.5]);
    const { a, b, share } = mixForBudget(curve, 2.5)!;
    expect((1 - share) * a.cost + share * b.cost).toBeCloseTo(2.5, 12);
    expect((1 - share) * a.quality + share * b.quality).toBeCloseTo(0.7, 12);
    expect(mixForBudget(curve, 99)).toMatchObject({ a: curve[1], share: 0 });
    expect(mixForBudget(curve, 0.5)).toBeUndefined();
  });

  it("the threshold for a share of strong calls is a quantile", () => {
    const scores = [0.9, 0.1, 0.5, 0.7, 0.3];
    expect(thresholdForShare(scores, 1)).toBe(0.1);
    expect(thresholdForShare(scores, 0)).toBe(0.9);
    expect(thresholdForShare(scores, 0.5)).toBe(0.5);
    expect(thresholdForShare(scores, 0.25)).toBeCloseTo(0.7, 12);
  });

  it("APGR and CPT of a straight line, of a step, and of a curve that falls", () => {
    const line = [0, 0.5, 1].map((share) => ({ share, quality: 0.4 + 0.4 * share }));
    expect(averageGapRecovered(line, 0.4, 0.8)).toBeCloseTo(0.5, 12);
    expect(callPerformance(line, 0.4, 0.8, 0.5)).toBeCloseTo(0.5, 12);
    const sharp = [
      { share: 0, quality: 0.4 },
      { share: 0.2, quality: 0.8 },
      { share: 1, quality: 0.8 },
    ];
    expect(averageGapRecovered(sharp, 0.4, 0.8)).toBeCloseTo(0.9, 12);
    expect(callPerformance(sharp, 0.4, 0.8, 0.8)).toBeCloseTo(0.16, 12);
    const falling = [
      { share: 0, quality: 0.4 },
      { share: 0.3, quality: 0.6 },
      { share: 0.6, quality: 0.5 },
      { share: 1, quality: 0.8 },
    ];
    // 0.7 lies between 0.6 (at 0.3, the running maximum) and 0.8 (at 1).
    expect(callPerformance(falling, 0.4, 0.8, 0.75)).toBeCloseTo(0.65, 12);
    expect(callPerformance(falling, 0.4, 0.9, 1)).toBeNaN();
    expect(averageGapRecovered(line, 0.8, 0.8)).toBeNaN();
    expect(averageGapRecovered(line, 0.77, 0.8)).toBeNaN();
    expect(callPerformance(line, 0.77, 0.8, 0.5)).toBeNaN();
  });
});

const small = new OutcomeTable({
  name: "small",
  models: ["weak", "mid", "strong"],
  queries: ["p", "q", "r", "s"],
  quality: matrixOf([
    [1, 0, 1],
    [0, 1, 1],
    [0, 0, 1],
    [0, 0, Number.NaN],
  ]),
  cost: matrixOf([
    [1, 2, 10],
    [1, 2, 10],
    [1, 2, 10],
    [1, 2, 10],
  ]),
  answers: [["x"], ["y"], ["x "], ["n"], ["y"], ["y"], ["a"], ["b"], ["c"], ["a"], ["a"], undefined],
});

describe("baselines", () => {
  it("random, best single, zero router and oracle: hand-computed", () => {
    const { random, bestSingle, zeroRouter, oracle } = baselinesOf(small);
    expect(random.quality).toBeCloseTo((0.25 + 0.25 + 1) / 3, 12);
    expect(random.cost).toBeCloseTo(13 / 3, 12);
    expect(bestSingle).toEqual({ model: "strong", quality: 1, cost: 10 });
    expect(zeroRouter.map(({ model }) => model)).toEqual(["weak", "strong"]);
    // p: weak 1, q: mid 1, r: strong 1, s: nobody, so the cheapest.
    expect(oracle[0]).toMatchObject({ quality: 0.75, cost: (1 + 2 + 10 + 1) / 4 });
    expect(oracle.at(-1)).toMatchObject({ quality: 0.25, cost: 1 });
  });
});

describe("what a choice brings", () => {
  it("is the first member's outcome, or the answer that the votes elect for the cost of all", () => {
    expect(resultOf(small, 1, { members: [1, 0] })).toEqual({ quality: 1, cost: 2 });
    expect(resultOf(small, 0, { members: [1, 0, 2], votes: [0.8, 0.5, 0.4] })).toEqual({ quality: 1, cost: 13 });
    expect(resultOf(small, 0, { members: [1, 0], votes: [0.8, 0.5] })).toEqual({ quality: 0, cost: 3 });
    const silent = new OutcomeTable({ ...small, answers: undefined });
    expect(resultOf(silent, 0, { members: [1, 0], votes: [1, 3] })).toEqual({ quality: 0.75, cost: 3 });
    expect(resultOf(small, 3, { members: [2] }).quality).toBeNaN();
  });
});

describe("splits", () => {
  const other = (queries: string[], models = small.models) =>
    new OutcomeTable({ ...small.selectModels(models), name: "other", queries, ids: ["1", "2", "3", "4"] });

  it("queries of both tables are named and leave the training table, whatever their case and spaces", () => {
    const { leaked, train } = removeLeaked(small, other([" P ", "x", "R", "y"]));
    expect(leaked).toEqual([
      { train: "0", test: "1", query: "p" },
      { train: "2", test: "3", query: "r" },
    ]);
    expect(train?.queries).toEqual(["q", "s"]);
  });

  it("a model without outcomes, or a training table that is the test table, is an error", async () => {
    const missing = await refusal(() => splitOf(small, other(["a", "b", "c", "d"], ["weak", "mid"])));
    expect(missing.message).toMatch(/no outcomes of strong/);
    expect((await refusal(() => splitOf(small, small))).message).toMatch(/folds: 5/);
    const twice = await splitOf(small.selectModels(["weak", "strong"]), other(["the p", "the q", "the r", "the s"]), {
      embedder: fixedEmbedder,
    });
    expect(twice.notes).toEqual([expect.stringMatching(/^mid left out/)]);
    expect(twice.tested.models).toEqual(["weak", "strong"]);
  });

  it("folds share no query, cover all, and keep twins together", async () => {
    const { table } = topicTable(40, 2);
    const twins = new OutcomeTable({
      ...table,
      queries: table.queries.map((query, row) => (row < 2 ? "twin" : query)),
    });
    const { splits, tested } = await foldsOf(twins, 4, { seed: 3 });
    expect(splits).toHaveLength(4);
    expect(tested.rows).toBe(40);
    expect(new Set(tested.ids).size).toBe(40);
    for (const { train, test } of splits) {
      const seen = new Set(train.table.queries);
      expect(test.table.queries.some((query) => seen.has(query))).toBe(false);
      expect(train.table.rows + test.table.rows).toBe(40);
    }
    expect((await refusal(() => foldsOf(table, 1))).message).toMatch(/2 to 40/);
  });

  it("costs that are missing everywhere are assumed, and said to be", async () => {
    const free = new OutcomeTable({ ...topicTable(30, 2).table.selectModels(["clerk", "sage"]), cost: undefined });
    const { tested, notes } = await foldsOf(free, 3);
    expect(notes[0]).toMatch(/clerk 0, sage 1/);
    expect(Array.from(tested.meansOf(tested.cost))).toEqual([0, 1]);
    const three = new OutcomeTable({ ...topicTable(30, 2).table, cost: undefined });
    const evaluation = await evaluateRouters([{ name: "knn" }], await foldsOf(three, 3), { threads: 0, resamples: 0 });
    expect(evaluation.baselines.bestSingle).toMatchObject({ cost: 0, aiq: evaluation.baselines.bestSingle.quality });
    expect(evaluation.routers[0].aiq).toBe(evaluation.routers[0].quality);
    expect(evaluation.routers[0].apgr).toBeNaN();
  });
});

const fixedEmbedder = {
  id: "test:fixed",
  dimension: 2,
  embed: async (texts: readonly string[]) => matrixOf(texts.map((text) => [text.length, 1])),
  toJSON: () => ({ kind: "test", id: "test:fixed", dimension: 2, state: {} }),
};

it("folds say how many there can be", async () => {
  const { table } = topicTable(4);
  expect((await refusal(() => foldsOf(table, 5))).message).toBe(
    "folds must be an integer from 2 to 4, the distinct queries of topics; found 5.",
  );
  expect((await refusal(() => foldsOf(table.selectRows([0]), 5))).message).toMatch(/^topics has one distinct query/);
});

describe("evaluating routers", () => {
  it("a router that can see the topic rises above the zero router, and every number fits the others", async () => {
    const [train, test] = [topicTable(400, 1), topicTable(300, 2)];
    const splits = {
      splits: [{ train, test: { table: test.table, embeddings: test.embeddings } }],
      tested: test.table,
      leaked: [],
      notes: [],
    };
    const evaluation = await evaluateRouters([{ name: "knn", options: { k: 15 } }], splits, {
      threads: 0,
      resamples: 50,
    });
    const { baselines, skipped } = evaluation;
    const [knn] = evaluation.routers;
    expect(skipped).toEqual([]);
    expect(knn.name).toBe("knn:k=15");
    expect(knn.lift.quality).toBeGreaterThan(0.1);
    expect(knn.intervals!.lift.low).toBeGreaterThan(0.05);
    expect(knn.aiq).toBeGreaterThan(baselines.zeroRouter.aiq);
    expect(knn.aiq).toBeLessThan(baselines.oracle.aiq);
    expect(baselines.random.quality).toBeLessThan(baselines.bestSingle.quality);
    expect(knn.points[0]).toEqual({ knob: {}, quality: knn.quality, cost: knn.cost });
    expect(knn.points.at(-1)!.cost).toBeCloseTo(1, 9);
    expect(knn.apgr).toBeNaN();
    expect(knn.intervals!.aiq.value).toBe(knn.aiq);
    expect(knn.intervals!.aiq.low).toBeLessThanOrEqual(knn.aiq);
    expect(knn.intervals!.aiq.high).toBeGreaterThanOrEqual(knn.aiq);
    expect(evaluation).toMatchObject({ comparedBy: "aiq", best: "knn:k=15" });
    const { overZero, overBest } = knn.intervals!;
    expect(overZero.value).toBe(knn.overZero);
    expect(overZero.low).toBeGreaterThan(0);
    expect(knn.better).toBe(true);
    expect(overBest).toEqual({ value: 0, low: 0, high: 0 });
    const page = renderRoutersHtml("<Routers>", evaluation, ["a & b"]);
    expect(page).toContain("&lt;Routers&gt;");
    expect(page).toContain("a &amp; b");
    expect(page).toContain("knn:k=15");
    expect(page).not.toMatch(/NaN|undefined/);
  });

  it("compares routers on the same resamples, by quality alone where all models cost the same", async () => {
    const { table } = topicTable(150, 3);
    const free = new OutcomeTable({ ...table, cost: undefined });
    const choices = [{ name: "blending" }, { name: "knn", options: { k: 15 } }];
    const evaluation = await evaluateRouters(choices, await foldsOf(free, 3, { seed: 1 }), {
      threads: 0,
      resamples: 50,
    });
    const [blending, knn] = evaluation.routers;
    expect(evaluation).toMatchObject({ comparedBy: "quality", best: "knn:k=15" });
    // Two halves, and the best single model of each: a little less than over the best one of all.
    expect(knn.overZero).toBeLessThanOrEqual(knn.quality - evaluation.baselines.bestSingle.quality + 1e-12);
    expect(blending.intervals!.overBest.value).toBeCloseTo(blending.quality - knn.quality, 12);
    expect(blending.intervals!.overBest.high).toBeLessThan(0);
    const parts = [{ title: "<free>", evaluation, notes: [] }];
    const page = renderTablesHtml("All", ["Two & one."], parts, "knn:k=15");
    for (const text of ["&lt;free&gt;", "Two &amp; one.", "knn:k=15", "blending", "calls cost nothing"])
      expect(page).toContain(text);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("compares by quality, and says so, where costs lie close together", async () => {
    const models = ["poet", "clerk", "sage"].map((name, index) => ({ name, cost: 0.03 + 0.001 * index }));
    const { table } = topicTable(150, 3, { models });
    const evaluation = await evaluateRouters(
      [{ name: "knn", options: { k: 15 } }],
      await foldsOf(table, 3, { seed: 1 }),
      {
        threads: 0,
        resamples: 20,
      },
    );
    expect(evaluation).toMatchObject({ comparedBy: "quality", minCost: expect.closeTo(0.03, 9) });
    expect(comparisonNotes(evaluation)).toEqual([
      expect.stringMatching(/^Costs lie close together \(0\.03 to 0\.03\d*\)/),
    ]);
    expect(evaluation.baselines.random.aiq).toBeGreaterThanOrEqual(0);
    const wide = topicTable(150, 3).table;
    const other = await evaluateRouters([{ name: "knn" }], await foldsOf(wide, 3), { threads: 0, resamples: 0 });
    expect(comparisonNotes(other)).toEqual([]);
  });

  it.each([
    [{ threads: -1 }, /^threads must be an integer >= 0; found -1/],
    [{ threads: 1.5 }, /^threads must be/],
    [{ resamples: -3 }, /^resamples must be an integer >= 0; found -3/],
    [{ seed: 1.5 }, /^seed must be an integer from 0/],
    [{ seed: -5 }, /^seed must be an integer from 0/],
  ])("refuses %j", async (options, message) => {
    const splits = await foldsOf(topicTable(30).table, 2);
    const error = await refusal(() => evaluateRouters([{ name: "knn" }], splits, options));
    expect(error).toMatchObject({ code: "invalid-option", message: expect.stringMatching(message) });
  });

  it("refuses a router twice, and takes it with other options", async () => {
    const splits = await foldsOf(topicTable(30).table, 2);
    const evaluated = (...names: object[]) =>
      evaluateRouters(
        names.map((options) => ({ name: "knn", options: { ...options } })),
        splits,
        { threads: 0, resamples: 0 },
      );
    expect((await refusal(() => evaluated({}, {}))).message).toMatch(/^The router knn is given twice\./);
    expect((await evaluated({}, { k: 5 })).routers).toHaveLength(2);
  });

  it("in this thread, ends at the next pause after a signal", async () => {
    const splits = await foldsOf(topicTable(60).table, 2);
    const controller = new AbortController();
    const choices = ["knn", "srivatsa", "zooter", "llm-bandit"].map((name) => ({ name }));
    setImmediate(() => controller.abort());
    const names: string[] = [];
    const evaluated = evaluateRouters(choices, splits, {
      threads: 0,
      signal: controller.signal,
      onProgress: (_done, _all, name) => names.push(name),
    });
    expect((await refusal(() => evaluated)).code).toBe("aborted");
    expect(names).toEqual(["knn"]);
  });

  it("leaves out what the tables do not suit when all are asked for, and refuses it by name", async () => {
    const { table } = topicTable(30, 2);
    const quality = matrixOf(table.queries.map((_, row) => [0.5, 1, row === 29 ? 1 : Number.NaN]));
    const splits = await foldsOf(new OutcomeTable({ ...table, quality }), 3, { seed: 1 });
    const evaluation = await evaluateRouters([{ name: "knn" }], splits, { threads: 0, skipUnfit: true });
    expect(evaluation).toMatchObject({ routers: [], skipped: [{ name: "knn", why: expect.stringMatching(/sage/) }] });
    expect((await refusal(() => evaluateRouters([{ name: "knn" }], splits, { threads: 0 }))).code).toBe("invalid-data");
  });
});
