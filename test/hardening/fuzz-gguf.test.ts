/** The short form of the mutation fuzzer: every kind of damage a few times, in one process that must outlive them all. */
import { expect, it } from "vitest";
import { fuzzGguf } from "./fuzz-gguf.js";
import { KINDS } from "./mutate-gguf.js";

it("damaged models end in an answer or in one typed error, and the process lives", { timeout: 300_000 }, async () => {
  const { deaths, hangs, rawErrors, largestMiB, kinds, outcomes } = await fuzzGguf({ count: 32, seed: 2 });
  expect({ deaths, hangs, rawErrors }).toEqual({ deaths: [], hangs: [], rawErrors: [] });
  expect(Object.keys(kinds)).toHaveLength(KINDS.length);
  expect(largestMiB).toBeLessThan(1024);
  // Both ends are reached: what cannot be used is refused, what can be used is used.
  expect(Object.keys(outcomes)).toEqual(expect.arrayContaining(["refused: invalid-model", "answered: length"]));
});
