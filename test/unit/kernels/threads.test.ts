import { once } from "node:events";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadKernels } from "../../../src/kernels/kernels.js";
import { bits, typicalLogits } from "../../support/logit-cases.js";
import type { Request } from "./kernel-worker.js";

const kernels = loadKernels();
const { shared } = kernels;
const N = 49_152;
let workers: Worker[] = [];

/** tsx does not register itself in worker threads on Node 20, so the thread begins by doing that. */
function startWorker(): Worker {
  const tsx = createRequire(import.meta.url).resolve("tsx/cjs");
  const file = fileURLToPath(new URL("./kernel-worker.ts", import.meta.url));
  return new Worker(`require(${JSON.stringify(tsx)}); require(${JSON.stringify(file)});`, {
    eval: true,
    workerData: shared.memory,
  });
}

async function ask<Answer>(worker: Worker, request: Request): Promise<Answer> {
  worker.postMessage(request);
  return (await once(worker, "message"))[0];
}

beforeAll(async () => {
  // Something that a careless instantiation would write over.
  const guard = new Uint8Array(shared.memory.buffer, 4, 65_532).fill(0xa5);
  workers = [startWorker(), startWorker()];
  await Promise.all(workers.map((worker) => ask(worker, { kind: "allocate", bytes: 8, times: 1 })));
  expect(guard.every((byte) => byte === 0xa5)).toBe(true);
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.terminate()));
});

function putLogits(seed: number): { logits: number; exps: number } {
  const logits = shared.allocate(4 * N);
  shared.float32(logits, N).set(typicalLogits(N, seed));
  return { logits, exps: shared.allocate(8 * N) };
}

describe("threads on one memory", () => {
  test("compute the same bits at once on regions of their own as alone", async () => {
    const alone = [1, 2].map((seed) => {
      const { logits, exps } = putLogits(seed);
      const sum = kernels.expInto(logits, N, 16, exps);
      return { sum, values: bits(shared.float64(exps, N)) };
    });
    const regions = [1, 2].map(putLogits);
    const answers = await Promise.all(
      workers.map((worker, index) => {
        const { logits, exps } = regions[index];
        return ask<{ result: number; differing: number }>(worker, {
          kind: "run",
          kernel: "expInto",
          args: [logits, N, 16, exps],
          times: 200,
        });
      }),
    );
    answers.forEach(({ result, differing }, index) => {
      expect(differing).toBe(0);
      expect(bits([result])).toEqual(bits([alone[index].sum]));
      expect(bits(shared.float64(regions[index].exps, N))).toEqual(alone[index].values);
    });
  });

  test("run different kernels at once without disturbing each other", async () => {
    const [first, second] = [putLogits(3), putLogits(4)];
    const ids = shared.allocate(4 * 100);
    const topLogits = shared.allocate(4 * 100);
    const [sums, tops] = await Promise.all([
      ask<{ result: number; differing: number }>(workers[0], {
        kind: "run",
        kernel: "sumExp",
        args: [first.logits, N, 16],
        times: 300,
      }),
      ask<{ result: number; differing: number }>(workers[1], {
        kind: "run",
        kernel: "top",
        args: [second.logits, N, 100, ids, topLogits],
        times: 300,
      }),
    ]);
    expect(sums).toEqual({ result: kernels.sumExp(first.logits, N, 16), differing: 0 });
    expect(tops).toEqual({ result: 100, differing: 0 });
    const found = Array.from(shared.int32(ids, 100));
    kernels.top(second.logits, N, 100, ids, topLogits);
    expect(Array.from(shared.int32(ids, 100))).toEqual(found);
  });

  test("never get the same region", async () => {
    const given = await Promise.all(
      workers.map((worker) => ask<number[]>(worker, { kind: "allocate", bytes: 1000, times: 3000 })),
    );
    const offsets = given.flat().sort((a, b) => a - b);
    expect(offsets).toHaveLength(6000);
    for (let i = 1; i < offsets.length; i++) expect(offsets[i] - offsets[i - 1]).toBeGreaterThanOrEqual(1000);
  });

  test("keep their views while another thread grows the memory, and reach what was added", async () => {
    const [worker] = workers;
    const old = shared.allocate(8 * 100);
    const oldView = shared.float64(old, 100).fill(1);
    expect(await ask(worker, { kind: "hold", offset: old, length: 100 })).toBe(100);
    for (let round = 1; round <= 5; round++) {
      const before = shared.memory.buffer.byteLength;
      const fresh = shared.allocate(4 * 1024 * 1024);
      expect(shared.memory.buffer.byteLength).toBeGreaterThan(before);
      shared.float64(fresh, 1)[0] = round;
      expect(await ask(worker, { kind: "read", offset: fresh })).toBe(round);
      const { result } = await ask<{ result: number }>(worker, {
        kind: "run",
        kernel: "sum",
        args: [fresh, 500_000],
        times: 1,
      });
      expect(result).toBe(round);
      expect(await ask(worker, { kind: "fill", value: round + 1 })).toBe(round);
      expect(oldView[99]).toBe(round + 1);
    }
  });

  test("reach what another thread has just added, without a pause in which to learn of it", async () => {
    const word = shared.allocate(4);
    for (let round = 1; round <= 20; round++) {
      shared.int32(word, 1)[0] = 0;
      const answer = ask(workers[0], { kind: "follow", word });
      await new Promise((resolve) => setTimeout(resolve, 5));
      const fresh = shared.allocate(2 * 1024 * 1024);
      shared.float64(fresh, 1)[0] = round;
      Atomics.store(shared.int32(word, 1), 0, fresh);
      expect(await answer).toBe(round);
    }
  });
});
