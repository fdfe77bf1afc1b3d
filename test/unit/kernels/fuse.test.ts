import { describe, expect, test } from "vitest";
import { loadKernels } from "../../../src/kernels/kernels.js";
import { bits, LENGTHS, uniform } from "../../support/logit-cases.js";
import * as reference from "../../support/reference-kernels.js";

const kernels = loadKernels();
const { shared } = kernels;

function put(values: Float64Array): number {
  const at = shared.allocate(8 * values.length);
  shared.float64(at, values.length).set(values);
  return at;
}

function putInt32(values: Int32Array): number {
  const at = shared.allocate(4 * values.length);
  shared.int32(at, values.length).set(values);
  return at;
}

function randomValues(n: number, seed: number): Float64Array {
  const random = uniform(seed);
  return Float64Array.from({ length: n }, () => random() ** 8);
}

describe("scatter", () => {
  const size = 333;
  for (const n of LENGTHS) {
    test(`adds ${n} values to their places, in their order`, () => {
      const random = uniform(n);
      const exps = randomValues(n, n + 1);
      const map = Int32Array.from({ length: n }, () => Math.floor(random() * (size + 30)) - 30).map((j) =>
        Math.max(j, -1),
      );
      const out = put(new Float64Array(size).fill(9));
      kernels.scatter(put(exps), putInt32(map), n, 0.37, out, size);
      expect(bits(shared.float64(out, size))).toEqual(bits(reference.scatter(exps, map, 0.37, size)));
    });
  }

  test("leaves out what a map sends beyond the space, and keeps its hands off the neighbours", () => {
    const region = put(new Float64Array(6).fill(5));
    kernels.scatter(put(Float64Array.of(1, 2, 3, 4)), putInt32(Int32Array.of(0, 4, -2, 3)), 4, 1, region + 8, 4);
    expect(Array.from(shared.float64(region, 6))).toEqual([5, 1, 0, 0, 4, 5]);
  });
});

describe("combine", () => {
  function combine(inputs: Float64Array[], weights: number[], size: number, out = put(new Float64Array(size))) {
    const pointers = shared.allocate(4 * inputs.length);
    shared.uint32(pointers, inputs.length).set(inputs.map(put));
    const best = kernels.combine(pointers, put(Float64Array.from(weights)), inputs.length, out, size);
    return { best, out: shared.float64(out, size).slice() };
  }

  for (const size of LENGTHS) {
    test(`is the weighted sum in the order of the inputs, with its argmax: size ${size}`, () => {
      for (const count of [1, 2, 3, 5]) {
        const inputs = Array.from({ length: count }, (_, c) => randomValues(size, size + c));
        const weights = inputs.map((_, c) => 1 / (c + 3));
        const expected = reference.combine(inputs, weights, size);
        const { best, out } = combine(inputs, weights, size);
        expect(bits(out)).toEqual(bits(expected));
        expect(best).toBe(reference.argmax(expected));
      }
    });
  }

  test("finds the lowest of equal maxima, whichever tile they lie in", () => {
    for (let first = 0; first < 27; first++) {
      const values = new Float64Array(27).fill(0.25);
      for (let i = first; i < 27; i += 3) values[i] = 0.5;
      expect(combine([values, values], [0.5, 0.5], 27).best).toBe(first);
    }
  });

  test("may write over one of its inputs", () => {
    const [a, b] = [randomValues(100, 1), randomValues(100, 2)];
    const at = put(a);
    const pointers = shared.allocate(8);
    shared.uint32(pointers, 2).set([at, put(b)]);
    kernels.combine(pointers, put(Float64Array.of(0.5, 2)), 2, at, 100);
    expect(bits(shared.float64(at, 100))).toEqual(bits(reference.combine([a, b], [0.5, 2], 100)));
  });

  test("carries NaN into its entry alone, and never chooses it", () => {
    const values = Float64Array.from({ length: 20 }, (_, i) => i / 20);
    for (let at = 0; at < 20; at++) {
      const { best, out } = combine([values.with(at, Number.NaN), values], [1, 1], 20);
      expect(out[at]).toBeNaN();
      expect(out.filter(Number.isNaN)).toHaveLength(1);
      expect(best).toBe(at === 19 ? 18 : 19);
    }
  });
});

describe("argmax and sum", () => {
  for (const n of LENGTHS) {
    test(`are those of plain loops: ${n} values`, () => {
      for (const values of [
        randomValues(n, n),
        randomValues(n, n).map(Math.round),
        randomValues(n, n).map((x) => -x),
      ]) {
        const at = put(values);
        expect(kernels.argmax(at, n)).toBe(reference.argmax(values));
        expect(bits([kernels.sum(at, n)])).toEqual(bits([reference.sumInEight(values)]));
      }
    });
  }

  test("argmax is -1 if nothing is above -Infinity", () => {
    expect(kernels.argmax(put(new Float64Array(11).fill(Number.NEGATIVE_INFINITY)), 11)).toBe(-1);
    expect(kernels.argmax(put(new Float64Array(11).fill(Number.NaN)), 11)).toBe(-1);
  });

  test("argmax passes over NaN", () => {
    const values = Float64Array.from({ length: 19 }, (_, i) => (i % 2 === 0 ? Number.NaN : -i));
    expect(kernels.argmax(put(values), 19)).toBe(1);
  });

  test("sum of NaN is NaN", () => {
    expect(kernels.sum(put(randomValues(30, 1).with(17, Number.NaN)), 30)).toBeNaN();
  });
});

test("an offset beyond the memory is an error, not a crash", () => {
  expect(() => kernels.maximum(0x7fffff00, 1000)).toThrow(/out of bounds/);
});
