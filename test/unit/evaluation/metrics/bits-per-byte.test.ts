import { expect, it } from "vitest";
import { bitsPerByte } from "../../../../src/evaluation/metrics/bits-per-byte.js";

it("turns nats of a text into bits of a byte", () => {
  expect(bitsPerByte(-8 * Math.LN2, 8)).toBe(1);
  expect(bitsPerByte(-Math.log(256) * 5, 5)).toBeCloseTo(8, 12);
  expect(bitsPerByte(0, 3)).toBeCloseTo(0, 12);
});

it.each([
  [-1, 0, "invalid-option"],
  [-1, Number.NaN, "invalid-option"],
  [0.5, 3, "invalid-logits"],
  [Number.NaN, 3, "invalid-logits"],
])("refuses %d nats of %d bytes", (logLikelihood, bytes, code) => {
  expect(() => bitsPerByte(logLikelihood, bytes)).toThrow(expect.objectContaining({ code }));
});
