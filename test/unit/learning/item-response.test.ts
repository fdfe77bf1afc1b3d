import { Matrix as DenseMatrix, determinant } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { drawNormal } from "../../../src/learning/draws.js";
import { abilityFrom, type Item, ItemResponse, informativeItems } from "../../../src/learning/item-response.js";
import { sigmoid, softplus } from "../../../src/learning/logistic-regression.js";
import { dot, makeMatrix, rowOf } from "../../../src/learning/matrix.js";
import { RandomGenerator } from "../../../src/random.js";

/** Answers drawn from a known theory with two abilities over four features. */
function knownWorld(rows: number, takers: number, seed: number) {
  const random = new RandomGenerator(seed);
  const draw = (count: number) => Float64Array.from({ length: count }, () => drawNormal(random));
  const [a1, a2, w] = [draw(4), draw(4), draw(4)];
  const abilities = Array.from({ length: takers }, () => draw(2));
  const embeddings = makeMatrix(rows, 4);
  const truth = makeMatrix(rows, takers);
  const answers = makeMatrix(rows, takers);
  for (let row = 0; row < rows; row++) {
    const x = rowOf(embeddings, row);
    x.set(draw(4));
    for (const [taker, ability] of abilities.entries()) {
      const p = sigmoid(dot(a1, x) * ability[0] + dot(a2, x) * ability[1] - dot(w, x));
      truth.set(row, taker, p);
      answers.set(row, taker, random.next() < 0.05 ? Number.NaN : Number(random.next() < p));
    }
  }
  return { embeddings, truth, answers };
}

const options = { seed: 1, dimension: 2, epochs: 60, ridge: 0.1 };

function randomItems(count: number, k: number, seed: number): Item[] {
  const random = new RandomGenerator(seed);
  return Array.from({ length: count }, () => ({
    a: Float64Array.from({ length: k }, () => drawNormal(random)),
    b: drawNormal(random),
  }));
}

describe("item response theory", () => {
  it("recovers the probabilities that the answers were drawn from", async () => {
    const { embeddings, truth, answers } = knownWorld(1500, 6, 3);
    const theory = await ItemResponse.fit(embeddings, answers, options);
    const unseen = knownWorld(1500, 6, 3);
    let [error, base] = [0, 0];
    for (let row = 0; row < 1500; row++) {
      const p = theory.probabilities(rowOf(unseen.embeddings, row));
      for (let taker = 0; taker < 6; taker++) {
        error += Math.abs(p[taker] - truth.get(row, taker)) / 9000;
        base += Math.abs(0.5 - truth.get(row, taker)) / 9000;
      }
    }
    expect(base).toBeGreaterThan(0.25);
    expect(error).toBeLessThan(0.06);
  });

  it("gives a new taker the most probable abilities", () => {
    const items = randomItems(40, 3, 2);
    const answers = items.map((_, index) => (index % 3 === 0 ? 1 : index % 5 === 0 ? 0.5 : 0));
    const loss = (theta: Float64Array) =>
      items.reduce((sum, { a, b }, index) => {
        const z = dot(a, theta) - b;
        return sum + softplus(z) - answers[index] * z;
      }, 0.5 * dot(theta, theta));
    const theta = abilityFrom(items, answers, 3);
    for (let j = 0; j < 3; j++) {
      for (const step of [-1e-3, 1e-3]) {
        const moved = Float64Array.from(theta);
        moved[j] += step;
        expect(loss(moved)).toBeGreaterThan(loss(theta));
      }
    }
  });

  it("asks what raises the determinant of the information most, one after another", () => {
    const items = randomItems(25, 3, 4);
    const ability = Float64Array.of(0.3, -0.2, 0.5);
    const information = (chosen: readonly number[]) => {
      const sum = DenseMatrix.eye(3);
      for (const index of chosen) {
        const { a, b } = items[index];
        const p = sigmoid(dot(a, ability) - b);
        sum.add(
          DenseMatrix.columnVector(a)
            .mmul(DenseMatrix.rowVector(a))
            .mul(p * (1 - p)),
        );
      }
      return determinant(sum);
    };
    const expected: number[] = [];
    while (expected.length < 6) {
      const open = Array.from(items.keys()).filter((index) => !expected.includes(index));
      const gain = (index: number) => information([...expected, index]);
      expected.push(open.reduce((best, index) => (gain(index) > gain(best) ? index : best)));
    }
    expect(informativeItems(items, 6, ability)).toEqual(expected);
  });
});
