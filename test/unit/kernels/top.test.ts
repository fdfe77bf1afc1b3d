import { describe, expect, test } from "vitest";
import { loadKernels } from "../../../src/kernels/kernels.js";
import { LENGTHS, LOGIT_CASES, typicalLogits } from "../../support/logit-cases.js";
import * as reference from "../../support/reference-kernels.js";

const kernels = loadKernels();
const logitsAt = kernels.shared.allocate(4 * 160_000);
const idsAt = kernels.shared.allocate(4 * 1100);
const topLogitsAt = kernels.shared.allocate(4 * 1100);

function top(logits: Float32Array, k: number): { id: number; logit: number }[] {
  kernels.shared.float32(logitsAt, logits.length).set(logits);
  const count = kernels.top(logitsAt, logits.length, k, idsAt, topLogitsAt);
  const topLogits = kernels.shared.float32(topLogitsAt, count);
  return Array.from(kernels.shared.int32(idsAt, count), (id, rank) => ({ id, logit: topLogits[rank] }));
}

describe("top", () => {
  for (const [name, make] of Object.entries(LOGIT_CASES)) {
    test(`is a full sort's beginning: ${name}`, () => {
      for (const n of LENGTHS) {
        for (const k of [1, 2, 3, 10, 100, 1024]) {
          const logits = make(n);
          expect(top(logits, k), `n = ${n}, k = ${k}`).toEqual(reference.top(logits, k));
        }
      }
    });
  }

  test("is a full sort's beginning for real vocabulary sizes in every order", () => {
    const shuffled = typicalLogits(151_937, 7);
    for (const logits of [shuffled, shuffled.toSorted(), shuffled.toSorted().reverse(), shuffled.map(Math.round)]) {
      const sorted = reference.top(logits, 1024);
      for (const k of [1, 10, 100, 1024]) expect(top(logits, k)).toEqual(sorted.slice(0, k));
    }
  });

  test("gives ties to the lowest ids, across blocks too", () => {
    const logits = new Float32Array(1000);
    for (const id of [999, 700, 64, 63, 5]) logits[id] = 1;
    expect(top(logits, 7).map(({ id }) => id)).toEqual([5, 63, 64, 700, 999, 0, 1]);
  });

  test("passes over NaN and -Infinity, and takes Infinity first", () => {
    const logits = typicalLogits(200, 8);
    for (let i = 0; i < 200; i += 3) logits[i] = i % 2 === 0 ? Number.NaN : Number.NEGATIVE_INFINITY;
    logits[100] = Number.POSITIVE_INFINITY;
    const found = top(logits, 200);
    expect(found).toEqual(reference.top(logits, 200));
    expect(found[0]).toEqual({ id: 100, logit: Number.POSITIVE_INFINITY });
  });

  test("marks the places that it cannot fill", () => {
    expect(top(Float32Array.of(1, Number.NaN, 2), 5)).toHaveLength(2);
    expect(Array.from(kernels.shared.int32(idsAt, 5))).toEqual([2, 0, -1, -1, -1]);
    const none = Number.NEGATIVE_INFINITY;
    expect(Array.from(kernels.shared.float32(topLogitsAt, 5))).toEqual([2, 1, none, none, none]);
  });

  test("writes nothing for k = 0", () => {
    kernels.shared.int32(idsAt, 1)[0] = 77;
    expect(top(typicalLogits(100, 9), 0)).toEqual([]);
    expect(kernels.shared.int32(idsAt, 1)[0]).toBe(77);
  });
});
