import { LinUcb } from "../../../src/learning/lin-ucb.js";
import { argmax, matrixOf } from "../../../src/learning/matrix.js";
import type { GoldenAdapter } from "../adapter.js";

interface Input {
  contexts: number[][];
  correct: number[][];
  prices: number[];
  warmRows: number;
  alpha: number;
  lambda: number;
  gamma: number;
  p: number;
  update: boolean;
}

export const metallm: GoldenAdapter = {
  method: "metallm",
  tolerance: 1e-9,
  run({ contexts, correct, prices, warmRows, p, update, ...options }: Input) {
    const dearest = Math.max(...prices);
    const rewards = correct.map((row) => row.map((right, arm) => right - (p * prices[arm]) / dearest));
    const bandit =
      warmRows > 0
        ? LinUcb.warm(matrixOf(contexts.slice(0, warmRows)), matrixOf(rewards.slice(0, warmRows)), options)
        : new LinUcb(prices.length, contexts[0].length, options);
    const choices: number[] = [];
    const earned: number[] = [];
    for (const [index, x] of contexts.slice(warmRows).entries()) {
      const arm = argmax(bandit.scores(x));
      const reward = rewards[warmRows + index][arm];
      choices.push(arm);
      earned.push(reward);
      if (update) bandit.update(arm, x, reward);
    }
    return { choices, rewards: earned, finalTheta: prices.map((_, arm) => bandit.theta(arm)) };
  },
};
