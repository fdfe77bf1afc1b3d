/** The routers that learn online or not at all: MetaLLM, Eagle, PickLLM, Blending. */
import { Matrix as DenseMatrix, inverse } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { routerNamed } from "../../../../src/before/registry.js";
import type { RouterFeedback } from "../../../../src/before/router.js";
import { drawFor } from "../../../../src/before/routers/blending.js";
import { nearestLast } from "../../../../src/before/routers/eagle.js";
import { playBandit } from "../../../../src/before/routers/meta-llm.js";
import { pickLlmOptions, rewardInaction, rewardOf } from "../../../../src/before/routers/pick-llm.js";
import { drawNormal } from "../../../../src/learning/draws.js";
import { makeMatrix, rowOf } from "../../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../../src/random.js";
import { queryOf, topicTable } from "../../../support/outcome-tables.js";
import { refusal } from "../../../support/refusal.js";

const train = topicTable(400, 1);
const test = topicTable(200, 2);

async function fitted(name: string, options: Record<string, unknown> = {}, seed = 1) {
  const router = routerNamed(name, options);
  await router.fit(train, { seed });
  return router;
}

const learn = (router: object, feedback: RouterFeedback) =>
  (router as { update(feedback: RouterFeedback): void }).update(feedback);

describe("MetaLLM", () => {
  it("plays as a bandit: each row teaches only the model that was chosen", () => {
    const random = new RandomGenerator(1);
    const [contexts, rewards] = [makeMatrix(120, 3), makeMatrix(120, 2)];
    for (let i = 0; i < contexts.data.length; i++) contexts.data[i] = drawNormal(random);
    for (let i = 0; i < rewards.data.length; i++) rewards.data[i] = random.next() < 0.1 ? Number.NaN : random.next();
    const options = { alpha: 0.8, lambda: 2 };
    const arms = [0, 1].map(() => ({ a: DenseMatrix.eye(3).mul(2), b: DenseMatrix.zeros(3, 1) }));
    for (let row = 0; row < 120; row++) {
      const x = DenseMatrix.columnVector(rowOf(contexts, row));
      const scores = arms.map(({ a, b }, arm) => {
        if (Number.isNaN(rewards.get(row, arm))) return Number.NEGATIVE_INFINITY;
        const solved = inverse(a).mmul(x).transpose();
        return solved.mmul(b).get(0, 0) + 0.8 * Math.sqrt(solved.mmul(x).get(0, 0));
      });
      const chosen = scores[1] > scores[0] ? 1 : 0;
      if (scores[chosen] === Number.NEGATIVE_INFINITY) continue;
      arms[chosen].a.add(x.mmul(x.transpose()));
      arms[chosen].b.add(DenseMatrix.mul(x, rewards.get(row, chosen)));
    }
    const bandit = playBandit(contexts, rewards, options);
    for (const [arm, { a, b }] of arms.entries()) {
      for (const [j, value] of inverse(a).mmul(b).to1DArray().entries()) {
        expect(bandit.theta(arm)[j]).toBeCloseTo(value, 9);
      }
    }
  });

  it("takes the price off the reward, and goes on learning", async () => {
    const [free, priced] = [await fitted("meta-llm"), await fitted("meta-llm", { price: 0.5 })];
    const query = queryOf(test, 0);
    const [before, after] = [free.score(query).quality, priced.score(query).quality];
    expect(before[2] - after[2]).toBeGreaterThan(0.4);
    expect(before[0] - after[0]).toBeLessThan(0.06);
    for (let i = 0; i < 30; i++) learn(free, { query, model: "sage", quality: 0 });
    expect(free.score(query).quality[2]).toBeLessThan(before[2] - 0.3);
    const pair = await refusal(() => learn(free, { query, a: "poet", b: "sage", outcome: "a" }));
    expect(pair.message).toMatch(/comparison of two models/);
    expect((await refusal(() => learn(free, { query, model: "bard", quality: 1 }))).message).toMatch(/bard.*poet/);
    expect((await refusal(() => learn(free, { query, model: "sage", quality: 2 }))).message).toMatch(/quality 2/);
  });
});

describe("Eagle", () => {
  it("keeps the nearest, the nearest last, the later of equal ones nearer", () => {
    expect(nearestLast([0.2, 0.9, 0.5, 0.9, 0.5], 3)).toEqual([4, 1, 3]);
    expect(nearestLast([0.2, 0.1], 5)).toEqual([1, 0]);
  });

  it("learns from comparisons as if they had been in the table, also after JSON", async () => {
    const two = { ...train, table: train.table.selectModels(["poet", "clerk"]) };
    const [whole, part] = [routerNamed("eagle"), routerNamed("eagle")];
    await whole.fit(two);
    const head = Array.from({ length: 300 }, (_, row) => row);
    const embeddings = makeMatrix(300, 8, train.embeddings.data.slice(0, 300 * 8));
    await part.fit({ ...two, table: two.table.selectRows(head), embeddings });
    for (let row = 300; row < 400; row++) {
      const difference = two.table.quality.get(row, 0) - two.table.quality.get(row, 1);
      const outcome = difference > 0 ? "a" : difference < 0 ? "b" : "tie";
      learn(part, { query: queryOf(train, row), a: "poet", b: "clerk", outcome });
    }
    const restored = routerNamed("eagle");
    restored.restore(JSON.parse(JSON.stringify(part.toJSON())));
    for (let row = 0; row < 40; row++) {
      const expected = whole.score(queryOf(test, row)).quality;
      for (const router of [part, restored]) {
        const { quality } = router.score(queryOf(test, row));
        expect(Array.from(quality)).toEqual(Array.from(expected, (rating) => expect.closeTo(rating, 6)));
      }
    }
    const single = await refusal(() => learn(part, { query: queryOf(test, 0), model: "poet", quality: 1 }));
    expect(single.message).toMatch(/eagle received one model's quality/);
  });

  it("prefers the topic's expert among those that the budget pays", async () => {
    const router = await fitted("eagle");
    let right = 0;
    for (let row = 0; row < 200; row++) {
      const [model] = router.decide(queryOf(test, row), { budget: 2 }).models;
      right += Number(model === ["poet", "clerk"][test.topics[row]]);
    }
    expect(right / 200).toBeGreaterThan(0.85);
  });
});

describe("PickLLM", () => {
  const settings = pickLlmOptions.parse({ accuracy: 2, cost: 0.5, latency: 3, scale: 0.1 });

  it("rewards as written down by hand", () => {
    const outcome = { quality: 0.8, cost: 0.4, latencyMs: 9000 };
    // log₁₀(1 + 9) = 1
    expect(rewardOf(outcome, settings)).toBeCloseTo(1.6 - 0.2 * 3 * 0.1, 12);
    expect(rewardOf(outcome, { ...settings, reward: "sum" })).toBeCloseTo(1.6 - 0.2 - 0.3, 12);
    expect(rewardOf({ ...outcome, latencyMs: undefined }, settings)).toBeCloseTo(1.4, 12);
    expect(rewardOf({ ...outcome, latencyMs: Number.NaN }, { ...settings, reward: "sum" })).toBeCloseTo(1.4, 12);
    // As published, a tenth of a second turns the cost into a gain.
    const published = { ...settings, compat: true };
    expect(rewardOf({ ...outcome, latencyMs: 100 }, published)).toBeCloseTo(1.6 + 0.2 * 3 * 0.1, 12);
  });

  it("moves probabilities towards what was rewarded, and their sum stays 1", () => {
    const p = [0.5, 0.3, 0.2];
    rewardInaction(p, 1, 0.1);
    expect(p).toEqual([0.45, 0.3 + 0.07, 0.18].map((each) => expect.closeTo(each, 12)));
    rewardInaction(p, 2, 0);
    expect(p.reduce((sum, each) => sum + each)).toBeCloseTo(1, 12);
  });

  it.each(["automaton", "q"])("settles on the model with the best reward (%s)", async (learner) => {
    const free = await fitted("pick-llm", { learner, cost: 0 });
    const priced = await fitted("pick-llm", { learner, cost: 2 });
    for (let row = 0; row < 20; row++) {
      expect(free.decide(queryOf(test, row)).models).toEqual(["sage"]);
      expect(priced.decide(queryOf(test, row)).models).not.toEqual(["sage"]);
    }
    for (let i = 0; i < 400; i++) {
      for (const model of ["sage", "poet", "clerk"]) {
        learn(free, { query: queryOf(test, 0), model, quality: model === "clerk" ? 1 : 0 });
      }
    }
    expect(free.decide(queryOf(test, 0)).models).toEqual(["clerk"]);
  });

  it("explores on demand, the same way until the next update", async () => {
    const router = await fitted("pick-llm", { learner: "q", explore: true, epsilon: 0.5 });
    const query = queryOf(test, 0);
    const counts = new Map<string, number>();
    for (let i = 0; i < 300; i++) {
      const [model] = router.decide(query).models;
      expect(router.decide(query).models).toEqual([model]);
      counts.set(model, (counts.get(model) ?? 0) + 1);
      learn(router, { query, model: "sage", quality: 1, cost: 0 });
    }
    // ½ and a third of ½.
    expect(counts.get("sage")! / 300).toBeGreaterThan(0.58);
    expect(counts.get("sage")! / 300).toBeLessThan(0.75);
    expect(counts.get("poet")! / 300).toBeGreaterThan(0.1);
  });
});

describe("Blending", () => {
  it("draws every model equally often over a hundred thousand turns, and the same one for the same turn", () => {
    const counts = new Float64Array(5);
    for (let turn = 0; turn < 100_000; turn++) counts[drawFor(`turn ${turn}`, [1, 1, 1, 1, 1], 7)]++;
    const chi2 = counts.reduce((sum, count) => sum + (count - 20_000) ** 2 / 20_000, 0);
    // The 0.999 quantile of χ² with 4 degrees of freedom.
    expect(chi2).toBeLessThan(18.47);
    expect(drawFor("turn 1", [1, 1, 1, 1, 1], 7)).toBe(drawFor("turn 1", [1, 1, 1, 1, 1], 7));
    const moved = Array.from({ length: 100 }, (_, turn) => `turn ${turn}`).filter(
      (turn) => drawFor(turn, [1, 1, 1, 1, 1], 7) !== drawFor(turn, [1, 1, 1, 1, 1], 8),
    );
    expect(moved.length).toBeGreaterThan(60);
  });

  it("keeps to its weights, and refuses another number of them", async () => {
    const router = await fitted("blending", { weights: [3, 1, 0] });
    let poet = 0;
    for (let i = 0; i < 4000; i++) {
      const [model] = router.decide({ text: `turn ${i}`, embedding: rowOf(test.embeddings, 0) }).models;
      expect(model).not.toBe("sage");
      poet += Number(model === "poet");
    }
    expect(poet / 4000).toBeGreaterThan(0.72);
    expect(poet / 4000).toBeLessThan(0.78);
    expect((await refusal(() => fitted("blending", { weights: [1, 2] }))).message).toMatch(
      /2 weights for the 3 models/,
    );
  });
});
