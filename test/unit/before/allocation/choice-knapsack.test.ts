import { describe, expect, it } from "vitest";
import { chooseWithin } from "../../../../src/before/allocation/choice-knapsack.js";
import { type Matrix, makeMatrix, matrixOf } from "../../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../../src/random.js";

/** The best value of all choices, by trying them. */
function bruteForce(values: Matrix, costs: Matrix, budget: number): number {
  const [classes, items] = values.shape;
  let best = Number.NEGATIVE_INFINITY;
  for (let code = 0; code < items ** classes; code++) {
    let [value, cost, rest] = [0, 0, code];
    for (let index = 0; index < classes; index++, rest = Math.floor(rest / items)) {
      value += values.get(index, rest % items);
      cost += costs.get(index, rest % items);
    }
    if (cost <= budget && value > best) best = value;
  }
  return best;
}

/** By dynamic programming over whole costs. */
function byWholeCosts(values: Matrix, costs: Matrix, budget: number): number {
  let best = new Float64Array(budget + 1).fill(0);
  for (let index = 0; index < values.shape[0]; index++) {
    const next = new Float64Array(budget + 1).fill(Number.NEGATIVE_INFINITY);
    for (let spent = 0; spent <= budget; spent++) {
      for (let item = 0; item < values.shape[1]; item++) {
        const before = spent - costs.get(index, item);
        if (before >= 0) next[spent] = Math.max(next[spent], best[before] + values.get(index, item));
      }
    }
    best = next;
  }
  return best[budget];
}

function randomInstance(
  classes: number,
  items: number,
  seed: number,
  value = (u: number) => u,
  cost = (u: number) => u,
) {
  const random = new RandomGenerator(seed);
  const [values, costs] = [makeMatrix(classes, items), makeMatrix(classes, items)];
  for (let i = 0; i < values.data.length; i++) {
    values.data[i] = value(random.next());
    costs.data[i] = cost(random.next()) * (1 + (i % items));
  }
  return { values, costs };
}

describe("the multiple-choice knapsack", () => {
  it("is as good as trying everything, and says so", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const kinds = [(u: number) => u, (u: number) => Math.round(u), (u: number) => Math.round(3 * u) / 3];
      const { values, costs } = randomInstance(2 + (seed % 6), 2 + (seed % 3), seed, kinds[seed % 3], kinds[seed % 2]);
      const budget = values.shape[0] * (0.3 + (seed % 7) / 4);
      const expected = bruteForce(values, costs, budget);
      const found = chooseWithin(values, costs, budget);
      if (expected === Number.NEGATIVE_INFINITY) {
        expect(found).toBeUndefined();
        continue;
      }
      expect(found).toMatchObject({ isOptimal: true });
      expect(found!.value).toBeCloseTo(expected, 10);
      expect(found!.bound).toBeCloseTo(expected, 10);
      let [value, cost] = [0, 0];
      for (const [index, item] of found!.items.entries()) {
        value += values.get(index, item);
        cost += costs.get(index, item);
      }
      expect([found!.value, found!.cost]).toEqual([expect.closeTo(value, 12), expect.closeTo(cost, 12)]);
      expect(cost).toBeLessThanOrEqual(budget * (1 + 1e-9) + 1e-9);
    }
  });

  it("agrees with dynamic programming on a few hundred classes", () => {
    for (const seed of [1, 2, 3]) {
      const { values, costs } = randomInstance(300, 5, seed, undefined, (u) => 1 + Math.floor(6 * u));
      for (const budget of [1100, 1500, 4000]) {
        const found = chooseWithin(values, costs, budget)!;
        expect(found.isOptimal).toBe(true);
        expect(found.value).toBeCloseTo(byWholeCosts(values, costs, budget), 9);
      }
    }
  });

  it("serves as many as sorting by cost would, where values are 0 and 1", () => {
    const { values, costs } = randomInstance(2000, 2, 5, (u) => Number(u > 0.3));
    for (let row = 0; row < 2000; row++) {
      values.set(row, 0, 0);
      costs.set(row, 0, 0);
    }
    const right = Array.from({ length: 2000 }, (_, row) => row).filter((row) => values.get(row, 1) === 1);
    const sorted = right.map((row) => costs.get(row, 1)).sort((a, b) => a - b);
    let [served, rest] = [0, 100];
    for (const cost of sorted) if ((rest -= cost) >= 0) served++;
    expect(chooseWithin(values, costs, 100)).toMatchObject({ value: served, isOptimal: true });
  });

  it("solves ten thousand classes of eleven items to the optimum", () => {
    const { values, costs } = randomInstance(10_000, 11, 9);
    const found = chooseWithin(values, costs, 9000)!;
    expect(found.isOptimal).toBe(true);
    expect(found.cost).toBeLessThanOrEqual(9000.001);
  });

  it("takes the first of equal items, never a forbidden one, and tells when nothing fits", () => {
    const values = matrixOf([
      [1, 1, Number.NEGATIVE_INFINITY],
      [0, 2, 2],
    ]);
    const costs = matrixOf([
      [1, 1, 0],
      [1, 3, 3],
    ]);
    expect(Array.from(chooseWithin(values, costs, 10)!.items)).toEqual([0, 1]);
    expect(Array.from(chooseWithin(values, costs, 3)!.items)).toEqual([0, 0]);
    expect(chooseWithin(values, costs, 1.9)).toBeUndefined();
  });
});
