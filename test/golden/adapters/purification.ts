import { LogLinearRule } from "../../../src/during/rules/log-linear.js";
import { MinimumRule } from "../../../src/during/rules/minimum.js";
import type { GoldenAdapter } from "../adapter.js";
import { softmax } from "./published-model.js";

interface Input {
  logits: number[][];
  weights: number[];
  temperature: number;
}

export const purification: GoldenAdapter = {
  method: "purification",
  tolerance: 1e-9,
  run({ logits, weights, temperature }: Input) {
    const distributions = logits.map(softmax);
    const sharpened = logits.map((values) => softmax(values.map((logit) => logit / temperature)));
    const step = { size: logits[0].length, endEntry: -1, distributions, bytesOf: () => new Uint8Array() };
    const everyone = logits.map((_, index) => index);
    const rules = {
      kl: new LogLinearRule({ coefficients: weights.map((weight) => weight / temperature) }),
      max: new MinimumRule({ temperature }),
    };
    const fused = Object.entries(rules).map(([form, rule]) => {
      const { probabilities, best } = rule.fuse(step, weights, everyone);
      const p = probabilities.slice(0, step.size);
      return {
        [form]: p,
        [`${form}Argmax`]: best,
        [`${form}Divergence`]: sharpened.map((member) => divergence(p, member)),
        [`${form}LogRatio`]: sharpened.map((member) => logRatio(p, member)),
      };
    });
    return Object.assign({}, ...fused);
  },
};

/** KL(p ‖ q) */
function divergence(p: Float64Array, q: Float64Array): number {
  return p.reduce((sum, value, j) => sum + (value > 0 ? value * Math.log(value / q[j]) : 0), 0);
}

/** max_j ln p_j / q_j */
function logRatio(p: Float64Array, q: Float64Array): number {
  return Math.max(...p.map((value, j) => Math.log(value / q[j])));
}
