import { once } from "node:events";
import { threadId, Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { loadLlama } from "../../../src/llama/library.js";
import { LoadTurns } from "../../../src/llama/load-turns.js";

const { files, functions } = loadLlama({ gpu: false });
const turns = LoadTurns.ofProcess(functions);

function startTaker(notes: SharedArrayBuffer, stay = false): Worker {
  const script = JSON.stringify(new URL("../../support/turn-taker.ts", import.meta.url).href);
  return new Worker(`import("tsx/esm/api").then(({ tsImport }) => tsImport(${script}, ${script}))`, {
    eval: true,
    workerData: { library: files, notes, stay },
  });
}

it("gives all threads of the process the same turns", async () => {
  const takers = [0, 1, 2].map(() => startTaker(new SharedArrayBuffer(16)));
  const found = await Promise.all(takers.map(async (taker) => (await once(taker, "message"))[0]));
  expect(new Set([turns.address, ...found]).size).toBe(1);
  await Promise.all(takers.map((taker) => once(taker, "exit")));
});

it("never lets two turns overlap", async () => {
  const notes = new SharedArrayBuffer(16);
  const takers = [0, 1, 2].map(() => startTaker(notes));
  await Promise.all(takers.map((taker) => once(taker, "exit")));
  expect(Array.from(new Int32Array(notes, 0, 2))).toEqual([0, 0]);
});

it("gives the turn of a thread that died to the next", async () => {
  const words = new Int32Array(new SharedArrayBuffer(16));
  const taker = startTaker(words.buffer as SharedArrayBuffer, true);
  const { threadId: id } = taker;
  await once(taker, "message");
  Atomics.wait(words, 2, 0);
  let asked = 0;
  expect(() =>
    turns.hold(
      () => "taken",
      () => ++asked < 3,
    ),
  ).toThrow(/waiting for another load/);
  await taker.terminate();
  turns.release(id);
  expect(turns.hold(() => "taken")).toBe("taken");
});

it("ends a turn whose work fails, and one turn may hold another", async () => {
  expect(() =>
    turns.hold(() => {
      throw new Error("no such file");
    }),
  ).toThrow("no such file");
  expect(await turns.holdLater(() => turns.hold(() => 2))).toBe(2);
  turns.release(threadId + 1000);
  expect(turns.hold(() => 3)).toBe(3);
});
