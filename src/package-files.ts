/**
 * Files of this package, found by its own name: sources under test, the built package and a bundle that took it in all
 * find the same ones.
 */
import type { ForkOptions } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import type { WorkerOptions } from "node:worker_threads";
import { LlamafuseError } from "./errors.js";

/** The built files that run as threads, or as processes. */
export type WorkerName = "member-worker" | "member-process" | "alignment-worker" | "router-worker" | "format-worker";

/**
 * Threads take none of the process's own flags: a loader (`--import`, `-r`) would read the built worker a second time, and
 * `--input-type` does not go with a file.
 */
export const WORKER_OPTIONS = { execArgv: [] as string[] } satisfies WorkerOptions;

/** The built files that run as processes. */
export type ProcessName = "load-words";
/** The same for a process that talks with this one: its stderr is read, and an abort in native code calls no debugger. */
export function processOptions() {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return {
    execArgv: [],
    env: { ...env, GGML_NO_BACKTRACE: "1" },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    windowsHide: true,
  } satisfies ForkOptions & { windowsHide: boolean };
}

/** Absolute path of a worker's file. Error: as packageFolder. */
export function workerFile(name: WorkerName): string {
  return builtFile(name);
}

/** The same of a process's file. */
export function processFile(name: ProcessName): string {
  return builtFile(name);
}

function builtFile(name: string): string {
  return path.join(packageFolder(), "dist", `${name}.js`);
}

/** Absolute path of the package's folder. Error: library where this code was bundled and the package is not installed. */
export function packageFolder(): string {
  try {
    return path.dirname(createRequire(import.meta.url).resolve("llamafuse/package.json"));
  } catch (cause) {
    throw new LlamafuseError(
      "library",
      `Cannot find the package llamafuse from ${import.meta.url ?? "this bundle"}. If you bundle your program, mark llamafuse as external and install it where the bundle runs.`,
      { found: null, allowed: "llamafuse" },
      cause,
    );
  }
}
