import { firstBest } from "../../../src/after/select/define-selection.js";
import { forest, publishedNumber } from "../../../src/after/select/methods/agent-forest.js";
import { leaderOf, tallyOf } from "../../../src/after/select/votes.js";
import type { GoldenAdapter } from "../adapter.js";

type Input =
  | { kind: "similarity"; candidates: string[] }
  | { kind: "vote"; answers: string[][] }
  | { kind: "parse"; texts: string[] };

export const agentforest: GoldenAdapter = {
  method: "agentforest",
  tolerance: 1e-9,
  run(input: Input) {
    if (input.kind === "vote") return { winner: input.answers.map((each) => leaderOf(tallyOf(each))?.answer) };
    if (input.kind === "parse") return { answers: input.texts.map((text) => publishedNumber(text) ?? null) };
    const { similarities, totals } = forest(input.candidates);
    const best = firstBest(totals);
    return { sim: similarities, totals, best, bestScore: totals[best] };
  },
};
