import { expect, it } from "vitest";
import { RandomGenerator } from "../../src/random.js";
import { bootstrapInterval, meanInterval, pairedDifference, quantile } from "../../src/statistics.js";

const coins = (count: number, share: number, seed: number) => {
  const random = new RandomGenerator(seed);
  return Array.from({ length: count }, () => (random.next() < share ? 1 : 0));
};

it("reads quantiles between ranks", () => {
  expect(quantile([1, 2, 4], 0.5)).toBe(2);
  expect(quantile([1, 2, 4], 0.75)).toBe(3);
  expect(quantile([1, 2, 4], 1)).toBe(4);
  expect(quantile([7], 0.1)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

it("draws the interval of a mean from resamples", () => {
  // Two draws from 0 and 1 have the means 0, ½ and 1 with chances ¼, ½ and ¼.
  expect(meanInterval([0, 1])).toEqual({ value: 0.5, low: 0, high: 1 });
  expect(meanInterval([0, 1], { level: 0.4 })).toEqual({ value: 0.5, low: 0.5, high: 0.5 });
  expect(meanInterval([0.25, 0.25, 0.25])).toEqual({ value: 0.25, low: 0.25, high: 0.25 });
  expect(meanInterval([])).toEqual({ value: Number.NaN, low: Number.NaN, high: Number.NaN });
});

it("agrees with the normal interval where that is right", () => {
  const grades = coins(900, 0.3, 5);
  const { value, low, high } = meanInterval(grades, { resamples: 4000 });
  const half = 1.96 * Math.sqrt((value * (1 - value)) / 900);
  expect(low).toBeCloseTo(value - half, 2);
  expect(high).toBeCloseTo(value + half, 2);
});

it("covers the truth about as often as its level says", () => {
  const hits = Array.from({ length: 200 }, (_, seed) => {
    const { low, high } = meanInterval(coins(100, 0.6, seed), { level: 0.9, resamples: 400, seed });
    return low <= 0.6 && 0.6 <= high;
  }).filter(Boolean).length;
  expect(hits / 200).toBeGreaterThan(0.84);
  expect(hits / 200).toBeLessThan(0.96);
});

it("repeats itself by seed, and only by seed", () => {
  const grades = coins(50, 0.5, 1).map((grade, index) => grade + index / 100);
  expect(meanInterval(grades, { seed: 4 })).toEqual(meanInterval(grades, { seed: 4 }));
  expect(meanInterval(grades, { seed: 4 })).not.toEqual(meanInterval(grades, { seed: 5 }));
});

it("compares in pairs: what is hard for both does not blur the difference", () => {
  const first = coins(400, 0.5, 2);
  const second = first.map((grade, index) => (index % 20 === 0 ? 0 : grade));
  const lost = first.filter((grade, index) => index % 20 === 0 && grade === 1).length;
  const { value, low, high, better, worse, equal } = pairedDifference(first, second);
  expect([better, worse, equal]).toEqual([lost, 0, 400 - lost]);
  expect(value).toBeCloseTo(lost / 400, 12);
  expect(low).toBeGreaterThan(0);
  const [a, b] = [meanInterval(first), meanInterval(second)];
  expect(high - low).toBeLessThan((a.high - a.low + b.high - b.low) / 4);
  expect(pairedDifference(second, first)).toMatchObject({ better: 0, worse: lost, value: -value });
  expect(pairedDifference(first, first)).toEqual({ value: 0, low: 0, high: 0, better: 0, worse: 0, equal: 400 });
});

it("takes any figure of rows", () => {
  const costs = [1, 2, 3, 10];
  const most = (rows: Uint32Array) => Math.max(...Array.from(rows, (row) => costs[row]));
  const { value, low, high } = bootstrapInterval(4, most);
  // The largest of four draws is 10 unless none is: 1 − (3/4)⁴ = 68 %; it is 1 in 0.4 %.
  expect([value, high]).toEqual([10, 10]);
  expect([2, 3]).toContain(low);
});

it.each([
  [{ level: 1 }, "level is 1"],
  [{ level: Number.NaN }, "level is NaN"],
  [{ resamples: 0 }, "resamples is 0"],
  [{ resamples: 1.5 }, "resamples is 1.5"],
])("refuses %j", (options, message) => {
  expect(() => meanInterval([1], options)).toThrow(
    expect.objectContaining({ code: "invalid-option", message: expect.stringContaining(message) }),
  );
});

it("refuses grades that are not finite, and lists that are not pairs", () => {
  expect(() => meanInterval([1, Number.NaN])).toThrow(/Grade 1 is NaN/);
  expect(() => pairedDifference([1], [1, 0])).toThrow(/1 and 2 grades/);
});
