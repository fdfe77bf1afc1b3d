/** Building an alignment: blocks of rows, one after another in this thread or side by side on a pool. */
import os from "node:os";
import { LlamafuseError } from "../../../errors.js";
import { makeWorkerPool } from "../../../worker-pool.js";
import { nearestBlock } from "../mined/minimum-edit.js";
import { candidatesBlock, neighbourhoodBlock, placeBlock, similarityBlock } from "../similarity/blocks.js";
import { crossBlock, directionsBlock, mapsBlock } from "../similarity/dictionary-blocks.js";
import { relativeBlock } from "./relative-rows.js";
import type { BlockReply } from "./worker.js";

/** What a build may be told. */
export interface BuildOptions {
  /** 0 … 1. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
  /** Threads to build on. Default: as many as there are cores. */
  threads?: number;
}

const tasks = {
  nearestBlock,
  relativeBlock,
  candidatesBlock,
  crossBlock,
  directionsBlock,
  mapsBlock,
  placeBlock,
  neighbourhoodBlock,
  similarityBlock,
};

type Tasks = typeof tasks;
type JobOf<Name extends keyof Tasks> = Parameters<Tasks[Name]>[0];
type BlockOf<Name extends keyof Tasks> = ReturnType<Tasks[Name]>;

/** Below so many multiplications a matrix is made whole, in float64. */
export const IN_ONE_PIECE = 2e6;
/** Begun at a time for each thread: enough that none waits for work while another one's job takes longer. */
const JOBS_A_THREAD = 3;
/** Below so many, starting threads takes longer than the work. */
const WORTH_THREADS = 1e9;

/** Jobs in an order; each is asked for when its turn comes. */
interface Jobs<Job> {
  length: number;
  at(index: number): Job | undefined;
}

/**
 * Run these jobs and hand their blocks to `take`, in the jobs' order, so that what comes of it depends on nothing but the
 * jobs. Few blocks are there at a time, however many jobs there are. `multiplications`: of all jobs. Errors: aborted, and
 * the tasks' own.
 */
export async function eachBlock<Name extends keyof Tasks>(
  name: Name,
  jobs: Jobs<JobOf<Name>>,
  multiplications: number,
  { onProgress, signal, threads = os.availableParallelism() }: BuildOptions,
  take: (block: BlockOf<Name>) => void,
): Promise<void> {
  let done = 0;
  const report = () => onProgress?.(++done / jobs.length);
  if (multiplications < WORTH_THREADS) {
    const run = tasks[name] as unknown as (job: JobOf<Name>) => BlockOf<Name>;
    for (let index = 0; index < jobs.length; index++) {
      throwIfStopped(signal);
      take(run(jobs.at(index)!));
      report();
    }
    return;
  }
  const pool = await makeWorkerPool("alignment-worker", { maxThreads: Math.min(threads, jobs.length) });
  const run = async (job: JobOf<Name>) => {
    const outcome = (await pool.run(job, { name })) as BlockReply<BlockOf<Name>>;
    if ("error" in outcome) throw LlamafuseError.from(outcome.error);
    return outcome.block;
  };
  /** Begun, in their order. */
  const running: Promise<BlockOf<Name>>[] = [];
  try {
    for (let index = 0; index < jobs.length || running.length > 0; ) {
      while (index < jobs.length && running.length < JOBS_A_THREAD * threads) {
        const begun = run(jobs.at(index++)!);
        // An error is thrown when its turn comes.
        begun.catch(() => {});
        running.push(begun);
      }
      take(await running[0]);
      throwIfStopped(signal);
      running.shift();
      report();
    }
  } catch (error) {
    throwIfStopped(signal);
    throw error;
  } finally {
    // The caller frees memory that the threads work on; a thread that is ended inside a native call ends the process.
    await pool.close({ force: true });
    await Promise.allSettled(running);
  }
}

/** The blocks of these jobs, in their order. See eachBlock. */
export async function runBlocks<Name extends keyof Tasks>(
  name: Name,
  jobs: Jobs<JobOf<Name>>,
  multiplications: number,
  options: BuildOptions,
): Promise<BlockOf<Name>[]> {
  const blocks: BlockOf<Name>[] = [];
  await eachBlock(name, jobs, multiplications, options, (block) => blocks.push(block));
  return blocks;
}

function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new LlamafuseError("aborted", "Building the alignment was stopped.", {}, signal.reason);
  }
}
