import { describe, expect, it } from "vitest";
import { RandomForest } from "../../../src/learning/random-forest.js";
import { RandomGenerator } from "../../../src/random.js";

const random = new RandomGenerator(1);
const points = Array.from({ length: 200 }, () => [random.next(), random.next(), random.next()]);
/** A corner, which no single split finds. */
const inCorner = ([x, y]: number[]) => x > 0.5 && y > 0.5;

describe("a random forest", () => {
  it("learns what no single split says, and repeats", () => {
    const forest = RandomForest.fit(points, points.map(inCorner));
    const fresh = Array.from({ length: 200 }, () => [random.next(), random.next(), random.next()]);
    const right = fresh.filter((row) => forest.predict(row) >= 0.5 === inCorner(row)).length;
    expect(right).toBeGreaterThan(185);
    const again = RandomForest.fit(points, points.map(inCorner));
    expect(fresh.map((row) => again.predict(row))).toEqual(fresh.map((row) => forest.predict(row)));
  });

  it("gives the share of yes where rows are all alike or of one kind", () => {
    const alike = RandomForest.fit([[1], [1], [1], [1]], [true, true, true, false], { trees: 400 });
    expect(Math.abs(alike.predict([1]) - 0.75)).toBeLessThan(0.05);
    expect(RandomForest.fit([[1], [2]], [true, true]).predict([9])).toBe(1);
  });

  it("splits halfway between neighbours", () => {
    const one = RandomForest.fit([[0], [1]], [false, true], { trees: 50 });
    expect(one.predict([0.5])).toBe(one.predict([0]));
    expect(one.predict([0.51])).toBe(one.predict([1]));
    expect(one.predict([1])).toBeGreaterThan(one.predict([0]));
  });
});
