/** Runs kernels on another thread for threads.test.ts: one request in, one answer out. */
import { parentPort, workerData } from "node:worker_threads";
import { type Kernels, loadKernels } from "../../../src/kernels/kernels.js";
import type { WasmMemory } from "../../../src/kernels/webassembly.js";

export type Request =
  /** Run one kernel over and over; answers with the last result and how many results differed from the first. */
  | { kind: "run"; kernel: Exclude<keyof Kernels, "shared">; args: number[]; times: number }
  | { kind: "allocate"; bytes: number; times: number }
  /** Keep a view of these doubles from now on. */
  | { kind: "hold"; offset: number; length: number }
  /** Fill the held view with a value; answers with its first element before. */
  | { kind: "fill"; value: number }
  | { kind: "read"; offset: number }
  /** Spin until this word holds an offset, and answer at once with the double there. */
  | { kind: "follow"; word: number };

const kernels = loadKernels(workerData as WasmMemory);
let held: Float64Array = new Float64Array(0);

parentPort!.on("message", (request: Request) => parentPort!.postMessage(answer(request)));

function answer(request: Request): unknown {
  switch (request.kind) {
    case "run": {
      const run = kernels[request.kernel] as (...args: number[]) => number;
      const first = run(...request.args);
      let differing = 0;
      for (let time = 1; time < request.times; time++) if (!Object.is(run(...request.args), first)) differing++;
      return { result: first, differing };
    }
    case "allocate":
      return Array.from({ length: request.times }, () => kernels.shared.allocate(request.bytes));
    case "hold":
      held = kernels.shared.float64(request.offset, request.length);
      return held.length;
    case "fill": {
      const before = held[0];
      held.fill(request.value);
      return before;
    }
    case "read":
      return kernels.shared.float64(request.offset, 1)[0];
    case "follow": {
      const word = kernels.shared.int32(request.word, 1);
      while (Atomics.load(word, 0) === 0);
      return kernels.shared.float64(Atomics.load(word, 0), 1)[0];
    }
  }
}
