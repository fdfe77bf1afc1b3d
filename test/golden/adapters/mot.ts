import { equalAnswers, majorityOf, type Sample } from "../../../src/after/cascade/signals/votes.js";
import type { GoldenAdapter } from "../adapter.js";

type Input =
  | { kind: "equal"; pairs: [Sample, Sample][] }
  | { kind: "cascade"; promptA: Sample[][]; promptB: Sample[][]; k: number; strong: Sample[]; gold: Sample[] };

interface Output {
  vote: { threshold: number }[];
}

export const mot: GoldenAdapter = {
  method: "mot",
  tolerance: 0,
  run(input: Input, { vote }: Output) {
    if (input.kind === "equal") return { equal: input.pairs.map(([a, b]) => equalAnswers(a, b)) };
    const { promptA, promptB, k, strong, gold } = input;
    const merged = promptA.map((samples, at) => majorityOf([...samples.slice(0, k), ...promptB[at].slice(0, k)]));
    const ofA = promptA.map((samples) => majorityOf(samples.slice(0, k)).answer);
    const ofB = promptB.map((samples) => majorityOf(samples.slice(0, k)).answer);
    const judged = (weak: readonly Sample[], accepted: readonly boolean[]) => ({
      accepted: accepted.map(Number),
      correct: accepted.filter((isAccepted, at) => equalAnswers(isAccepted ? weak[at] : strong[at], gold[at])).length,
    });
    return {
      vote: vote.map(({ threshold }) => ({
        threshold,
        ...judged(
          merged.map(({ answer }) => answer),
          merged.map(({ place, share }) => place >= 0 && share >= threshold),
        ),
      })),
      majority: merged.map(({ answer }) => answer),
      verify: judged(
        ofA,
        ofA.map((answer, at) => equalAnswers(answer, ofB[at])),
      ),
    };
  },
};
