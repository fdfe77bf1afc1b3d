import { describe, expect, test } from "vitest";
import { loadKernels } from "../../../src/kernels/kernels.js";
import { bits, LENGTHS, LOGIT_CASES, typicalLogits } from "../../support/logit-cases.js";
import * as reference from "../../support/reference-kernels.js";

const kernels = loadKernels();
const CAPACITY = 200_000;
const logitsAt = kernels.shared.allocate(4 * CAPACITY);
const outAt = kernels.shared.allocate(8 * CAPACITY);

function load(logits: Float32Array): number {
  kernels.shared.float32(logitsAt, logits.length).set(logits);
  return logits.length;
}

function exponentials(logits: ArrayLike<number>, shift: number): { sum: number; values: Float64Array } {
  const n = load(Float32Array.from(logits));
  const sum = kernels.expInto(logitsAt, n, shift, outAt);
  return { sum, values: kernels.shared.float64(outAt, n).slice() };
}

describe("maximum", () => {
  for (const [name, make] of Object.entries(LOGIT_CASES)) {
    test(`is that of a plain loop: ${name}`, () => {
      for (const n of LENGTHS) {
        const logits = make(n);
        // Adding 0 makes -0 into 0: of zeros with both signs either is the largest.
        expect(kernels.maximum(logitsAt, load(logits)) + 0, `n = ${n}`).toBe(reference.maximum(logits) + 0);
      }
    });
  }

  test("is NaN wherever a NaN lies, beside Infinity too", () => {
    for (const n of [1, 3, 16, 37]) {
      for (let at = 0; at < n; at++) {
        const logits = typicalLogits(n, 1);
        logits[at] = Number.NaN;
        if (n > 1) logits[(at + 1) % n] = Number.POSITIVE_INFINITY;
        expect(kernels.maximum(logitsAt, load(logits)), `${at} of ${n}`).toBeNaN();
      }
    }
  });

  test("is Infinity wherever an Infinity lies", () => {
    for (let at = 0; at < 37; at++) {
      const logits = typicalLogits(37, 1);
      logits[at] = Number.POSITIVE_INFINITY;
      expect(kernels.maximum(logitsAt, load(logits))).toBe(Number.POSITIVE_INFINITY);
    }
  });
});

describe("expInto", () => {
  for (const [name, make] of Object.entries(LOGIT_CASES)) {
    test(`is Math.exp within 1e-15, and sums in the documented order: ${name}`, () => {
      for (const n of LENGTHS) {
        const logits = make(n);
        const highest = reference.maximum(logits);
        const shift = Number.isFinite(highest) ? highest : 0;
        const { sum, values } = exponentials(logits, shift);
        expectExponentials(values, logits, shift);
        expect(bits([sum])).toEqual(bits([reference.sumInFour(values)]));
      }
    });
  }

  test("is Math.exp over the whole range of doubles, subnormal results included", () => {
    const logits = Float32Array.from({ length: CAPACITY }, (_, i) => -760 + (i * 1480) / CAPACITY);
    expectExponentials(exponentials(logits, 0).values, logits, 0);
  });

  test("is exactly 1 at the shift, exactly 0 far below it, Infinity far above", () => {
    const { values } = exponentials(
      [0, -0, Number.NEGATIVE_INFINITY, -3e38, -746, 710, 3e38, Number.POSITIVE_INFINITY],
      0,
    );
    const infinity = Number.POSITIVE_INFINITY;
    expect(bits(values)).toEqual(bits([1, 1, 0, 0, 0, infinity, infinity, infinity]));
  });

  test("gives NaN for NaN and leaves its neighbours alone", () => {
    const logits = typicalLogits(11, 3);
    const sound = exponentials(logits, 2).values;
    for (let at = 0; at < 11; at++) {
      const { sum, values } = exponentials(logits.with(at, Number.NaN), 2);
      expect(sum).toBeNaN();
      expect(values[at]).toBeNaN();
      expect(bits(values.with(at, sound[at]))).toEqual(bits(sound));
    }
  });

  test("gives a logit the same bits beside ordinary and beside extreme ones", () => {
    const logits = typicalLogits(1003, 4);
    const plain = exponentials(logits, 15).values;
    const beside = exponentials([...logits, Number.NEGATIVE_INFINITY], 15).values;
    expect(bits(beside.subarray(0, 1003))).toEqual(bits(plain));
  });

  test("stays exact for shifts that floats cannot hold", () => {
    for (const shift of [1e9 + 0.3, 16_777_217, 0.1, -5e8]) {
      const logits = Float32Array.from({ length: 50 }, (_, i) => shift - 40 * i);
      expectExponentials(exponentials(logits, shift).values, logits, shift);
    }
  });

  test("writes nothing beyond n values", () => {
    kernels.shared.float64(outAt, 16).fill(-1);
    exponentials(typicalLogits(7, 5), 0);
    expect(Array.from(kernels.shared.float64(outAt + 56, 9))).toEqual(new Array(9).fill(-1));
  });
});

describe("sumExp", () => {
  test("is the sum of the exponentials within 2e-7, 1 for a single logit, and repeats itself", () => {
    for (const make of Object.values(LOGIT_CASES)) {
      for (const n of [...LENGTHS, 152_064]) {
        const logits = make(n);
        const highest = reference.maximum(logits);
        if (!Number.isFinite(highest)) continue;
        load(logits);
        const sum = kernels.sumExp(logitsAt, n, highest);
        const expected = logits.reduce((total, z) => total + Math.exp(z - highest), 0);
        expect(Math.abs(sum / expected - 1)).toBeLessThan(2e-7);
        expect(bits([kernels.sumExp(logitsAt, n, highest)])).toEqual(bits([sum]));
      }
    }
    for (const z of [-300, 0, 1e30]) expect(kernels.sumExp(logitsAt, load(Float32Array.of(z)), z)).toBe(1);
  });

  test("is that close for every distance from the largest, and next to nothing out of a float's reach", () => {
    for (let step = 0; step < 20_000; step++) {
      const z = Math.fround(-87 * (step / 20_000));
      const sum = kernels.sumExp(logitsAt, load(Float32Array.of(z)), 0);
      expect(Math.abs(sum / Math.exp(z) - 1)).toBeLessThan(2e-7);
    }
    for (const z of [-88, -1e30, Number.NEGATIVE_INFINITY])
      expect(kernels.sumExp(logitsAt, load(Float32Array.of(z)), 0)).toBeLessThan(2e-38);
  });

  test("adds up eight sums in the documented order", () => {
    for (const n of [7, 8, 9, 1003]) {
      const logits = typicalLogits(n, 2);
      const highest = reference.maximum(logits);
      const single = Float64Array.from(logits, (z) => kernels.sumExp(logitsAt, load(Float32Array.of(z)), highest));
      expect(bits([kernels.sumExp(logitsAt, load(logits), highest)])).toEqual(bits([reference.sumInEight(single)]));
    }
  });
});

/** Within 1e-15 of Math.exp, or two units in the last place of a subnormal number. */
function expectExponentials(values: Float64Array, logits: Float32Array, shift: number): void {
  for (const [i, value] of values.entries()) {
    const expected = Math.exp(logits[i] - shift);
    if (value === expected || Math.abs(value - expected) <= Math.max(1e-15 * expected, 2 * Number.MIN_VALUE)) continue;
    expect.fail(`e^(${logits[i]} − ${shift}) is ${value}, expected ${expected}`);
  }
}
