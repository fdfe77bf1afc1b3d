import { inverse, Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { drawNormal } from "../../../src/learning/draws.js";
import { LinUcb } from "../../../src/learning/lin-ucb.js";
import { RandomGenerator } from "../../../src/random.js";

describe("LinUCB", () => {
  it.each([1, 0.95])("is ridge regression of the discounted rewards, γ = %s, also over many updates", (gamma) => {
    const random = new RandomGenerator(1);
    const bandit = new LinUcb(2, 3, { lambda: 2, gamma, alpha: 0.7 });
    let a = Matrix.eye(3).mul(2);
    let b = Matrix.zeros(3, 1);
    for (let i = 0; i < 1203; i++) {
      const x = Array.from({ length: 3 }, () => drawNormal(random));
      const reward = x[0] - 0.5 * x[2] + 0.1 * drawNormal(random);
      bandit.update(1, x, reward);
      const column = Matrix.columnVector(x);
      a = a.mul(gamma).add(column.mmul(column.transpose()));
      b = b.mul(gamma).add(Matrix.mul(column, reward));
    }
    const theta = inverse(a).mmul(b).to1DArray();
    for (const [index, value] of bandit.theta(1).entries()) expect(value).toBeCloseTo(theta[index], 9);
    const x = Matrix.columnVector([1, -1, 0.5]);
    const width = Math.sqrt(x.transpose().mmul(inverse(a)).mmul(x).get(0, 0));
    const [untouched, learned] = bandit.scores([1, -1, 0.5]);
    expect(learned).toBeCloseTo(theta[0] - theta[1] + 0.5 * theta[2] + 0.7 * width, 9);
    // An arm without outcomes has θ = 0 and A = λI.
    expect(untouched).toBeCloseTo(0.7 * Math.sqrt(2.25 / 2), 12);
  });

  it("does not forget in a warm start, and scores the same after JSON", () => {
    const options = { lambda: 1, gamma: 0.5 };
    const [forgetful, warm] = [new LinUcb(1, 1, options), new LinUcb(1, 1, options)];
    for (const reward of [1, 1]) {
      forgetful.update(0, [1], reward);
      warm.update(0, [1], reward, { forget: false });
    }
    // A = 1 + 1 + 1, b = 2; forgetting: A = ((1·½ + 1)·½) + 1, b = ½ + 1
    expect(warm.theta(0)[0]).toBeCloseTo(2 / 3, 12);
    expect(forgetful.theta(0)[0]).toBeCloseTo(1.5 / 1.75, 12);
    const restored = LinUcb.restore(JSON.parse(JSON.stringify(warm)), options);
    expect(restored.scores([0.4])[0]).toBeCloseTo(warm.scores([0.4])[0], 14);
  });
});
