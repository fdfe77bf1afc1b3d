import { describe, expect, it } from "vitest";
import {
  assignBest,
  assignByThreshold,
  assignGreedily,
  assignOptimally,
  assignSingle,
  type Estimates,
  type IlpGoal,
} from "../../../../src/before/allocation/assignment.js";
import { makeMatrix, matrixOf } from "../../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../../src/random.js";
import { refusal } from "../../../support/refusal.js";

/** Two queries whose best model is dear, one whose best is cheap. */
const small: Estimates = {
  quality: matrixOf([
    [0.6, 0.9],
    [0.7, 0.8],
    [0.9, 0.4],
  ]),
  cost: matrixOf([
    [1, 5],
    [1, 5],
    [1, 5],
  ]),
};

function randomEstimates(queries: number, models: number, seed: number): Estimates {
  const random = new RandomGenerator(seed);
  const [quality, cost] = [makeMatrix(queries, models), makeMatrix(queries, models)];
  for (let i = 0; i < quality.data.length; i++) {
    quality.data[i] = random.next();
    cost.data[i] = (1 + (i % models) ** 2) * random.next();
  }
  return { quality, cost };
}

/** The best value of `worth` over all assignments that hold, -1 being unserved. */
function tryAll(
  { quality, cost }: Estimates,
  worth: (quality: number, cost: number, unserved: number) => number,
  holds: (quality: number, cost: number) => boolean,
): number {
  const [queries, models] = cost.shape;
  let best = Number.NEGATIVE_INFINITY;
  for (let code = 0; code < (models + 1) ** queries; code++) {
    let [q, c, unserved, rest] = [0, 0, 0, code];
    for (let query = 0; query < queries; query++, rest = Math.floor(rest / (models + 1))) {
      const model = (rest % (models + 1)) - 1;
      if (model < 0) unserved++;
      else {
        q += quality.get(query, model);
        c += cost.get(query, model);
      }
    }
    if (holds(q, c)) best = Math.max(best, worth(q, c, unserved));
  }
  return best;
}

describe("assignments", () => {
  it("follow the simple strategies", () => {
    expect(Array.from(assignSingle(small, 1).models)).toEqual([1, 1, 1]);
    expect(assignBest(small)).toMatchObject({ models: Int32Array.of(1, 1, 0), cost: 11 });
    expect(assignBest(small).quality).toBeCloseTo(2.6, 12);
    // Strictly above the threshold, the cheapest; else the dearest.
    expect(Array.from(assignByThreshold(small, { threshold: 0.7 }).models)).toEqual([1, 1, 0]);
    expect(Array.from(assignByThreshold(small, { threshold: 0.6, prefer: "biggest" }).models)).toEqual([1, 1, 0]);
    expect(Array.from(assignByThreshold(small, { threshold: 0.95 }).models)).toEqual([1, 1, 1]);
    expect(Array.from(assignByThreshold(small, { threshold: 0.95, fallback: 0 }).models)).toEqual([0, 0, 0]);
  });

  it("spend greedily, and fall back on what the rest still pays unless they are to be as released", () => {
    expect(Array.from(assignGreedily(small, 7).models)).toEqual([1, 0, 0]);
    expect(Array.from(assignGreedily(small, 7, { compat: true }).models)).toEqual([1, -1, 0]);
    expect(Array.from(assignGreedily(small, 0.5).models)).toEqual([-1, -1, -1]);
  });

  it("reach the optimum that trying everything finds, for every goal", () => {
    for (let seed = 1; seed <= 25; seed++) {
      const estimates = randomEstimates(5, 3, seed);
      const [budget, penalty, alpha] = [2 + (seed % 4), (seed % 3) / 10, 0.3 + (seed % 5) / 10];
      const least = 1.5 + (seed % 4) / 4;
      const served = (goal: IlpGoal) => {
        const { models, quality, cost, isOptimal } = assignOptimally(estimates, goal);
        expect(isOptimal).toBe(true);
        return { quality, cost, unserved: models.filter((model) => model < 0).length };
      };
      const within = served({ budget, penalty });
      expect(within.cost).toBeLessThanOrEqual(budget + 1e-9);
      const bestWithin = tryAll(
        estimates,
        (q, _, u) => q - penalty * u,
        (_, c) => c <= budget,
      );
      expect(within.quality - penalty * within.unserved).toBeCloseTo(bestWithin, 9);
      const cheapest = served({ leastQuality: least, penalty });
      expect(cheapest.quality).toBeGreaterThanOrEqual(least - 1e-9);
      const leastCost = tryAll(
        estimates,
        (_, c, u) => -c - penalty * u,
        (q) => q >= least,
      );
      expect(-cheapest.cost - penalty * cheapest.unserved).toBeCloseTo(leastCost, 9);
      const mixed = served({ alpha, budget });
      const bestMixed = tryAll(
        estimates,
        (q, c) => alpha * q - (1 - alpha) * c,
        (_, c) => c <= budget,
      );
      expect(alpha * mixed.quality - (1 - alpha) * mixed.cost).toBeCloseTo(bestMixed, 9);
    }
  });

  it("read a share of the queries, binary qualities, and no constraint at all", () => {
    // Half of three queries, rounded: 2 of quality, cheapest by 0.6 + 0.7 + 0.9.
    expect(assignOptimally(small, { leastQuality: 0.5 })).toMatchObject({ models: Int32Array.of(0, 0, 0), cost: 3 });
    expect(assignOptimally(small, { budget: 7, binarize: true, threshold: 0.75 })).toMatchObject({
      quality: 2,
      cost: 6,
    });
    // Nothing is above 0.95: the priors make the dear model worth its price for one query.
    const doubtful: IlpGoal = { budget: 7, threshold: 0.95, priors: [0.1, 0.7] };
    expect(assignOptimally(small, doubtful).quality).toBeCloseTo(0.7 + 0.1 + 0.1, 12);
    expect(() => assignOptimally(small, { budget: 7, priors: [1] })).toThrow(/1 priors for 2 models/);
    // α = ½: 0.6 − 1 < 0, so that nothing is worth its cost.
    expect(Array.from(assignOptimally(small, {}).models)).toEqual([-1, -1, -1]);
    expect(Array.from(assignOptimally(small, { penalty: Number.POSITIVE_INFINITY }).models)).toEqual([0, 0, 0]);
  });

  it("say what is out of reach", async () => {
    const tooGood = await refusal(() => assignOptimally(small, { leastQuality: 2.7 }));
    expect(tooGood).toMatchObject({ code: "invalid-option", message: expect.stringMatching(/2\.7.*reach 2\.6/) });
    const tooCheap = await refusal(() => assignOptimally(small, { leastQuality: 2.5, budget: 4 }));
    expect(tooCheap.message).toMatch(/within the budget 4/);
    const tooPoor = await refusal(() => assignOptimally(small, { budget: 2, penalty: Number.POSITIVE_INFINITY }));
    expect(tooPoor.message).toMatch(/budget 2 is below.*3/);
    expect((await refusal(() => assignOptimally(small, { budget: -1 }))).message).toMatch(/budget is -1/);
    expect((await refusal(() => assignGreedily(small, Number.NaN))).message).toMatch(/budget is NaN/);
  });
});
