import { averageImprovement, largestCost, nonDecreasingHull } from "../../../src/before/evaluation/curve.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  /** Of each router, [cost, performance] of each point. */
  routers: [number, number][][];
}

export const routerbenchAiq: GoldenAdapter = {
  method: "routerbench-aiq",
  // The published 1e-12, and half a unit of the 12 digits that the file has.
  tolerance: 2e-12,
  run({ routers }: Input) {
    const curves = routers.map((points) => points.map(([cost, quality]) => ({ cost, quality })));
    const maxCost = largestCost(curves);
    return {
      hulls: curves.map((points) => nonDecreasingHull(points).map(({ cost, quality }) => [cost, quality])),
      maxCost,
      aiq: curves.map((points) => averageImprovement(points, maxCost)),
    };
  },
};
