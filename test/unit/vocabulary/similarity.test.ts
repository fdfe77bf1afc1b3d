import { beforeAll, describe, expect, it } from "vitest";
import { RandomGenerator } from "../../../src/decoding/random.js";
import { drawNormal } from "../../../src/learning/draws.js";
import { loadLlama } from "../../../src/llama/library.js";
import type { EmbeddingSource } from "../../../src/member/embeddings.js";
import { IN_ONE_PIECE } from "../../../src/vocabulary/alignment-pool.js";
import { ROW_OF_EMBEDDING } from "../../../src/vocabulary/relative-rows.js";
import { Neighbourhoods, similarTokens, Target } from "../../../src/vocabulary/similar-tokens.js";
import { similarityRows } from "../../../src/vocabulary/similarity.js";
import {
  cosinesOf,
  mapEmbeddings,
  type SimilarityPlan,
  similarityOf,
} from "../../../src/vocabulary/similarity-exact.js";
import type { SparseRows } from "../../../src/vocabulary/sparse-rows.js";

beforeAll(() => {
  loadLlama({ gpu: false });
});

const NOISE = 0.1;

/** The same hidden meanings, seen by two models: each turns them its own way, into its own width, and blurs them. */
function twoModels(rows: number, widths: readonly [number, number]) {
  const random = new RandomGenerator(7);
  const hidden = Math.min(...widths);
  const meanings = Float64Array.from({ length: rows * hidden }, () => drawNormal(random));
  const order = Int32Array.from({ length: rows }, (_, row) => (row * 13) % rows);
  const models = widths.map((width, model): EmbeddingSource & { kind: "memory" } => {
    const turn = Float64Array.from({ length: hidden * width }, () => drawNormal(random));
    const values = new Float32Array(rows * width);
    for (let row = 0; row < rows; row++) {
      const meaning = model === 0 ? row : order[row];
      for (let j = 0; j < width; j++) {
        let sum = NOISE * Math.sqrt(hidden) * drawNormal(random);
        for (let k = 0; k < hidden; k++) sum += meanings[meaning * hidden + k] * turn[k * width + j];
        values[row * width + j] = sum;
      }
    }
    return { kind: "memory", rows, width, values };
  });
  // Target row of each source row.
  const twins = new Int32Array(rows);
  for (let row = 0; row < rows; row++) twins[order[row]] = row;
  return { source: models[0], target: models[1], twins };
}

const listOf = ({ rows, width, values }: EmbeddingSource & { kind: "memory" }) =>
  Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));

function planFor(rows: number): SimilarityPlan {
  const makes = new Int32Array(rows).fill(ROW_OF_EMBEDDING);
  makes[0] = 5;
  return {
    makes,
    kinds: Uint8Array.from({ length: rows }, (_, id) => (id === 1 ? Target.none : Target.candidate)),
    neighbourhood: 2,
    options: { keep: 10, threshold: 0.1, flatDeviation: 0.01, flatCount: 5 },
  };
}

function best({ offsets, indices, values }: SparseRows, row: number): number {
  let found = -1;
  for (let at = offsets[row]; at < offsets[row + 1]; at++) if (found < 0 || values[at] > values[found]) found = at;
  return indices[found] ?? -1;
}

describe("the similarity of two models' tokens", () => {
  it.each([[[24, 24]], [[24, 40]], [[40, 24]]] as const)(
    "finds tokens that are no part of the dictionary, in widths %s",
    async (widths) => {
      const rows = 400;
      const { source, target, twins } = twoModels(rows, widths);
      // Half of the tokens are known to be alike.
      const known = Int32Array.from({ length: rows / 2 }, (_, pair) => 2 * pair);
      const pairs = [known, known.map((row) => twins[row])] as const;
      const matrix = await similarityRows({ source, target, pairs }, planFor(rows));
      let right = 0;
      for (let row = 3; row < rows; row += 2) if (best(matrix, row) === twins[row]) right++;
      expect(right / (rows / 2)).toBeGreaterThan(0.9);
      expect(best(matrix, 0)).toBe(5);
      expect(matrix.indices.includes(1)).toBe(false);
    },
  );

  it("is the same in blocks of float32 as in one piece of float64", async () => {
    const rows = 400;
    const { source, target, twins } = twoModels(rows, [24, 32]);
    expect(rows * rows * 24).toBeGreaterThan(IN_ONE_PIECE);
    const known = Int32Array.from({ length: 300 }, (_, pair) => pair);
    const pairs = [known, known.map((row) => twins[row])] as const;
    const plan = planFor(rows);
    const blocks = await similarityRows({ source, target, pairs }, plan);
    const dictionary = Array.from(known, (row): [number, number] => [row, twins[row]]);
    const exact = similarityOf(cosinesOf(mapEmbeddings(listOf(source), listOf(target), dictionary)), plan);
    let compared = 0;
    for (let row = 0; row < rows; row++) {
      const scores = new Map<number, number>();
      for (let at = blocks.offsets[row]; at < blocks.offsets[row + 1]; at++) {
        scores.set(blocks.indices[at], blocks.values[at]);
      }
      for (let at = exact.offsets[row]; at < exact.offsets[row + 1]; at++) {
        const found = scores.get(exact.indices[at]);
        // A score at the threshold may fall on either side of it.
        if (found === undefined) expect(exact.values[at]).toBeLessThan(0.1001);
        else {
          expect(Math.abs(found - exact.values[at])).toBeLessThan(1e-4);
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(rows);
  });

  it("does not depend on the threads", async () => {
    const rows = 4000;
    const { source, target, twins } = twoModels(rows, [64, 72]);
    const known = Int32Array.from({ length: rows / 2 }, (_, pair) => 2 * pair);
    const pairs = [known, known.map((row) => twins[row])] as const;
    const progress: number[] = [];
    const run = { threads: 2, onProgress: (part: number) => progress.push(part) };
    const onPool = await similarityRows({ source, target, pairs }, planFor(rows), run);
    expect(await similarityRows({ source, target, pairs }, planFor(rows), { threads: 1 })).toEqual(onPool);
    expect(progress.at(-1)).toBeCloseTo(1, 12);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });
});

describe("the scores of one token", () => {
  const kinds = Uint8Array.of(Target.deleted, Target.candidate, Target.candidate, Target.none, Target.candidate);
  const options = { keep: 3, threshold: 0.1, flatDeviation: 0.01, flatCount: 1 };

  it("are corrected for hubs, cut to the best, and freed of special targets and small ones", () => {
    // Scores: 1.0 (special, without correction), 0.5, 0.9, not looked at, −0.1.
    const found = similarTokens([0.5, 0.6, 0.7, 0.9, 0.2], [0.9, 0.7, 0.5, 0.1, 0.5], kinds, options);
    expect(found.ids).toEqual([1, 2]);
    expect(found.scores[0]).toBeCloseTo(0.5, 12);
    expect(found.scores[1]).toBeCloseTo(0.9, 12);
    expect(
      similarTokens([0.5, 0.6, 0.7, 0.9, 0.2], [0.9, 0.7, 0.5, 0.1, 0.5], kinds, { ...options, keep: 2 }).ids,
    ).toEqual([2]);
  });

  it("are none where they are all alike", () => {
    const alike = [0.5, 0.6, 0.601, 0.9, 0.599];
    expect(similarTokens(alike, [0, 0, 0, 0, 0], kinds, { ...options, keep: 5 }).ids).toEqual([]);
    expect(similarTokens(alike, [0, 0, 0, 0, 0], kinds, { ...options, keep: 5, flatCount: 3 }).ids).toEqual([1, 2, 4]);
  });

  it("correct by the mean of the nearest, however they come in", () => {
    const rows = [
      [0.1, 0.9],
      [0.5, 0.2],
      [0.3, 0.4],
      [0.4, 0.3],
    ];
    const together = new Neighbourhoods(2, 2);
    for (const row of rows) together.add(row);
    const [hub, other] = together.hubness();
    expect(hub).toBeCloseTo(0.45, 12);
    expect(other).toBeCloseTo(0.65, 12);
    const merged = new Neighbourhoods(2, 2);
    for (const half of [rows.slice(2), rows.slice(0, 2)]) {
      const part = new Neighbourhoods(2, 2);
      for (const row of half) part.add(row);
      merged.merge(part.values);
    }
    expect(merged.hubness()).toEqual(together.hubness());
    const one = new Neighbourhoods(1, 3);
    one.add([0.2]);
    expect(one.hubness()[0]).toBe(0.2);
  });
});
