import { bestGap, firstMatches, matchProbability, type SampledPair } from "../../../src/before/routers/hybrid-llm.js";
import type { GoldenAdapter } from "../adapter.js";

export const hybridLlm: GoldenAdapter = {
  method: "hybrid-llm",
  // The files have 12 digits.
  tolerance: 1e-11,
  run({ small, large, grid }: { small: number[][]; large: number[][]; grid: number[] }) {
    const samples = small.map((scores, query): SampledPair => ({ small: scores, large: large[query] }));
    const { objective, t } = bestGap(samples, grid);
    return {
      det: grid.map((each) => samples.map((sample) => firstMatches(sample, each))),
      prob: grid.map((each) => samples.map((sample) => matchProbability(sample, each))),
      objective,
      tStar: t,
    };
  },
};
