import { describe, expect, it } from "vitest";
import { averageQuality, upperHull } from "../../../src/before/evaluation/curve.js";
import { heldOutDifferences } from "../../../src/before/evaluation/held-out.js";
import { makeResults, type SettingResults } from "../../../src/before/evaluation/setting-results.js";
import { gainOf, halvesOf, judgeTogether, planFor } from "../../../src/before/evaluation/verdict.js";
import { RandomGenerator } from "../../../src/random.js";

const point = (cost: number, quality: number) => ({ cost, quality });

describe("the area between the cheapest and the dearest model", () => {
  it("is flat beyond the hull's ends and cut at the range: hand-computed", () => {
    // From 1 to 3 it rises from 0.4 to 0.8 (mean 0.6), then 0.8 up to 5.
    expect(averageQuality([point(1, 0.4), point(3, 0.8)], 1, 5)).toBeCloseTo(0.7, 12);
    expect(averageQuality([point(1, 0.4), point(3, 0.8)], 0, 2)).toBeCloseTo((0.4 + 0.5) / 2, 12);
    expect(averageQuality([point(2, 0.6)], 1, 5)).toBeCloseTo(0.6, 12);
    expect(averageQuality([point(1, 0.4), point(1, 0.6)], 1, 1)).toBe(0.6);
  });

  it("a dearer point of equal quality is not on the hull", () => {
    expect(upperHull([point(1, 0.5), point(2, 0.5), point(3, 0.5 + 1e-13)])).toEqual([point(1, 0.5)]);
  });
});

describe("halves", () => {
  it("hold every query once, differ by at most one, and repeat with a seed", () => {
    const [a, b] = halvesOf(7, 3);
    expect([a.length, b.length]).toEqual([4, 3]);
    expect([...a, ...b].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(halvesOf(7, 3)).toEqual([a, b]);
    expect(halvesOf(100, 4)).not.toEqual(halvesOf(100, 5));
  });
});

describe("a plan", () => {
  const cheapest = point(1, 0.5);
  const zero = [cheapest, point(3, 0.7)];

  it("that is the zero router gains nothing; one that is 0.1 better everywhere but at its start gains 0.1 there", () => {
    const plan = planFor([point(3, 0.7)], cheapest, 1, 3);
    expect(gainOf(plan, [point(3, 0.7)], cheapest, zero)).toBeCloseTo(0, 12);
    // On the scoring half the dear setting brings 0.9: half of 0.2 on average over the budgets.
    expect(gainOf(plan, [point(3, 0.9)], cheapest, zero)).toBeCloseTo(0.1, 12);
  });

  it("pays for what it costs on the scoring half, not for what was planned", () => {
    const plan = planFor([point(2, 0.6)], cheapest, 1, 2);
    // It costs 3 there instead of 2, where mixing single models brings 0.7.
    expect(gainOf(plan, [point(3, 0.6)], cheapest, zero)).toBeCloseTo(-0.05, 12);
  });

  it("holds settings that were the best on its own half alone", () => {
    const plan = planFor([point(2, 0.9), point(2.1, 0.2)], cheapest, 1, 3);
    expect(plan.mixtures.some(({ a, b }) => a === 1 || b === 1)).toBe(false);
  });
});

it("bounds for all routers together are as wide as the largest deviation", () => {
  const resampled = [
    [0.1, 0.3],
    [0.2, 0.1],
    [0.3, 0.2],
  ];
  const { maxQuantile, pairQuantile, lowerBounds, better, intervals } = judgeTogether([0.2, 0.2], resampled, 0.5);
  expect(maxQuantile).toBeCloseTo(0.1, 12);
  // The deviations lie 0.2, 0.1 and 0.1 apart.
  expect(pairQuantile).toBeCloseTo(0.1, 12);
  expect(lowerBounds).toEqual([expect.closeTo(0.1, 12), expect.closeTo(0.1, 12)]);
  expect(better).toEqual([true, true]);
  expect(intervals[0]).toEqual([expect.closeTo(0.1, 12), expect.closeTo(0.3, 12)]);
});

/** Two models, and routers that are sometimes right about which one is: `skill` 0 knows nothing. */
function outcomes(random: RandomGenerator, queries: number, routers: number, skill: number) {
  const models = [
    { share: 0.62, price: 1 },
    { share: 0.7, price: 3 },
  ];
  const quality = Array.from({ length: queries }, () => models.map(({ share }) => (random.next() < share ? 1 : 0)));
  const settings = [0, 0.1, 0.2, 0.3, 0.4, 0.5];
  const results: SettingResults[] = Array.from({ length: routers }, () => {
    const made = makeResults(
      settings.map((lambda) => ({ lambda })),
      queries,
    );
    for (let query = 0; query < queries; query++) {
      const scores = models.map((_, model) => random.next() + skill * quality[query][model]);
      for (const [setting, lambda] of settings.entries()) {
        const chosen = scores[1] - 2 * lambda > scores[0] ? 1 : 0;
        made.quality.data[setting * queries + query] = quality[query][chosen];
        made.cost.data[setting * queries + query] = models[chosen].price;
      }
    }
    return made;
  });
  const singlesOf = (rows: Uint32Array) =>
    models.map(({ price }, model) => ({
      cost: price,
      quality: rows.reduce((sum, row) => sum + quality[row][model], 0) / rows.length,
    }));
  return { results, singlesOf, queries };
}

describe("the judgement", () => {
  const frame = { minCost: 1, maxCost: 3, cheapest: 0, resamples: 100, seed: 1 };
  const claims = (tables: number, skill: number, comparedBy: "aiq" | "quality") => {
    const random = new RandomGenerator(11);
    return Array.from({ length: tables }, () => {
      const { differences, resampled } = heldOutDifferences(outcomes(random, 200, 6, skill), { ...frame, comparedBy });
      return judgeTogether(differences, resampled, 0.05).intervals.some(([low]) => low > 0);
    }).filter(Boolean).length;
  };

  it("claims nothing of routers that know nothing, on all but about 1 of 20 tables", () => {
    expect(claims(60, 0, "aiq")).toBeLessThanOrEqual(5);
    expect(claims(60, 0, "quality")).toBeLessThanOrEqual(5);
  });

  it("finds routers that know something", () => {
    expect(claims(20, 0.5, "aiq")).toBeGreaterThanOrEqual(18);
  });

  it("says nothing of one query", () => {
    const one = heldOutDifferences(outcomes(new RandomGenerator(1), 1, 2, 0), { ...frame, comparedBy: "aiq" });
    expect(one).toEqual({ differences: [Number.NaN, Number.NaN], resampled: [] });
  });
});
