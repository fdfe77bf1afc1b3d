import { describe, expect, it } from "vitest";
import { RandomGenerator } from "../../../src/random.js";
import { type LabelledPoint, type PlacedLabel, placeLabels } from "../../../src/report/label-placement.js";

const PLOT = { left: 38, right: 358, top: 2, bottom: 230 };

/** What a label covers, a little less than the placement reckons with. */
function box({ x, y, isEnd }: PlacedLabel, { text }: LabelledPoint) {
  const width = 6 * text.length;
  return { left: isEnd ? x - width : x, right: isEnd ? x : x + width, top: y - 5.9, bottom: y + 5.9 };
}

function expectApart(points: readonly LabelledPoint[]) {
  const boxes = placeLabels(points, PLOT).map((label, index) => box(label, points[index]));
  for (const [index, one] of boxes.entries()) {
    expect(one.left).toBeGreaterThanOrEqual(PLOT.left);
    expect(one.right).toBeLessThanOrEqual(PLOT.right);
    for (const other of boxes.slice(index + 1)) {
      const apart =
        one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
      expect(apart).toBe(true);
    }
    for (const { x, y } of points) {
      expect(x + 4 > one.left && x - 4 < one.right && y + 4 > one.top && y - 4 < one.bottom).toBe(false);
    }
  }
}

describe("labels of a chart", () => {
  it("stand beside their points where there is room", () => {
    const [label] = placeLabels([{ x: 100, y: 100, text: "gac" }], PLOT);
    expect(label).toEqual({ x: 108, y: 100, isEnd: false, isFar: false });
    expect(placeLabels([{ x: 350, y: 100, text: "gac" }], PLOT)[0].isEnd).toBe(true);
  });

  it("of points in one place do not overlap, and a line leads to those that moved", () => {
    const points = ["robin", "wren", "finch", "gac", "unite", "safe", "abe"].map((text) => ({ x: 120, y: 60, text }));
    expectApart(points);
    expect(placeLabels(points, PLOT).some(({ isFar }) => isFar)).toBe(true);
  });

  it.each([1, 2, 3, 4, 5, 6])("of a crowd (seed %d) overlap neither one another nor a point", (seed) => {
    const random = new RandomGenerator(seed);
    const points = Array.from({ length: 16 }, (_, index) => ({
      x: 150 + 40 * random.next(),
      y: 40 + 60 * random.next(),
      text: `method ${index}`,
    }));
    expectApart(points);
  });
});
