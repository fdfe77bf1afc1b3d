import { describe, expect, it } from "vitest";
import { RowSummary, WHOLE_ABOVE } from "../../../../src/during/alignments/build/relative-rows.js";
import { decodeSmall, encodeSmall } from "../../../../src/during/alignments/build/small-numbers.js";
import {
  BlockList,
  keepAll,
  type RowBlock,
  type SparseRows,
  timesRows,
} from "../../../../src/during/alignments/build/sparse-rows.js";
import { InverseSearch } from "../../../../src/during/alignments/relative/inverse-search.js";
import { RowOperator } from "../../../../src/during/alignments/relative/row-operator.js";
import { loadMatrixKernels } from "../../../../src/kernels/matrix-kernels.js";
import { drawNormal } from "../../../../src/learning/draws.js";
import { RandomGenerator } from "../../../../src/random.js";
import { refusal } from "../../../support/refusal.js";

const random = new RandomGenerator(1);

function distribution(size: number, sharpness: number): Float64Array {
  const values = Float64Array.from({ length: size }, () => Math.exp(sharpness * drawNormal(random)));
  const sum = values.reduce((a, b) => a + b, 0);
  return values.map((value) => value / sum);
}

function distance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0);
}

describe("probabilities in 16 bits", () => {
  it("come back within 2^-11", () => {
    for (const sharpness of [0.1, 1, 4]) {
      const values = distribution(500, sharpness);
      const sevenfold = values.map((value) => 7 * value);
      for (const [a, code] of encodeSmall(sevenfold, 1 / 7).entries()) {
        expect(Math.abs(decodeSmall(code) / values[a] - 1)).toBeLessThanOrEqual(2 ** -11 + 1e-7);
      }
    }
  });

  it("reach from 2^-63 to 1", () => {
    const back = Array.from(encodeSmall(Float64Array.of(1, 0.5, 1e-25, 0), 1), decodeSmall);
    expect(back).toEqual([1, 0.5, 2 ** -63, 2 ** -63]);
  });

  it.each([1, 3, 4, 5, 8, 63])("are what the kernels compute with (%i numbers)", (n) => {
    const [vectorAt, codesAt] = [0, 8 * n];
    const kernels = loadMatrixKernels(10 * n);
    const codes = encodeSmall(distribution(n, 2), 1);
    new Uint16Array(kernels.buffer, codesAt, n).set(codes);
    const vector = new Float64Array(kernels.buffer, vectorAt, n);
    const x = Float64Array.from({ length: n }, () => drawNormal(random));
    vector.set(x);
    const wanted = Array.from(codes, (code, a) => decodeSmall(code) * x[a]).reduce((a, b) => a + b, 0);
    expect(kernels.dotSmall(codesAt, n, vectorAt)).toBeCloseTo(wanted, 14);
    kernels.addSmall(codesAt, n, 0.3, vectorAt);
    for (let a = 0; a < n; a++) expect(vector[a]).toBe(x[a] + 0.3 * decodeSmall(codes[a]));
  });
});

describe("rows taken whole", () => {
  const [rows, columns] = [60, 40];
  const exact = Array.from({ length: rows }, () => distribution(columns, 1));
  /** Sparse rows of nothing but their mean, and all rows whole. */
  const block: RowBlock = {
    counts: new Uint32Array(rows),
    indices: new Int32Array(0),
    values: new Float64Array(0),
    dropped: new Float64Array(rows).fill(1),
    background: new Float64Array(columns).fill(1),
    whole: {
      rows: Int32Array.from({ length: rows }, (_, v) => v),
      codes: Uint16Array.from(exact.flatMap((row) => [...encodeSmall(row, 1)])),
    },
  };
  const matrix = joined([block], columns);
  const p = distribution(rows, 2);

  it("are those that count most, and what the others lose is told", () => {
    const operator = new RowOperator(matrix);
    const found = new Float64Array(columns);
    const wanted = new Float64Array(columns);
    timesRows(p, keepAll(exact), wanted);
    expect(operator.times(p, found)).toBeCloseTo(2, 12);
    operator.choose(p);
    const before = p.slice();
    const bound = operator.times(p, found);
    expect(p).toEqual(before);
    const rest = [...p]
      .sort((a, b) => b - a)
      .slice(32)
      .reduce((a, b) => a + b, 0);
    expect(bound).toBeCloseTo(2 * rest + 1.001 * 2 ** -10 * (1 - rest), 12);
    expect(distance(found, wanted)).toBeLessThanOrEqual(bound);
    expect(found.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  });

  it("count in both directions", () => {
    const operator = new RowOperator(matrix);
    operator.choose(p);
    const x = Float64Array.from({ length: columns }, () => drawNormal(random));
    const out = new Float64Array(rows);
    operator.timesVector(x, out);
    const mean = x.reduce((a, b) => a + b, 0) / columns;
    const order = Array.from(p.keys()).sort((a, b) => p[b] - p[a]);
    for (const [rank, v] of order.entries()) {
      const whole = exact[v].reduce((sum, value, a) => sum + value * x[a], 0);
      expect(Math.abs(out[v] - (rank < 32 ? whole : mean))).toBeLessThan(rank < 32 ? 2e-3 : 1e-12);
    }
  });

  it("go by a budget, the lowest tokens first", () => {
    const { whole } = joined([block, block], columns, 2 * columns * (rows + 5));
    expect(whole?.codes.length).toBe(columns * (rows + 5));
    expect(whole?.places.slice(rows, rows + 7)).toEqual(Int32Array.of(60, 61, 62, 63, 64, -1, -1));
    expect(joined([block], columns, columns).whole).toBeUndefined();
  });
});

/** With as many whole rows as `budget` bytes hold. */
function joined(blocks: readonly RowBlock[], columns: number, budget?: number): SparseRows {
  const rows = blocks.reduce((sum, { counts }) => sum + counts.length, 0);
  const list = new BlockList(rows, columns, budget);
  for (const block of blocks) list.add(block);
  return list.join();
}

/** softmax(100 · c / ‖c‖) in float64. */
function exactRow(cosines: Float32Array): Float64Array {
  const length = Math.sqrt(cosines.reduce((sum, value) => sum + value * value, 0)) || 1;
  const logits = Float64Array.from(cosines, (value) => (100 * value) / length);
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exps = logits.map((value) => Math.exp(value - largest));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / sum);
}

/** As relativeBlock makes them, all in one block, with as many whole rows as `budget` bytes hold. */
function summarised(cosines: readonly Float32Array[], budget?: number): SparseRows {
  const columns = cosines[0].length;
  const summary = new RowSummary(columns);
  const kept: { indices: number[]; values: number[]; dropped: number }[] = [];
  const wholeRows: number[] = [];
  const codes: number[] = [];
  for (const [v, row] of cosines.entries()) {
    kept.push(summary.take(row));
    if (kept[v].dropped <= WHOLE_ABOVE) continue;
    wholeRows.push(v);
    codes.push(...summary.codes());
  }
  const block = {
    counts: Uint32Array.from(kept, ({ indices }) => indices.length),
    indices: Int32Array.from(kept.flatMap(({ indices }) => indices)),
    values: Float64Array.from(kept.flatMap(({ values }) => values)),
    dropped: Float64Array.from(kept, ({ dropped }) => dropped),
    background: summary.background,
    whole: { rows: Int32Array.from(wholeRows), codes: Uint16Array.from(codes) },
  };
  return joined([block], columns, budget);
}

/** Cosines of every kind that rows can be made of; the last are made to lose as much as they can. */
const SHAPES: Record<string, (columns: number, row: number) => Float32Array> = {
  random: (columns) => Float32Array.from({ length: columns }, () => 0.02 * drawNormal(random)),
  "random with a favourite": (columns, row) =>
    Float32Array.from({ length: columns }, (_, a) => (a === row % columns ? 1 : 0.015 * drawNormal(random))),
  "all alike": (columns) => new Float32Array(columns).fill(0.1),
  "all nothing": (columns) => new Float32Array(columns),
  opposite: (columns) => Float32Array.from({ length: columns }, (_, a) => (a % 2 === 0 ? 0.9 : -0.9)),
  "flat on a part of the columns, each row on another": (columns, row) =>
    Float32Array.from({ length: columns }, (_, a) => (Math.floor((4 * a) / columns) === row % 4 ? 0.5 : -0.5)),
  "steps at the number that is kept": (columns, row) =>
    Float32Array.from({ length: columns }, (_, a) => ((a * 7 + row) % columns < 65 ? 0.3 : 0.05 * drawNormal(random))),
  "a geometric tail": (columns, row) =>
    Float32Array.from({ length: columns }, (_, a) => 0.9 - 0.01 * ((a * 11 + row) % columns)),
};

describe.each(Object.keys(SHAPES))("sparse rows of similarities that are %s", (shape) => {
  const rows = 90;
  /** float32 logits up to 100 in size, rounded, move a row by so much. */
  const singles = 2 * 100 * 2 ** -24 + 1e-9;

  it.each([
    [300, undefined],
    [300, 0],
    [40, undefined],
    [977, 977 * 2 * 20],
  ])("keep the bound with %i columns (budget of whole rows: %s)", (columns, budget) => {
    const cosines = Array.from({ length: rows }, (_, v) => SHAPES[shape](columns, v));
    const exact = cosines.map(exactRow);
    const operator = new RowOperator(summarised(cosines, budget));
    const oneHot = (at: number) => Float64Array.from({ length: rows }, (_, v) => (v === at ? 1 : 0));
    const distributions = [0.3, 2, 8, 20].map((sharpness) => distribution(rows, sharpness));
    for (const p of [...distributions, new Float64Array(rows).fill(1 / rows), oneHot(0), oneHot(rows - 1)]) {
      const wanted = new Float64Array(columns);
      timesRows(p, keepAll(exact), wanted);
      const found = new Float64Array(columns);
      // Not the distribution that it was chosen for, and then the one.
      for (const chosenFor of [distributions[0], p]) {
        operator.choose(chosenFor);
        const bound = operator.times(p, found);
        expect(distance(found, wanted)).toBeLessThanOrEqual(bound + singles);
        expect(bound).toBeLessThanOrEqual(2 + 1e-9);
        expect(found.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
      }
      // Back: each row within half of its own bound times the spread of x.
      const x = Float64Array.from({ length: columns }, () => drawNormal(random));
      const spread = Math.max(...x) - Math.min(...x);
      const back = new Float64Array(rows);
      operator.timesVector(x, back);
      for (let v = 0; v < rows; v++) {
        const own = exact[v].reduce((sum, value, a) => sum + value * x[a], 0);
        const alone = operator.times(oneHot(v), found);
        expect(Math.abs(back[v] - own)).toBeLessThanOrEqual((alone / 2 + singles) * spread);
      }
    }
  });
});

describe("an operator that several runs share", () => {
  const cosines = Array.from({ length: 90 }, (_, v) => SHAPES.random(300, v));
  const matrix = summarised(cosines);
  const options = { learningRate: 0.15, steps: 5, weightDecay: 0.01 };
  const logits = [0, 1].map(() => Float64Array.from({ length: 90 }, () => 3 * drawNormal(random)));
  const target = distribution(300, 2);

  it("gives each what it would have alone", () => {
    const alone = logits.map((own) => {
      const search = new InverseSearch(new RowOperator(matrix), options);
      search.logits.set(own);
      search.search(target);
      return search.probabilities;
    });
    const operator = new RowOperator(matrix);
    const searches = logits.map(() => new InverseSearch(operator, options));
    for (const round of [0, 1]) {
      for (const [run, search] of searches.entries()) {
        search.logits.set(logits[run]);
        // The other's choice comes between.
        operator.choose(alone[1 - run]);
        search.search(target);
        expect(search.probabilities, `run ${run}, round ${round}`).toEqual(alone[run]);
      }
    }
  });

  it("is freed when nobody needs it", () => {
    const before = process.memoryUsage().rss;
    const large = { ...matrix, indices: new Int32Array(5_000_000), values: new Float64Array(5_000_000) };
    // Each takes 60 MB.
    for (let copy = 0; copy < 20; copy++) new RowOperator(large);
    expect(process.memoryUsage().rss - before).toBeLessThan(0.8e9);
  });

  it("says how much memory it would need where there is none", async () => {
    // Never written, so that these take no memory themselves.
    const entries = 360_000_000;
    const huge = { ...matrix, indices: new Int32Array(entries), values: new Float64Array(entries) };
    const error = await refusal(() => new RowOperator(huge));
    expect(error.code).toBe("out-of-memory");
    expect(error.message).toMatch(/takes 43\d{8} bytes, and there is room for 4294967296.*unite/);
  });
});
