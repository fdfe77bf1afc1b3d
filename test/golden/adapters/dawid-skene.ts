import { dawidSkene as emOf, type Vote } from "../../../src/learning/dawid-skene.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  classes: number;
  votes: Vote[][];
  init: "votes" | "given";
  iterations: number;
  smoothing: number;
  initial?: number[][];
}

export const dawidSkene: GoldenAdapter = {
  method: "dawid-skene",
  // 1e-8 absolute: the runner takes what is below 1e-3 as absolute.
  tolerance: 1e-8,
  run({ votes, init, initial, ...options }: Input) {
    return emOf(votes, { ...options, initial: init === "given" ? initial : undefined });
  },
};
