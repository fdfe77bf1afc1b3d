/** Routers that choose sets of models or pools. */
import { describe, expect, it } from "vitest";
import { selectPool } from "../../../../src/before/allocation/select-pool.js";
import { majorityRight, samplesOf, weightedVote } from "../../../../src/before/fitting/votes.js";
import { routerNamed } from "../../../../src/before/registry.js";
import { clusterMeans, nearestClusters, rankScores } from "../../../../src/before/routers/avengers.js";
import { smallestGood } from "../../../../src/before/routers/select-llm.js";
import { viableModels } from "../../../../src/before/routers/srivatsa.js";
import { bestVotingSubset } from "../../../../src/before/routers/srivatsa-subsets.js";
import { tagSmoothed } from "../../../../src/before/routers/zooter.js";
import { OutcomeTable } from "../../../../src/before/table/outcome-table.js";
import { makeMatrix, matrixOf } from "../../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../../src/random.js";
import { queryOf, topicTable } from "../../../support/outcome-tables.js";
import { refusal } from "../../../support/refusal.js";

const three = topicTable(300, 5);

describe("votes", () => {
  it("go to the largest weight, to the first seen among equals", () => {
    const sample = (answer: string) => ({ answer, isRight: answer === "x" });
    const ballots = [
      { samples: [sample("y")], weight: 0.5 },
      { samples: [sample("x")], weight: 0.3 },
      { samples: [sample("x")], weight: 0.2 },
    ];
    expect(weightedVote(ballots)?.answer).toBe("y");
    expect(weightedVote(ballots.slice(1).concat(ballots[0]))?.answer).toBe("x");
    expect(weightedVote([])).toBeUndefined();
  });

  it("take the majority of a model's samples, or its quality", () => {
    const table = new OutcomeTable({
      name: "t",
      models: ["a", "b"],
      queries: ["q"],
      quality: matrixOf([[0.4, 0.6]]),
      answers: [["1", "2", "1 ", "3", "2"], undefined],
      sampleQuality: [[1, 0, 1, 0, 0], undefined],
    });
    // Two right samples of five, and yet the first answer to have two votes.
    expect(majorityRight(table, 0, 0)).toBe(1);
    expect(majorityRight(table, 0, 1)).toBe(1);
    expect(samplesOf(table, 0, 1)).toEqual([]);
  });
});

describe("srivatsa", () => {
  it("keeps viable models, or the best one", () => {
    expect(viableModels([0.9, 1, 0.99], 0.99)).toEqual([1, 2]);
    expect(viableModels([0.5, 0.7, 0.7], 0.99)).toEqual([1]);
  });

  it("votes with the set of the cluster; the knob sets how viable", async () => {
    const router = routerNamed("srivatsa", { variant: "clusters", clusters: 2 });
    await router.fit(three);
    const estimate = router.score(queryOf(three, 0));
    expect(router.choose(estimate, { threshold: 0 })).toEqual({ members: [0, 1, 2], votes: [1, 1, 1] });
    expect(router.choose(estimate, {}).members).toHaveLength(1);
  });

  it("draws among the three largest where it is unsure, always alike for a query", async () => {
    const noise = topicTable(400, 12);
    const random = new RandomGenerator(1);
    const quality = makeMatrix(400, 3);
    for (let i = 0; i < quality.data.length; i++) quality.data[i] = Number(random.next() < 0.5);
    const data = { ...noise, table: new OutcomeTable({ ...noise.table, quality }) };
    const router = routerNamed("srivatsa", { policy: "random-top" });
    await router.fit(data);
    const counts = new Map<string, number>();
    for (let row = 0; row < 400; row++) {
      const [model] = router.decide(queryOf(data, row)).models;
      expect(router.decide(queryOf(data, row)).models).toEqual([model]);
      counts.set(model, (counts.get(model) ?? 0) + 1);
    }
    for (const model of data.table.models) expect(counts.get(model)).toBeGreaterThan(80);
  });

  it("refuses to vote without answers, or over too many subsets", async () => {
    const { answers: _, ...rest } = three.table;
    const silent = { ...three, table: new OutcomeTable({ ...rest, quality: three.table.quality }) };
    const router = routerNamed("srivatsa", { variant: "clusters", sets: "best-vote" });
    expect((await refusal(() => router.fit(silent))).message).toMatch(/no answers to vote on/);
    const models = Array.from({ length: 13 }, (_, index) => `m${index}`);
    const many = new OutcomeTable({ name: "many", models, queries: ["q"], quality: makeMatrix(1, 13) });
    expect((await refusal(() => bestVotingSubset(many, [0]))).message).toMatch(/13 models/);
  });
});

describe("select-llm", () => {
  it("takes the smallest size that is nearly as good as the best", () => {
    const accuracy = [0.7, 0.78, 0.8, 0.79];
    expect(smallestGood([1, 2, 3, 4], (size) => accuracy[size - 1], 0)).toBe(3);
    expect(smallestGood([1, 2, 3, 4], (size) => accuracy[size - 1], 0.02)).toBe(2);
  });

  it("weighs votes by confidence, or leaves out who is expected to be wrong", async () => {
    const weighted = routerNamed("select-llm", { size: 3 });
    const labelled = routerNamed("select-llm", { size: 3, policy: "labelled-max-conf" });
    for (const router of [weighted, labelled]) await router.fit(three);
    const cost = Float64Array.of(1, 2, 10);
    const estimate = { quality: Float64Array.of(0.9, 0.2, 0.6), cost };
    expect(weighted.choose(estimate, {})).toEqual({ members: [0, 2, 1], votes: [0.9, 0.6, 0.2] });
    expect(labelled.choose(estimate, {})).toEqual({ members: [0, 2], votes: [1, 1] });
    expect(labelled.choose(estimate, { threshold: 0.95 })).toEqual({ members: [0] });
    // 0.9 − 0.1, 0.2 − 0.2 and 0.6 − 1: the last is not worth its cost.
    expect(weighted.choose(estimate, { lambda: 0.1 })).toEqual({ members: [0, 1], votes: [0.9, 0.2] });
    expect(weighted.choose(estimate, { lambda: Number.POSITIVE_INFINITY })).toEqual({ members: [0] });
    // Equal confidences: the faster, which is the cheaper here.
    expect(weighted.choose({ quality: Float64Array.of(0.5, 0.5, 0.5), cost }, {}).members).toEqual([0, 1, 2]);
  });

  it("is the plain vote with all models and equal confidence", async () => {
    const router = routerNamed("select-llm", { size: 3 });
    await router.fit(three);
    const { votes } = router.choose({ quality: Float64Array.of(0.5, 0.5, 0.5), cost: new Float64Array(3) }, {});
    expect(new Set(votes).size).toBe(1);
  });
});

describe("routoo's pool", () => {
  const random = new RandomGenerator(8);
  const rows = Array.from({ length: 40 }, () => Array.from({ length: 8 }, () => random.next() ** 3));
  const table = new OutcomeTable({
    name: "pool",
    models: Array.from({ length: 8 }, (_, index) => `m${index}`),
    queries: rows.map((_, row) => `q${row}`),
    quality: matrixOf(rows),
  });
  const worth = (pool: readonly number[]) =>
    rows.reduce((sum, row) => sum + Math.max(...pool.map((model) => row[model])), 0);

  it("is within 1 − 1/e of the best one, and what plain greedy finds", () => {
    for (const k of [1, 2, 3]) {
      const found = selectPool(table, k).map((name) => table.column(name));
      let best = 0;
      for (let mask = 0; mask < 256; mask++) {
        const pool = Array.from({ length: 8 }, (_, model) => model).filter((model) => mask & (1 << model));
        if (pool.length === k) best = Math.max(best, worth(pool));
      }
      expect(worth(found)).toBeGreaterThanOrEqual((1 - 1 / Math.E) * best);
      const greedy: number[] = [];
      while (greedy.length < k) {
        const open = table.models.map((_, model) => model).filter((model) => !greedy.includes(model));
        greedy.push(open.reduce((a, b) => (worth([...greedy, b]) > worth([...greedy, a]) ? b : a)));
      }
      expect(found).toEqual(greedy);
    }
  });

  it("bounds what the router may choose", async () => {
    const router = routerNamed("routoo", { pool: 2 });
    await router.fit(three);
    const kept = selectPool(three.table, 2);
    for (const knob of [{}, { lambda: 0.01 }, { threshold: 0.99 }, { preference: 0 }]) {
      for (let row = 0; row < 20; row++) expect(kept).toContain(router.decide(queryOf(three, row), knob).models[0]);
    }
    expect((await refusal(() => selectPool(three.table, 4))).message).toMatch(/pool of 4 of 3 models/);
  });

  it("buys the most success for its cost within a budget", async () => {
    const router = routerNamed("routoo", { selector: "ratio" });
    await router.fit(three);
    const estimate = { quality: Float64Array.of(0.2, 0.5, 0.9), cost: Float64Array.of(1, 2, 10) };
    expect(router.choose(estimate, { budget: 20 }).members).toEqual([1]);
    expect(router.choose(estimate, { budget: 1 }).members).toEqual([0]);
    expect(router.choose(estimate, {}).members).toEqual([2]);
    expect((await refusal(() => router.choose(estimate, { budget: 0.5 }))).message).toMatch(/below the cheapest/);
  });
});

describe("zooter", () => {
  it("mixes a query's rewards with those of its tags", () => {
    const rewards = matrixOf([
      [1, 0],
      [0, 0.5],
      [Number.NaN, 1],
      [0.4, 0.4],
    ]);
    const found = tagSmoothed(rewards, [["a"], ["a", "b"], ["b"], []], 0.3);
    const rows = [
      // a: (0.5, 0.25); b: (0, 0.75); everywhere: (1.4/3, 1.9/4)
      [0.3 * 1 + 0.7 * 0.5, 0.3 * 0 + 0.7 * 0.25],
      [0.3 * 0 + 0.7 * 0.25, 0.3 * 0.5 + 0.7 * 0.5],
      [0.3 * 0 + 0.7 * 0, 0.3 * 1 + 0.7 * 0.75],
      [0.3 * 0.4 + (0.7 * 1.4) / 3, 0.3 * 0.4 + (0.7 * 1.9) / 4],
    ];
    for (const [row, values] of rows.entries()) {
      for (const [m, value] of values.entries()) expect(found.get(row, m)).toBeCloseTo(value, 12);
    }
  });

  it("finds no difference where all rewards of a query are alike", async () => {
    const quality = makeMatrix(300, 3);
    for (let i = 0; i < quality.data.length; i++) quality.data[i] = (Math.floor(i / 3) % 10) / 10;
    const router = routerNamed("zooter", {});
    await router.fit({ ...three, table: new OutcomeTable({ ...three.table, quality }) });
    for (const share of router.score(queryOf(three, 0)).quality) expect(share).toBeCloseTo(1 / 3, 6);
  });
});

describe("avengers", () => {
  it("gives nothing from a cluster that does not know a model, and only there", () => {
    const nearest = { clusters: [0, 1], probabilities: Float64Array.of(0.6, 0.4) };
    const rankings = [
      [2, 0],
      [1, 0, 2],
    ];
    const scores = rankScores(rankings, nearest, 4);
    expect(scores[0]).toBeCloseTo(0.6 / 1.1 + 0.4 / 1.1, 12);
    expect(scores[1]).toBeCloseTo(0.4 / 0.1, 12);
    expect(scores[2]).toBeCloseTo(0.6 / 0.1 + 0.4 / 2.1, 12);
    expect(scores[3]).toBeCloseTo(1 / 999, 12);
    const released = rankScores(rankings, nearest, 4, { compat: true });
    // Cluster 0 is left at model 1, which it does not know: model 2 loses its first place there.
    expect(released[2]).toBeCloseTo(0.4 / 2.1, 12);
  });

  it("spreads a query over its nearest clusters", () => {
    const { clusters, probabilities } = nearestClusters(
      matrixOf([
        [0, 1],
        [1, 0],
        [-1, 0],
      ]),
      [2, 0],
      {
        nearest: 2,
        beta: 3,
      },
    );
    expect(clusters).toEqual([1, 0]);
    expect(probabilities[0]).toBeCloseTo(1 / (1 + Math.exp(-3)), 12);
  });

  it("means clusters without outcomes are unknown", () => {
    const means = clusterMeans(matrixOf([[1], [0.5], [Number.NaN]]), Int32Array.of(0, 0, 1), 3);
    expect(Array.from(means.data)).toEqual([0.75, Number.NaN, Number.NaN]);
  });

  it("pro mixes quality and cost as published", async () => {
    const router = routerNamed("avengers-pro", { alpha: 0.7 });
    await router.fit(three);
    const quality = Float64Array.of(0.2, 0.55, 1);
    const cost = Float64Array.of(1, 2, 10);
    const score = (m: number) => 0.7 * quality[m] + 0.3 * (1 - cost[m] / 10);
    const best = [0, 1, 2].reduce((a, b) => (score(b) > score(a) ? b : a));
    expect(router.choose({ quality, cost }, {}).members).toEqual([best]);
    expect(router.choose({ quality, cost }, { preference: 0 }).members).toEqual([0]);
    expect(router.choose({ quality, cost }, { preference: 1 }).members).toEqual([2]);
  });
});

describe("racer", () => {
  it("misses no more often than promised on new queries", async () => {
    for (const alpha of [0.05, 0.2]) {
      let [missed, count, size] = [0, 0, 0];
      for (let seed = 0; seed < 15; seed++) {
        const router = routerNamed("racer", { alpha });
        await router.fit(topicTable(200, 100 + seed), { seed });
        const fresh = topicTable(200, 500 + seed);
        for (let row = 0; row < 200; row++) {
          const { models, abstain } = router.decide(queryOf(fresh, row));
          const set = abstain ? [] : models.map((model) => fresh.table.column(model));
          const isRight = (m: number) => fresh.table.quality.get(row, m) === 1;
          missed += Number([0, 1, 2].some(isRight) && !set.some(isRight));
          size += set.length;
          count++;
        }
      }
      expect(missed / count).toBeLessThan(alpha + 0.015);
      expect(size / count).toBeLessThan(2.5);
    }
  });

  it("abstains where no model reaches the threshold, and says whom to ask", async () => {
    const router = routerNamed("racer");
    await router.fit(three);
    const decision = router.decide(queryOf(three, 0), { threshold: 1 });
    expect(decision.abstain).toBe(true);
    expect(decision.models).toHaveLength(1);
    expect(decision.reason).toMatch(/no model is trusted/);
    expect(router.decide(queryOf(three, 0), { threshold: 0 }).models).toHaveLength(3);
  });

  it("takes every model where the promise needs more queries", async () => {
    const router = routerNamed("racer", { alpha: 0.01 });
    await router.fit(topicTable(60, 2));
    expect(router.decide(queryOf(three, 0)).models).toHaveLength(3);
  });
});
