import { describe, expect, it } from "vitest";
import { addGradient, layersOf, parameterCount } from "../../../src/learning/batch-norm-gradient.js";
import { BatchNormMlp } from "../../../src/learning/batch-norm-mlp.js";
import { drawNormal } from "../../../src/learning/draws.js";
import { matrixOf } from "../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../src/random.js";

const normals = (count: number, seed: number) => {
  const random = new RandomGenerator(seed);
  return Float64Array.from({ length: count }, () => drawNormal(random));
};

describe("BatchNormMlp", () => {
  it("computes the published network in evaluation mode, layer by layer", () => {
    const shape = { inputs: 3, hidden: 6 };
    const parameters = normals(parameterCount(shape), 1);
    const running = normals(12, 2).map((value, index) => (index < 6 ? value : value ** 2 + 0.1));
    const x = [0.3, -1.2, 0.8];
    const { w1, b1, gamma, beta, w2, b2, w3, b3 } = layersOf(shape, parameters);
    const r = Array.from({ length: 6 }, (_, j) => {
      const a = x.reduce((sum, value, k) => sum + w1[j * 3 + k] * value, b1[j]);
      return Math.max(0, (gamma[j] * (a - running[j])) / Math.sqrt(running[6 + j] + 1e-5) + beta[j]);
    });
    const u = Array.from({ length: 3 }, (_, k) => r.reduce((sum, value, j) => sum + w2[k * 6 + j] * value, b2[k]));
    const logit = u.reduce((sum, value, k) => sum + w3[k] * value, b3[0]);
    const router = new BatchNormMlp(shape, parameters, running);
    expect(router.logit(x)).toBeCloseTo(logit, 12);
    expect(router.probability(x)).toBeCloseTo(1 / (1 + Math.exp(-logit)), 12);
  });

  it("descends along the true slopes of the loss, through the normalisation and the dropped entries", () => {
    const shape = { inputs: 4, hidden: 5 };
    const parameters = normals(parameterCount(shape), 3);
    const batch = Array.from({ length: 7 }, (_, row) => ({ x: normals(4, 10 + row), label: row % 2 }));
    const lossAt = (at: Float64Array, gradient = new Float64Array(at.length)) => {
      const random = new RandomGenerator(5);
      return addGradient(shape, at, batch, () => (random.next() < 0.3 ? 0 : 1 / 0.7), gradient).loss;
    };
    const gradient = new Float64Array(parameters.length);
    lossAt(parameters, gradient);
    for (let index = 0; index < parameters.length; index++) {
      const step = 1e-6;
      const [up, down] = [1, -1].map((sign) =>
        lossAt(parameters.map((value, other) => value + (other === index ? sign * step : 0))),
      );
      expect(gradient[index]).toBeCloseTo((up - down) / (2 * step), 6);
    }
  });

  it("learns what no linear model can, the same for the same seed, and is itself again from its file", async () => {
    const rows = Array.from({ length: 400 }, (_, row) => normals(2, 100 + row));
    const labels = rows.map(([a, b]) => (a * b > 0 ? 1 : 0));
    const options = { seed: 7, hidden: 16, patience: 30, epochs: 150, learningRate: 1e-2 };
    const router = await BatchNormMlp.fit(matrixOf(rows), labels, options);
    const right = rows.filter((row, index) => router.probability(row) > 0.5 === (labels[index] === 1)).length;
    expect(right).toBeGreaterThan(370);
    expect((await BatchNormMlp.fit(matrixOf(rows), labels, options)).toJSON()).toEqual(router.toJSON());
    const restored = BatchNormMlp.restore(JSON.parse(JSON.stringify(router.toJSON())));
    for (const row of rows.slice(0, 20)) expect(restored.probability(row)).toBe(router.probability(row));
  });

  it("keeps the best weights, or as published the last ones", async () => {
    const rows = Array.from({ length: 60 }, (_, row) => normals(3, 500 + row));
    const labels = Array.from({ length: 60 }, (_, row) => row % 2);
    const losses: number[] = [];
    const options = { seed: 1, epochs: 20, patience: 20, learningRate: 0.05 };
    const best = await BatchNormMlp.fit(matrixOf(rows), labels, {
      ...options,
      onEpoch: (_, loss) => {
        losses.push(loss);
        return undefined;
      },
    });
    const last = await BatchNormMlp.fit(matrixOf(rows), labels, { ...options, keep: "last" });
    expect(losses.length).toBe(20);
    expect(Math.min(...losses)).toBeLessThan(losses[19]);
    expect(best.toJSON()).not.toEqual(last.toJSON());
  });

  it("lets timers run while it learns, and stops when it is told to", async () => {
    const rows = Array.from({ length: 60 }, (_, row) => normals(3, 500 + row));
    const labels = Array.from({ length: 60 }, (_, row) => row % 2);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 5);
    const options = { seed: 1, epochs: 1e6, patience: 1e6, signal: stop.signal };
    await expect(BatchNormMlp.fit(matrixOf(rows), labels, options)).rejects.toMatchObject({ code: "aborted" });
  });

  it("refuses too few rows, and numbers that do not fill the shape", async () => {
    await expect(BatchNormMlp.fit(matrixOf([[1], [2]]), [0, 1], { seed: 1 })).rejects.toThrow(/at least 4/);
    const saved = new BatchNormMlp({ inputs: 1, hidden: 2 }, new Float64Array(13), new Float64Array(4)).toJSON();
    expect(() => BatchNormMlp.restore({ ...saved, shape: { inputs: 2, hidden: 2 } })).toThrow(/17 numbers; 23/);
  });
});
