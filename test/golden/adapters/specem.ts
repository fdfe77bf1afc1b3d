/** SpecEM: weights of votes over rounds, cut drafts, votes divided by their sum. */
import { HedgeVotes } from "../../../src/during/span/hedge.js";
import { postprocess, shareOfSum } from "../../../src/during/span/released-specem.js";
import type { GoldenAdapter } from "../adapter.js";

type Input =
  | { kind: "hedge"; learnRate: number; hedge: boolean; votes: number[][][] }
  | { kind: "post"; mistral: boolean; texts: string[] }
  | { kind: "normalise"; rows: number[][] };

export const specem: GoldenAdapter = {
  method: "specem",
  tolerance: 1e-9,
  run(input: Input) {
    if (input.kind === "post") {
      const texts = input.texts.map(postprocess);
      return { texts: input.mistral ? texts.map((text) => ` ${text}`) : texts };
    }
    if (input.kind === "normalise") return { rows: input.rows.map(shareOfSum) };
    const [{ length }] = input.votes;
    const active = Array.from({ length }, (_, index) => index);
    const hedge = new HedgeVotes(length, input.learnRate);
    return {
      rounds: input.votes.map((votes) => {
        const weights = input.hedge ? [...hedge.update(votes, active)] : active.map(() => 1);
        const summed = active.map((i) => votes.reduce((sum, vote, judge) => sum + weights[judge] * vote[i], 0));
        const pick = summed.indexOf(Math.max(...summed));
        return input.hedge ? { ...hedge.last, weights, summed, pick } : { summed, pick };
      }),
    };
  },
};
