import { describe, expect, it } from "vitest";
import { Adam } from "../../../src/learning/adam.js";
import { drawNormal } from "../../../src/learning/draws.js";
import { sigmoid } from "../../../src/learning/logistic-regression.js";
import { makeMatrix, matrixOf, rowOf } from "../../../src/learning/matrix.js";
import { MatrixFactorisation, type RankedPair } from "../../../src/learning/matrix-factorisation.js";
import { Mlp } from "../../../src/learning/mlp.js";
import { RandomGenerator } from "../../../src/random.js";

describe("Adam", () => {
  it("takes the hand-computed first two steps, weight decay being part of the gradient", () => {
    const theta = Float64Array.of(1);
    const adam = new Adam(theta, { learningRate: 0.1, weightDecay: 0.5 });
    adam.step(Float64Array.of(1));
    // g = 1 + 0.5·1 = 1.5; the corrected moments are g and g², so the step is the learning rate.
    expect(theta[0]).toBeCloseTo(0.9, 7);
    adam.step(Float64Array.of(-1));
    const g = -1 + 0.5 * 0.9;
    const m = (0.9 * 0.1 * 1.5 + 0.1 * g) / (1 - 0.81);
    const v = (0.999 * 0.001 * 2.25 + 0.001 * g * g) / (1 - 0.999 ** 2);
    expect(theta[0]).toBeCloseTo(0.9 - (0.1 * m) / (Math.sqrt(v) + 1e-8), 7);
  });
});

describe("the perceptron", () => {
  const xor = matrixOf([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);

  it.each(["sigmoid", "linear", "softmax"] as const)("learns what no line can divide, with %s outputs", (output) => {
    const labels = [0, 1, 1, 0];
    const targets = matrixOf(labels.map((label) => (output === "softmax" ? [1 - label, label] : [label])));
    const model = Mlp.fit(xor, targets, { seed: 4, output, hidden: 16, epochs: 2000, learningRate: 0.01 });
    for (const [row, label] of labels.entries()) {
      const found = model.predict(rowOf(xor, row)).at(-1)!;
      expect(Math.abs(found - label)).toBeLessThan(0.1);
    }
    const restored = Mlp.restore(JSON.parse(JSON.stringify(model)));
    expect(restored.predict([0.3, 0.8])).toEqual(model.predict([0.3, 0.8]));
  });

  it("leaves missing targets out and repeats with the seed", () => {
    const targets = matrixOf([
      [0, Number.NaN],
      [1, Number.NaN],
      [1, 1],
      [0, 0],
    ]);
    const options = { seed: 1, output: "sigmoid", hidden: 8, epochs: 50 } as const;
    const [one, other] = [Mlp.fit(xor, targets, options), Mlp.fit(xor, targets, options)];
    expect(one.predict([1, 0])).toEqual(other.predict([1, 0]));
    expect(one.predict([1, 0]).every(Number.isFinite)).toBe(true);
  });
});

describe("matrix factorisation", () => {
  it("scores by the formula", () => {
    const factors = new MatrixFactorisation(
      matrixOf([
        [3, 4],
        [0, 2],
      ]),
      matrixOf([
        [1, 0, 1],
        [0, 2, 0],
      ]),
      matrixOf([[0.5, -1]]),
    );
    // W e = (1 + 3, 2·2) = (4, 4); v̂ = (0.6, 0.8) and (0, 1)
    const [a, b] = factors.logits([1, 2, 3]);
    expect(a).toBeCloseTo(0.5 * 0.6 * 4 - 0.8 * 4, 12);
    expect(b).toBeCloseTo(-4, 12);
  });

  it("moves along the slope of its loss", () => {
    // One query, one pair, no noise and no decay: Adam's first step has the size of the learning rate and the sign of
    // the gradient, so each parameter moves against its own finite difference.
    const embeddings = matrixOf([[0.3, -0.8, 0.5]]);
    const pairs: RankedPair[] = [{ row: 0, winner: 1, loser: 0 }];
    const options = { seed: 3, dimension: 2, weightDecay: 0, noise: 0, learningRate: 1e-6 };
    const before = MatrixFactorisation.fit(embeddings, 2, pairs, { ...options, epochs: 0 });
    const after = MatrixFactorisation.fit(embeddings, 2, pairs, { ...options, epochs: 1 });
    const loss = () => {
      const [a, b] = before.logits(rowOf(embeddings, 0));
      return -Math.log(sigmoid(b - a));
    };
    for (const part of ["models", "projection", "classifier"] as const) {
      for (let i = 0; i < before[part].data.length; i++) {
        const value = before[part].data[i];
        before[part].data[i] = value + 1e-5;
        const up = loss();
        before[part].data[i] = value - 1e-5;
        const slope = (up - loss()) / 2e-5;
        before[part].data[i] = value;
        if (Math.abs(slope) < 1e-4) continue;
        expect(Math.sign(after[part].data[i] - value)).toBe(-Math.sign(slope));
      }
    }
  });

  it("ends where held-out queries stop profiting, at the best parameters found", () => {
    const random = new RandomGenerator(6);
    const embeddings = makeMatrix(60, 4);
    for (let i = 0; i < embeddings.data.length; i++) embeddings.data[i] = drawNormal(random);
    // Who wins is chance: all that can be learned is the training queries by heart.
    const pairs = Array.from({ length: 60 }, (_, row) => {
      const winner = Number(random.next() < 0.5);
      return { row, winner, loser: 1 - winner };
    });
    const train = (epochs: number, heldOut?: number) => {
      let last = 0;
      const onEpoch = (epoch: number) => {
        last = epoch;
        return true;
      };
      const options = { seed: 1, dimension: 8, learningRate: 0.05, noise: 0, batch: 8, epochs, heldOut, onEpoch };
      return { model: MatrixFactorisation.fit(embeddings, 2, pairs, options), last };
    };
    const stopped = train(200, 0.3);
    expect(stopped.last).toBeLessThan(100);
    // Five epochs of patience came after the best.
    const best = train(stopped.last - 4, 0.3);
    expect(stopped.model.logits([1, 2, 3, 4])).toEqual(best.model.logits([1, 2, 3, 4]));
    expect(train(200).last).toBe(199);
  });

  it("learns which model wins on which side, and keeps it through JSON", () => {
    const random = new RandomGenerator(8);
    const embeddings = makeMatrix(200, 4);
    const pairs: RankedPair[] = [];
    for (let row = 0; row < 200; row++) {
      for (let j = 0; j < 4; j++) embeddings.set(row, j, drawNormal(random));
      const winner = embeddings.get(row, 0) > 0 ? 0 : 1;
      pairs.push({ row, winner, loser: 1 - winner });
    }
    const model = MatrixFactorisation.fit(embeddings, 2, pairs, {
      seed: 2,
      dimension: 8,
      epochs: 60,
      learningRate: 0.01,
    });
    let right = 0;
    for (const { row, winner, loser } of pairs) {
      const logits = model.logits(rowOf(embeddings, row));
      if (logits[winner] > logits[loser]) right++;
    }
    expect(right).toBeGreaterThan(180);
    const restored = MatrixFactorisation.restore(JSON.parse(JSON.stringify(model)));
    expect(restored.logits([1, 2, 3, 4])).toEqual(model.logits([1, 2, 3, 4]));
  });
});
