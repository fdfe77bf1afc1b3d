/** Processes that end while llama.cpp computes: with the exit code they chose, never by a crash in native code. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { THOROUGHNESS, temporaryFolder, writeSlowModel } from "./models.js";

const REPETITIONS = 4 * THOROUGHNESS;
/** At once, on a machine with few cores. */
const SIDE_BY_SIDE = 2;

const { folder, clean } = temporaryFolder();
let slow: string;
beforeAll(() => {
  slow = writeSlowModel(folder);
});
afterAll(clean);

interface End {
  /** Exit code or signal. */
  how: number | string;
  stdout: string;
  stderr: string;
}

function runChild(way: string, wait: number, act?: (child: ChildProcess) => void): Promise<End> {
  const script = path.join(import.meta.dirname, "child.mjs");
  const child = spawn(process.execPath, ["--expose-gc", script, way, slow, String(wait)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, GGML_NO_BACKTRACE: "1" },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    if (stdout === "") act?.(child);
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ how: signal ?? code ?? "?", stdout, stderr }));
  });
}

const interrupt = (child: ChildProcess) => void child.kill("SIGINT");

it.each<[name: string, way: string, how: number | string, act?: (child: ChildProcess) => void, stderr?: RegExp]>([
  ["process.exit while a prompt is decoded", "exit", 7],
  ["process.exit while three members decode", "exitOfThree", 7],
  ["process.exit while models load", "exitWhileLoading", 7],
  ["an uncaught error", "uncaught", 1, undefined, /Error: boom/],
  ["an unhandled rejection", "rejection", 1, undefined, /Error: boom/],
  ["SIGINT", "signal", "SIGINT", interrupt],
  ["SIGINT with a handler that exits", "signalHandled", 130, interrupt],
  ["threads that are terminated", "terminate", 7],
  ["dispose, and nothing left to do", "disposeAndEnd", 0],
  ["no dispose, and nothing left to do", "forget", 0],
])(
  "ends as it should with %s",
  async (_, way, how, act, stderr = /^$/) => {
    for (let count = 0; count < REPETITIONS; count += SIDE_BY_SIDE) {
      // Different moments: in the middle of a batch, between two, before the first.
      const waits = Array.from({ length: SIDE_BY_SIDE }, (_, place) => ((count + place) * 37) % 150);
      for (const end of await Promise.all(waits.map((wait) => runChild(way, wait, act)))) {
        expect([end.how, stderr.test(end.stderr) ? "" : end.stderr]).toEqual([how, ""]);
      }
    }
  },
  600_000,
);

it("gives the memory of disposed members back", async () => {
  const rounds = 30;
  const { how, stdout, stderr } = await runChild("memory", rounds);
  expect([how, stderr]).toEqual([0, ""]);
  const resident = stdout.trim().split(" ").map(Number);
  expect(resident.length).toBe(rounds);
  // The first rounds fill caches; a leak of one model (13 MB) each would be 250 MB by the end.
  const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
  const growth = median(resident.slice(-5)) - median(resident.slice(5, 10));
  expect(growth).toBeLessThan(40 * 1024);
}, 120_000);
