/** Building an alignment: blocks of rows, one after another in this thread or side by side on a pool. */
import { createRequire } from "node:module";
import os from "node:os";
import { LlamafuseError } from "../errors.js";
import { type NearestJob, nearestBlock } from "./minimum-edit.js";
import { type RelativeJob, relativeBlock } from "./relative-rows.js";
import type { RowBlock } from "./sparse-rows.js";

/** What a build may be told. */
export interface BuildOptions {
  /** 0 … 1. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
  /** Threads to build on. Default: as many as there are cores. */
  threads?: number;
}

const tasks = { relativeBlock, nearestBlock };

interface Tasks {
  relativeBlock: { job: RelativeJob; block: RowBlock };
  nearestBlock: { job: NearestJob; block: Int32Array };
}

/** Below so many multiplications, starting threads takes longer than the work. */
const WORTH_THREADS = 1e9;

/**
 * The blocks of these jobs, in their order, which depends on nothing but the jobs. `multiplications`: of all of them.
 * Errors: aborted, and the tasks' own.
 */
export async function runBlocks<Name extends keyof Tasks>(
  name: Name,
  jobs: readonly Tasks[Name]["job"][],
  multiplications: number,
  { onProgress, signal, threads = os.availableParallelism() }: BuildOptions,
): Promise<Tasks[Name]["block"][]> {
  let done = 0;
  const report = <T>(block: T): T => {
    onProgress?.(++done / jobs.length);
    return block;
  };
  if (multiplications < WORTH_THREADS) {
    const run = tasks[name] as (job: Tasks[Name]["job"]) => Tasks[Name]["block"];
    return jobs.map((job) => {
      throwIfStopped(signal);
      return report(run(job));
    });
  }
  // Loaded by those who build something.
  const { Piscina } = await import("piscina");
  const pool = new Piscina({
    // By the package's own name, so that sources under test and the built package start the same built worker.
    filename: createRequire(import.meta.url).resolve("llamafuse/alignment-worker"),
    maxThreads: Math.min(threads, jobs.length),
  });
  try {
    return await Promise.all(jobs.map(async (job) => report(await pool.run(job, { name, signal }))));
  } catch (error) {
    throwIfStopped(signal);
    throw error;
  } finally {
    await pool.destroy();
  }
}

function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new LlamafuseError("aborted", "Building the alignment was stopped.", {}, signal.reason);
  }
}
