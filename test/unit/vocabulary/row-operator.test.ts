import { describe, expect, it } from "vitest";
import { RandomGenerator } from "../../../src/decoding/random.js";
import { loadKernels } from "../../../src/kernels/kernels.js";
import { drawNormal } from "../../../src/learning/draws.js";
import { RowOperator } from "../../../src/vocabulary/row-operator.js";
import { decodeSmall, encodeSmall } from "../../../src/vocabulary/small-numbers.js";
import { BlockList, joinBlocks, keepAll, type RowBlock, timesRows } from "../../../src/vocabulary/sparse-rows.js";

const random = new RandomGenerator(1);

function distribution(size: number, sharpness: number): Float64Array {
  const values = Float64Array.from({ length: size }, () => Math.exp(sharpness * drawNormal(random)));
  const sum = values.reduce((a, b) => a + b, 0);
  return values.map((value) => value / sum);
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
    const kernels = loadKernels();
    const { shared } = kernels;
    const [codesAt, vectorAt] = [shared.allocate(2 * n), shared.allocate(8 * n)];
    const codes = encodeSmall(distribution(n, 2), 1);
    shared.uint16(codesAt, n).set(codes);
    const vector = shared.float64(vectorAt, n);
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
  const matrix = joinBlocks([block], columns);
  const p = distribution(rows, 2);

  it("are those that count most, and what the others lose is told", () => {
    const operator = new RowOperator(matrix);
    const found = new Float64Array(columns);
    const wanted = new Float64Array(columns);
    timesRows(p, keepAll(exact), wanted);
    expect(operator.times(p, found)).toBeCloseTo(1, 12);
    operator.choose(p);
    const before = p.slice();
    const lost = operator.times(p, found);
    expect(p).toEqual(before);
    const rest = [...p].sort((a, b) => b - a).slice(32);
    expect(lost).toBeCloseTo(
      rest.reduce((a, b) => a + b, 0),
      12,
    );
    expect(found.reduce((off, value, a) => off + Math.abs(value - wanted[a]), 0)).toBeLessThanOrEqual(2 * lost + 1e-3);
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
    const list = new BlockList(columns, 2 * columns * (rows + 5));
    for (const one of [block, block]) list.add(one);
    const { whole } = joinBlocks(list.blocks, columns);
    expect(whole?.codes.length).toBe(columns * (rows + 5));
    expect(whole?.places.slice(rows, rows + 7)).toEqual(Int32Array.of(60, 61, 62, 63, 64, -1, -1));
    const none = new BlockList(columns, columns);
    none.add(block);
    expect(joinBlocks(none.blocks, columns).whole).toBeUndefined();
  });
});
