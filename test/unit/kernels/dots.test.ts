import { describe, expect, test } from "vitest";
import { loadKernels } from "../../../src/kernels/kernels.js";
import { bits, uniform } from "../../support/logit-cases.js";

const { shared, dots } = loadKernels();

/** In single precision and in the order that the docstring gives. */
function reference(row: Float32Array, x: Float32Array): number {
  const s = new Float32Array(16);
  for (let j = 0; j < x.length; j++) s[j % 16] += Math.fround(row[j] * x[j]);
  const t = [0, 1, 2, 3].map((i) => Math.fround(Math.fround(s[i] + s[i + 4]) + Math.fround(s[i + 8] + s[i + 12])));
  return Math.fround(Math.fround(t[0] + t[1]) + Math.fround(t[2] + t[3]));
}

describe("dots", () => {
  test.each([
    [0, 16],
    [1, 16],
    [7, 48],
    [33, 128],
    [2, 0],
  ])("%i rows of %i columns", (count, columns) => {
    const random = uniform(count + columns);
    const draw = (length: number) => Float32Array.from({ length }, () => random() - 0.5);
    const [rows, x] = [draw(count * columns), draw(columns)];
    const at = [4 * rows.length, 4 * columns, 4 * count].map((bytes) => shared.allocate(bytes));
    shared.float32(at[0], rows.length).set(rows);
    shared.float32(at[1], columns).set(x);
    dots(at[0], count, columns, at[1], at[2]);
    const expected = Array.from({ length: count }, (_, row) =>
      reference(rows.subarray(row * columns, (row + 1) * columns), x),
    );
    expect(bits(Array.from(shared.float32(at[2], count)))).toEqual(bits(expected));
  });
});
