/** Building an alignment: blocks of rows, one after another in this thread or side by side on a pool. */
import { createRequire } from "node:module";
import os from "node:os";
import { LlamafuseError } from "../errors.js";
import type { Outcome } from "./alignment-worker.js";
import { nearestBlock } from "./minimum-edit.js";
import { relativeBlock } from "./relative-rows.js";
import { mapsBlock, neighbourhoodBlock, placeBlock, similarityBlock } from "./similarity-blocks.js";

/** What a build may be told. */
export interface BuildOptions {
  /** 0 … 1. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
  /** Threads to build on. Default: as many as there are cores. */
  threads?: number;
}

const tasks = { nearestBlock, relativeBlock, mapsBlock, placeBlock, neighbourhoodBlock, similarityBlock };

type Tasks = typeof tasks;
type JobOf<Name extends keyof Tasks> = Parameters<Tasks[Name]>[0];
type BlockOf<Name extends keyof Tasks> = ReturnType<Tasks[Name]>;

/** Below so many multiplications a matrix is made whole, in float64. */
export const IN_ONE_PIECE = 2e6;
/** Below so many, starting threads takes longer than the work. */
const WORTH_THREADS = 1e9;

/**
 * The blocks of these jobs, in their order, which depends on nothing but the jobs; or none, if `take` takes each block
 * as it comes, in any order. `multiplications`: of all jobs. Errors: aborted, and the tasks' own.
 */
export async function runBlocks<Name extends keyof Tasks>(
  name: Name,
  jobs: readonly JobOf<Name>[],
  multiplications: number,
  { onProgress, signal, threads = os.availableParallelism() }: BuildOptions,
  take?: (block: BlockOf<Name>) => void,
): Promise<BlockOf<Name>[]> {
  let done = 0;
  const report = (block: BlockOf<Name>): BlockOf<Name>[] => {
    take?.(block);
    onProgress?.(++done / jobs.length);
    return take === undefined ? [block] : [];
  };
  if (multiplications < WORTH_THREADS) {
    const run = tasks[name] as unknown as (job: JobOf<Name>) => BlockOf<Name>;
    return jobs.flatMap((job) => {
      throwIfStopped(signal);
      return report(run(job));
    });
  }
  // Loaded by those who build something large.
  const { Piscina } = await import("piscina");
  const pool = new Piscina({
    // By the package's own name, so that sources under test and the built package start the same built worker.
    filename: createRequire(import.meta.url).resolve("llamafuse/alignment-worker"),
    maxThreads: Math.min(threads, jobs.length),
    // A loader of the main thread's would read the built worker a second time.
    execArgv: [],
  });
  const running = jobs.map(async (job) => {
    const outcome = (await pool.run(job, { name, signal })) as Outcome<BlockOf<Name>>;
    if ("error" in outcome) throw LlamafuseError.from(outcome.error);
    return report(outcome.block);
  });
  try {
    return (await Promise.all(running)).flat();
  } catch (error) {
    throwIfStopped(signal);
    throw error;
  } finally {
    // The caller frees memory that the threads work on.
    await pool.destroy();
    await Promise.allSettled(running);
  }
}

function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new LlamafuseError("aborted", "Building the alignment was stopped.", {}, signal.reason);
  }
}
