import { describe, expect, it } from "vitest";
import { drawNormal } from "../../../src/learning/draws.js";
import { KMeans } from "../../../src/learning/k-means.js";
import { dot, type Matrix, makeMatrix, matrixOf, rowOf, unitVector } from "../../../src/learning/matrix.js";
import { NearestNeighbours } from "../../../src/learning/nearest-neighbours.js";
import { RandomGenerator } from "../../../src/random.js";
import { refusal } from "../../support/refusal.js";

function drawn(rows: number, columns: number, seed = 5) {
  const random = new RandomGenerator(seed);
  const matrix = makeMatrix(rows, columns);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = drawNormal(random);
  return matrix;
}

/** Lloyd's iterations by their definition, from these centres; how many clusters were emptied on the way. */
function lloyd(points: Matrix, seeds: Matrix) {
  const rows = Array.from({ length: points.shape[0] }, (_, row) => Array.from(rowOf(points, row)));
  const centres = Array.from({ length: seeds.shape[0] }, (_, cluster) => Array.from(rowOf(seeds, cluster)));
  const distance = (a: number[], b: number[]) => a.reduce((sum, value, j) => sum + (value - b[j]) ** 2, 0);
  const nearest = (x: number[]) => {
    const distances = centres.map((centre) => distance(x, centre));
    return distances.indexOf(Math.min(...distances));
  };
  let emptied = 0;
  let labels: number[] = [];
  for (let next = rows.map(nearest); next.join() !== labels.join(); next = rows.map(nearest)) {
    labels = next;
    const left = rows.map((x, row) => distance(x, centres[labels[row]]));
    for (const [cluster, centre] of centres.entries()) {
      const mine = rows.filter((_, row) => labels[row] === cluster);
      if (mine.length > 0) {
        for (const j of centre.keys()) centre[j] = mine.reduce((sum, x) => sum + x[j], 0) / mine.length;
        continue;
      }
      emptied++;
      const farthest = left.indexOf(Math.max(...left));
      centres[cluster] = [...rows[farthest]];
      left[farthest] = 0;
    }
  }
  return { labels, centres, emptied };
}

describe("k-means", () => {
  it("finds clusters that lie apart, and their means", () => {
    const points = matrixOf([
      [0, 0],
      [0, 1],
      [10, 10],
      [10, 12],
      [-9, 5],
    ]);
    const { centres, labels, inertia } = KMeans.fit(points, 3, { seed: 1 });
    expect(labels[0]).toBe(labels[1]);
    expect(labels[2]).toBe(labels[3]);
    expect(new Set(labels).size).toBe(3);
    expect(Array.from(rowOf(centres, labels[0]))).toEqual([0, 0.5]);
    expect(Array.from(rowOf(centres, labels[2]))).toEqual([10, 11]);
    expect(inertia).toBeCloseTo(0.5 + 2, 9);
  });

  it("is a fixed point: each point is with the nearest centre, each centre the mean of its points", () => {
    const points = drawn(300, 6);
    const model = KMeans.fit(points, 7, { seed: 2, maxIterations: 500 });
    for (let cluster = 0; cluster < 7; cluster++) {
      const mine = Array.from(model.labels.keys()).filter((row) => model.labels[row] === cluster);
      for (let j = 0; j < 6; j++) {
        const mean = mine.reduce((sum, row) => sum + points.get(row, j), 0) / mine.length;
        expect(model.centres.get(cluster, j)).toBeCloseTo(mean, 9);
      }
    }
    for (let row = 0; row < 300; row++) {
      const distances = Array.from({ length: 7 }, (_, c) =>
        rowOf(points, row).reduce((sum, value, j) => sum + (value - model.centres.get(c, j)) ** 2, 0),
      );
      expect(model.labels[row]).toBe(distances.indexOf(Math.min(...distances)));
      expect(model.nearest(rowOf(points, row))).toBe(model.labels[row]);
    }
  });

  it("gives a cluster that loses all its points the point farthest from its centre", () => {
    let emptied = 0;
    // Seeds at which it happens, among others.
    for (const [seed, count, clusters, width, dimension] of [
      [35, 30, 12, 12, 3],
      [1016, 40, 12, 30, 2],
      [14, 8, 5, 6, 2],
      [1, 30, 12, 12, 3],
      [2, 9, 4, 8, 2],
      // Several points lie farthest: the first is taken.
      [254, 20, 12, 40, 1],
    ]) {
      const random = new RandomGenerator(seed);
      const coordinates = () => Array.from({ length: dimension }, () => Math.floor(width * random.next()));
      const points = matrixOf(Array.from({ length: count }, coordinates));
      const seeds = KMeans.fit(points, clusters, { seed, maxIterations: 0 }).centres;
      const wanted = lloyd(points, seeds);
      emptied += wanted.emptied;
      const { centres, labels } = KMeans.fit(points, clusters, { seed });
      expect(Array.from(labels)).toEqual(wanted.labels);
      expect(Array.from(centres.data, (value) => value.toFixed(9))).toEqual(
        wanted.centres.flat().map((value) => value.toFixed(9)),
      );
    }
    expect(emptied).toBeGreaterThan(1);
  });

  it("repeats with the seed, takes equal points, and refuses more clusters than points", async () => {
    const points = drawn(50, 3);
    expect(KMeans.fit(points, 4, { seed: 9 }).centres.data).toEqual(KMeans.fit(points, 4, { seed: 9 }).centres.data);
    const same = matrixOf([[1], [1], [1]]);
    expect(KMeans.fit(same, 2, { seed: 1 }).inertia).toBe(0);
    expect((await refusal(() => KMeans.fit(same, 4, { seed: 1 }))).message).toMatch(/4 clusters of 3/);
    const restored = KMeans.restore(JSON.parse(JSON.stringify(KMeans.fit(points, 4, { seed: 9 }))));
    expect(restored.nearest(rowOf(points, 0))).toBe(KMeans.fit(points, 4, { seed: 9 }).labels[0]);
  });
});

describe("nearest neighbours", () => {
  it("are those of a full sort by cosine", () => {
    const points = drawn(200, 7);
    const index = NearestNeighbours.fit(points);
    const query = rowOf(drawn(1, 7, 11), 0);
    const cosines = Array.from({ length: 200 }, (_, row) => dot(unitVector(rowOf(points, row)), unitVector(query)));
    const expected = Array.from(cosines.keys()).sort((a, b) => cosines[b] - cosines[a]);
    const { indices, similarities } = index.search(query, 25);
    expect(Array.from(indices)).toEqual(expected.slice(0, 25));
    for (const [place, row] of indices.entries()) expect(similarities[place]).toBeCloseTo(cosines[row], 5);
  });

  it("gives ties to the lowest index, all points where k is larger, and the same after JSON", async () => {
    const index = NearestNeighbours.fit(
      matrixOf([
        [2, 0],
        [1, 0],
        [0, 0],
        [0, 1],
      ]),
    );
    expect(Array.from(index.search([1, 0], 9).indices)).toEqual([0, 1, 2, 3]);
    const restored = NearestNeighbours.restore(JSON.parse(JSON.stringify(index)));
    expect(restored.search([0.3, 0.4], 4)).toEqual(index.search([0.3, 0.4], 4));
    expect((await refusal(() => index.search([1, 0], 0))).code).toBe("invalid-option");
  });
});
