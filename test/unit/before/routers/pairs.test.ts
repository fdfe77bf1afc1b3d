/** Routers between a strong and a weak model. */
import { describe, expect, it } from "vitest";
import { pairOf } from "../../../../src/before/fitting/model-pair.js";
import { routerNamed } from "../../../../src/before/registry.js";
import { bestGap, matchProbability } from "../../../../src/before/routers/hybrid-llm.js";
import { winRateOfLabels } from "../../../../src/before/routers/routellm.js";
import { SimilarityRanking, similarityWeights } from "../../../../src/before/routers/routellm-ranking.js";
import { OutcomeTable } from "../../../../src/before/table/outcome-table.js";
import { outcomePairs } from "../../../../src/before/table/pairs.js";
import { bradleyTerry, eloOf, winsOf } from "../../../../src/learning/bradley-terry.js";
import { dot, matrixOf, rowOf, unitVector } from "../../../../src/learning/matrix.js";
import { queryOf, topicTable } from "../../../support/outcome-tables.js";
import { refusal } from "../../../support/refusal.js";

const three = topicTable(60, 5);

function tableOf(quality: number[][], cost?: number[][]) {
  return new OutcomeTable({
    name: "t",
    models: quality[0].map((_, model) => `m${model}`),
    queries: quality.map((_, row) => `q${row}`),
    quality: matrixOf(quality),
    ...(cost && { cost: matrixOf(cost) }),
  });
}

describe("the pair of models", () => {
  it("is the best on average and the cheapest other one, unless named", () => {
    const table = tableOf([[0.9, 0.2, 0.5]], [[1, 3, 2]]);
    expect(pairOf(table, {})).toEqual({ strong: 0, weak: 2 });
    expect(pairOf(table, { weak: "m0" })).toEqual({ strong: 2, weak: 0 });
    expect(pairOf(table, { strong: "m2" })).toEqual({ strong: 2, weak: 0 });
    expect(pairOf(tableOf([[0.9, 0.2, 0.5]]), {})).toEqual({ strong: 0, weak: 1 });
  });

  it("refuses unknown models, and one for both", async () => {
    const table = tableOf([[0.9, 0.2]]);
    expect((await refusal(() => pairOf(table, { strong: "m7" }))).message).toContain("m7");
    expect((await refusal(() => pairOf(table, { strong: "m1", weak: "m1" }))).message).toMatch(/two different/);
  });

  it("leaves all other models alone", async () => {
    const router = routerNamed("routellm", { variant: "classifier", strong: "sage", weak: "poet" });
    await router.fit(three);
    const estimate = router.score(queryOf(three, 0));
    expect(estimate.quality[0] + estimate.quality[2]).toBeCloseTo(1, 12);
    expect(estimate.quality[1]).toBe(0);
    expect(router.choose(estimate, { threshold: estimate.quality[2] }).members).toEqual([2]);
    expect(router.choose(estimate, { threshold: estimate.quality[2] + 1e-9 }).members).toEqual([0]);
  });
});

describe("routellm's similarity-weighted ranking", () => {
  it("is Bradley–Terry over every battle with its weight", () => {
    const ranking = SimilarityRanking.fit(three, { tiers: 10, margin: 0, compat: false });
    const query = queryOf(topicTable(1, 6), 0).embedding;
    const similarities = Array.from({ length: 60 }, (_, row) =>
      dot(unitVector(query), unitVector(rowOf(three.embeddings, row))),
    );
    const weights = similarityWeights(similarities);
    const battles = Array.from(outcomePairs(three.table), (pair) => ({ ...pair, weight: weights[pair.row] }));
    const expected = eloOf(bradleyTerry(winsOf(battles, 3)));
    const found = ranking.ratings(query);
    for (const m of [1, 2]) expect(found[m] - found[0]).toBeCloseTo(expected[m] - expected[0], 3);
  });

  it("gives models of a tier one rating; battles within it count only in compat", () => {
    const query = queryOf(three, 0).embedding;
    const plain = SimilarityRanking.fit(three, { tiers: 2, margin: 0, compat: false });
    expect(plain.tiers).toEqual([1, 1, 0]);
    const [poet, clerk, sage] = plain.ratings(query);
    expect(poet).toBe(clerk);
    expect(sage).toBeGreaterThan(poet);
    // Released: the row of a battle within tier t has the one feature −ln 10, so that "a wins" speaks for −β_t.
    const compat = SimilarityRanking.fit(three, { tiers: 2, margin: 0, compat: true }).ratings(query);
    const weights = similarityWeights(
      Array.from({ length: 60 }, (_, row) => dot(unitVector(query), unitVector(rowOf(three.embeddings, row)))),
    );
    const standing = 2;
    const battles = Array.from(outcomePairs(three.table), ({ row, a, b, outcome }) => {
      const [tierA, tierB] = [plain.tiers[a], plain.tiers[b]];
      return { a: tierA === tierB ? standing : tierA, b: tierB, outcome, weight: weights[row] };
    });
    const elo = eloOf(bradleyTerry(winsOf(battles, 3)));
    expect(compat[2] - compat[0]).toBeCloseTo(elo[0] - elo[1], 3);
  });

  it("weighs 10 to 100, and all alike where nothing is similar", () => {
    const [least, middle, most] = similarityWeights([0, 0.4, 0.8]);
    expect(least).toBeCloseTo(10, 12);
    expect(middle).toBeCloseTo(10 * 10 ** 0.5, 12);
    expect(most).toBeCloseTo(100, 12);
    expect(Array.from(similarityWeights([-0.5, 0]))).toEqual([10, 10]);
  });
});

describe("routellm's causal score", () => {
  it("is one minus the labels 4 and 5; 1 where there is none", () => {
    expect(winRateOfLabels([0.1, 0.2, 0.3, 0.3, 0.1])).toBeCloseTo(0.6, 12);
    expect(winRateOfLabels([0.1, 0, 0, 0.05, 0.05])).toBeCloseTo(0.5, 12);
    expect(winRateOfLabels([0, 0, 0, 0, 0])).toBe(1);
  });

  it("routes by label probabilities, and refuses other embeddings", async () => {
    const embeddings = matrixOf(Array.from({ length: 60 }, () => [0.2, 0.2, 0.2, 0.2, 0.2]));
    const embedder = { id: "labels:test", dimension: 5 };
    const router = routerNamed("routellm", { variant: "causal", strong: "sage", weak: "poet" });
    await router.fit({ table: three.table, embeddings, embedder });
    const decide = (...labels: number[]) => router.decide({ text: "", embedding: Float64Array.from(labels) }).models;
    expect(decide(0, 0, 0.2, 0.4, 0.4)).toEqual(["poet"]);
    expect(decide(0.5, 0.3, 0, 0.1, 0.1)).toEqual(["sage"]);
    const error = await refusal(() => routerNamed("routellm", { variant: "causal" }).fit(three));
    expect(error.message).toMatch(/labels 1 to 5.*test:topics gives 8/);
  });
});

describe("hybrid-llm", () => {
  it("takes the t that spreads the labels most, the smallest among equals", () => {
    const samples = [
      { small: [0.2, 0.4], large: [0.8] },
      { small: [0.5], large: [0.5, 0.9] },
      { small: [0.1], large: [0.9] },
    ];
    const grid = [0, 0.2, 0.4, 0.6, 0.8, 1];
    const { objective, t } = bestGap(samples, grid);
    for (const [index, candidate] of grid.entries()) {
      const y = samples.map((sample) => matchProbability(sample, candidate + 1e-12));
      const brute = y.flatMap((a) => y.map((b) => Math.abs(a - b))).reduce((sum, gap) => sum + gap, 0) / 9;
      expect(objective[index]).toBeCloseTo(brute, 9);
    }
    const largest = Math.max(...objective);
    expect(t).toBe(grid[objective.findIndex((value) => value > largest - 1e-9)]);
  });

  it("reads the samples of a table, the first one alone for det", async () => {
    const table = new OutcomeTable({
      name: "samples",
      models: ["small", "large"],
      queries: ["a", "b", "c", "d"],
      quality: matrixOf([
        [0.5, 0.5],
        [0.5, 0.5],
        [0, 1],
        [1, 0],
      ]),
      sampleQuality: [
        [1, 0],
        [0, 1],
        [0, 1],
        [1, 0],
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
    });
    const data = {
      table,
      embeddings: matrixOf(
        [
          [1, 0, 0, 0],
          [0, 1, 0, 0],
          [0, 0, 1, 0],
          [0, 0, 0, 1],
        ].map((row) => row.map((x) => 20 * x)),
      ),
      embedder: { id: "test", dimension: 4 },
    };
    const scores = async (variant: string) => {
      const router = routerNamed("hybrid-llm", { variant, strong: "large", weak: "small" });
      await router.fit(data);
      return Array.from({ length: 4 }, (_, row) => router.score(queryOf(data, row)).quality[0]);
    };
    const [first, second, never, always] = await scores("det");
    expect(first).toBeGreaterThan(0.9);
    expect(second).toBeLessThan(0.1);
    expect(never).toBeLessThan(0.1);
    expect(always).toBeGreaterThan(0.9);
    // Of four sample pairs three have the small one at least as good.
    const soft = await scores("prob");
    expect(soft[0]).toBeCloseTo(0.75, 1);
    expect(soft[1]).toBeCloseTo(0.75, 1);
  });

  it("keeps the small model where p reaches 1 − τ", async () => {
    const router = routerNamed("hybrid-llm", { strong: "sage", weak: "poet" });
    await router.fit(three);
    const estimate = router.score(queryOf(three, 1));
    const p = estimate.quality[0];
    expect(router.choose(estimate, { threshold: 1 - p + 1e-9 }).members).toEqual([0]);
    expect(router.choose(estimate, { threshold: 1 - p - 1e-9 }).members).toEqual([2]);
  });
});
