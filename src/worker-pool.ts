/** Pools of the package's own worker threads, on piscina. */
import type { Piscina } from "piscina";
import { WORKER_OPTIONS, type WorkerName, workerFile } from "./package-files.js";

/** What piscina says of a reply to a task that was cancelled after its thread had answered. */
const LATE_REPLY = /^Unexpected message from Worker/;

/** A pool of threads that run this file. Piscina is loaded by those who compute something large. Destroy the pool. */
export async function makeWorkerPool(
  name: WorkerName,
  options: { minThreads?: number; maxThreads: number; workerData?: unknown },
): Promise<Piscina> {
  const { Piscina } = await import("piscina");
  const pool = new Piscina({ ...WORKER_OPTIONS, ...options, filename: workerFile(name) });
  pool.on("error", (error: Error) => {
    if (!LATE_REPLY.test(error.message)) throw error;
  });
  return pool;
}
