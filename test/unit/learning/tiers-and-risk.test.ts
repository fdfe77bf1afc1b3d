import { describe, expect, it } from "vitest";
import { ratingTiers } from "../../../src/learning/rating-tiers.js";
import { riskControlledThreshold } from "../../../src/learning/risk-control.js";
import { RandomGenerator } from "../../../src/random.js";
import { refusal } from "../../support/refusal.js";

describe("rating tiers", () => {
  function cost(ratings: readonly number[], tiers: readonly number[]): number {
    let sum = 0;
    for (const tier of new Set(tiers)) {
      const members = ratings.filter((_, index) => tiers[index] === tier);
      const mean = members.reduce((total, rating) => total + rating, 0) / members.length;
      sum += members.reduce((total, rating) => total + (rating - mean) ** 2, 0) / members.length;
    }
    return sum;
  }

  it("finds what trying every cut finds", () => {
    const random = new RandomGenerator(5);
    for (let trial = 0; trial < 20; trial++) {
      const ratings = Array.from({ length: 8 }, () => 1000 + 300 * random.next()).sort((a, b) => b - a);
      let least = Number.POSITIVE_INFINITY;
      for (let first = 1; first < 7; first++) {
        for (let second = first + 1; second < 8; second++) {
          const tiers = ratings.map((_, index) => Number(index >= first) + Number(index >= second));
          least = Math.min(least, cost(ratings, tiers));
        }
      }
      const tiers = ratingTiers(ratings, 3);
      expect(new Set(tiers)).toEqual(new Set([0, 1, 2]));
      expect(cost(ratings, tiers)).toBeCloseTo(least, 9);
    }
  });

  it("refuses more tiers than ratings", async () => {
    expect((await refusal(() => ratingTiers([3, 2, 1], 4))).message).toMatch(/4 tiers of 3 ratings/);
  });
});

describe("risk-controlled threshold", () => {
  it("is the largest one that the definition allows", () => {
    const breaks = [0.1, 0.4, 0.4, 0.7, 0.9, 1, Number.POSITIVE_INFINITY, 0.2, 0.3];
    for (const alpha of [0.05, 0.1, 0.2, 0.35, 0.5, 0.85]) {
      const holds = (threshold: number) =>
        (breaks.filter((each) => threshold > each).length + 1) / (breaks.length + 1) <= alpha;
      const found = riskControlledThreshold(breaks, alpha);
      if (found === Number.NEGATIVE_INFINITY) expect(holds(-1)).toBe(false);
      else {
        expect(holds(found)).toBe(true);
        expect(holds(found + 1e-9)).toBe(false);
      }
    }
  });
});
