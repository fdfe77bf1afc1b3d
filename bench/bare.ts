/** Bare decoders beside an ensemble: one worker a member, each with a context of its own on the same weights. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Schedule } from "../src/decoding/schedule.js";
import { loadLlama } from "../src/llama/library.js";
import { WORKER_OPTIONS } from "../src/package-files.js";
import type { BareJob, BareReply, BareStart, BareStep } from "./bare-worker.js";
import { entryFile } from "./entry-file.js";

/** What one member decoded: its prompt, and every decode after it. */
export interface Decoded {
  prompt: number[];
  steps: BareStep[];
}

export class BareDecoders {
  #run = 0;

  private constructor(
    private readonly workers: readonly Worker[],
    private readonly gate: Int32Array,
  ) {}

  static async load(models: readonly string[], contextSize: number): Promise<BareDecoders> {
    const { files } = loadLlama();
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const workers = models.map((file) => {
      const workerData: BareStart = { library: files, file, contextSize, gate: gate.buffer as SharedArrayBuffer };
      return new Worker(entryFile("bare-worker"), { ...WORKER_OPTIONS, workerData });
    });
    const decoders = new BareDecoders(workers, gate);
    await Promise.all(workers.map((worker) => next(worker)));
    return decoders;
  }

  /** Milliseconds: of the slowest where all decode at once, of all together where they take turns. */
  async measure(decoded: readonly Decoded[], schedule: Schedule, threads: readonly number[]): Promise<number> {
    if (schedule === "parallel") {
      const all = decoded.map((_, index) => index);
      return Math.max(...(await this.#release(all, decoded, threads)));
    }
    let total = 0;
    for (const index of decoded.keys()) total += (await this.#release([index], decoded, threads))[0];
    return total;
  }

  async #release(
    members: readonly number[],
    decoded: readonly Decoded[],
    threads: readonly number[],
  ): Promise<number[]> {
    this.#run++;
    for (const index of members) {
      const job: BareJob = { ...decoded[index], threads: threads[index], run: this.#run };
      this.workers[index].postMessage(job);
    }
    await Promise.all(members.map((index) => next(this.workers[index])));
    const times = members.map((index) => next(this.workers[index]));
    Atomics.store(this.gate, 0, this.#run);
    Atomics.notify(this.gate, 0);
    return (await Promise.all(times)) as number[];
  }

  async close(): Promise<void> {
    // Between runs nothing decodes, so ending the threads is safe; the process keeps their memory.
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

async function next(worker: Worker): Promise<BareReply> {
  const [message] = (await once(worker, "message")) as [BareReply];
  return message;
}

/** The same tokens one at a time: what a member holds in the end, without what it rolled back on the way. */
export function oneByOne({ prompt, steps }: Decoded): Decoded {
  const tokens = [...prompt];
  let kept = prompt.length;
  for (const step of steps) {
    kept = Math.min(kept, step.from);
    tokens.splice(step.from, tokens.length - step.from, ...step.tokens);
  }
  const rest = tokens.slice(kept).map((token, index) => ({ from: kept + index, tokens: [token] }));
  return { prompt: tokens.slice(0, kept), steps: rest };
}
