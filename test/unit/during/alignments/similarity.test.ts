import { beforeAll, describe, expect, it } from "vitest";
import { IN_ONE_PIECE } from "../../../../src/during/alignments/build/pool.js";
import { EMPTY_ROW, ROW_OF_EMBEDDING } from "../../../../src/during/alignments/build/relative-rows.js";
import type { SparseRows } from "../../../../src/during/alignments/build/sparse-rows.js";
import { amongCandidates, similarityRows } from "../../../../src/during/alignments/similarity/build.js";
import {
  cosinesOf,
  mapEmbeddings,
  type SimilarityPlan,
  similarityOf,
} from "../../../../src/during/alignments/similarity/exact.js";
import { Neighbourhoods, similarTokens, Target } from "../../../../src/during/alignments/similarity/similar-tokens.js";
import { drawNormal } from "../../../../src/learning/draws.js";
import { loadLlama } from "../../../../src/llama/library.js";
import type { EmbeddingSource } from "../../../../src/member/embeddings.js";
import { RandomGenerator } from "../../../../src/random.js";

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

  /** The matrix in blocks of float32 beside the one in one piece of float64; returns how many scores both have. */
  async function compare(
    { source, target, twins }: ReturnType<typeof twoModels>,
    known: Int32Array,
    plan: SimilarityPlan,
    tolerance = 1e-4,
  ): Promise<number> {
    const { rows } = source;
    expect(rows * rows * Math.min(source.width, target.width)).toBeGreaterThan(IN_ONE_PIECE);
    const blocks = await similarityRows({ source, target, pairs: [known, known.map((row) => twins[row])] }, plan);
    const dictionary = Array.from(known, (row): [number, number] => [row, twins[row]]);
    const exact = similarityOf(cosinesOf(mapEmbeddings(listOf(source), listOf(target), dictionary)), plan);
    let compared = 0;
    for (let row = 0; row < rows; row++) {
      const own = scoresOf(blocks, row);
      const wanted = scoresOf(exact, row);
      const least = Math.min(...wanted.values());
      for (const [id, score] of wanted) {
        const found = own.get(id);
        // A score at the threshold, or as low as the last one kept, may fall on either side.
        if (found === undefined) expect(score).toBeLessThan(Math.max(plan.options.threshold, least) + tolerance);
        else {
          expect(Math.abs(found - score)).toBeLessThan(tolerance);
          compared++;
        }
      }
    }
    return compared;
  }

  function scoresOf({ offsets, indices, values }: SparseRows, row: number): Map<number, number> {
    const scores = new Map<number, number>();
    for (let at = offsets[row]; at < offsets[row + 1]; at++) scores.set(indices[at], values[at]);
    return scores;
  }

  // With 40, a first look at 13 rows says so little that nearly all rows are computed again.
  it.each([1, 2, 40])("is the same in blocks of float32 as in one piece of float64 (K = %i)", async (neighbourhood) => {
    const rows = 400;
    const known = Int32Array.from({ length: 300 }, (_, pair) => pair);
    const plan = { ...planFor(rows), neighbourhood };
    plan.makes[7] = EMPTY_ROW;
    plan.kinds[9] = Target.deleted;
    expect(await compare(twoModels(rows, [24, 32]), known, plan)).toBeGreaterThan(rows / 2);
  });

  it("is the same where nine in ten targets are alike", async () => {
    const rows = 400;
    const models = twoModels(rows, [24, 32]);
    const { values, width } = models.target;
    const random = new RandomGenerator(8);
    // Nine in ten targets are copies of one, nearly.
    for (let at = 0; at < values.length; at++) {
      if (Math.floor(at / width) % 10 > 0) values[at] = values[at % width] + 1e-2 * drawNormal(random);
    }
    const known = Int32Array.from({ length: 300 }, (_, pair) => pair);
    const plan = planFor(rows);
    plan.options = { ...plan.options, threshold: 0, flatDeviation: 0 };
    // What tells copies apart is small beside what float32 rounds.
    expect(await compare(models, known, plan, 1e-3)).toBeGreaterThan(rows);
  });

  it("is settled by candidates only where no other target can be among the best", () => {
    const plan: SimilarityPlan = {
      ...planFor(6),
      options: { keep: 2, threshold: 0.1, flatDeviation: 0, flatCount: 5 },
    };
    const hubness = Float64Array.of(0.2, 0, 0.2, 0.2, 0.2, 0.2);
    const among = (bound: number, cosines: number[]) =>
      amongCandidates(
        {
          neighbourhoods: hubness,
          ids: Int32Array.of(4, 2, 3),
          cosines: Float32Array.from(cosines),
          bounds: Float32Array.of(bound),
        },
        0,
        hubness,
        plan,
      );
    // Scores 0.5, 0.7 and 0.3.
    expect(among(0.49, [0.35, 0.45, 0.25])?.ids).toEqual([2, 4]);
    expect(among(0.51, [0.35, 0.45, 0.25])).toBeUndefined();
    // Whatever else there is lies below the threshold.
    expect(among(0.05, [0.35, 0.05, 0.05])?.ids).toEqual([4]);
    expect(among(0.2, [0.35, 0.05, 0.05])).toBeUndefined();
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
