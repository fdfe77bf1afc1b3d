import { describe, expect, it } from "vitest";
import { eachBlock } from "../../../../src/during/alignments/build/pool.js";
import { refusal } from "../../../support/refusal.js";

/** Enough multiplications for a pool of threads. */
const MUCH = 1e12;
const THREADS = 2;

/** Job i looks for the nearest of ten words to the word i; a job that is none fails in its thread. */
function watched(count: number, broken = -1) {
  const seen = { begun: 0, taken: [] as number[], mostAhead: 0 };
  const jobs = {
    length: count,
    at: (index: number) => {
      seen.begun++;
      seen.mostAhead = Math.max(seen.mostAhead, seen.begun - seen.taken.length);
      const to = Array.from({ length: 10 }, (_, word) => "abcdefghij".repeat(word + 1));
      return index === broken ? (undefined as never) : { from: [to[index % 10]], to };
    },
  };
  return { seen, jobs, take: (block: Int32Array) => seen.taken.push(block[0]) };
}

describe.each([
  ["on threads", MUCH],
  ["in this thread", 1],
])("blocks %s", (_, multiplications) => {
  it("come in the jobs' order, and few are begun ahead", async () => {
    const { seen, jobs, take } = watched(60);
    const fractions: number[] = [];
    const onProgress = (fraction: number) => fractions.push(fraction);
    await eachBlock("nearestBlock", jobs, multiplications, { threads: THREADS, onProgress }, take);
    expect(seen.taken).toEqual(Array.from({ length: 60 }, (_, index) => index % 10));
    expect(seen.mostAhead).toBeLessThanOrEqual(3 * THREADS);
    expect(fractions).toEqual(Array.from({ length: 60 }, (_, index) => (index + 1) / 60));
  });

  it("end with the first error, and none is taken or begun behind it", async () => {
    const { seen, jobs, take } = watched(60, 20);
    await expect(eachBlock("nearestBlock", jobs, multiplications, { threads: THREADS }, take)).rejects.toThrow();
    expect(seen.taken.length).toBe(20);
    const { begun } = seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen.begun).toBe(begun);
    expect(seen.taken.length).toBe(20);
  });

  it("stop when they are cancelled", async () => {
    const controller = new AbortController();
    const { seen, jobs, take } = watched(200);
    const cancelling = (block: Int32Array) => {
      if (take(block) === 10) controller.abort();
    };
    const run = () =>
      eachBlock("nearestBlock", jobs, multiplications, { threads: THREADS, signal: controller.signal }, cancelling);
    expect((await refusal(run)).code).toBe("aborted");
    expect(seen.taken.length).toBeLessThan(60);
  });
});
