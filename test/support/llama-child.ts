/** Runs `load-models.ts`: the real llama.cpp in a process of its own, which damaged files may take down. */
import { spawn } from "node:child_process";
import path from "node:path";
import { LOOKING_VARIABLE } from "../../src/llama/last-words.js";

/** Bytes to replace: [position, value]. */
export type Patch = readonly (readonly [number, number])[];

export interface LoadJob {
  /** A file that the child may overwrite. */
  file: string;
  /** Each is applied to the file, the file is used, and the patch is taken back. */
  variants: readonly Patch[];
}

export interface LoadReport {
  /** What became of each variant that was finished: "ran", "refused: …". */
  outcomes: string[];
  /** How the process ended, where it was not by itself, and what it said last. */
  death?: { variant: number; how: string; stderr: string };
}

export function loadInChild(job: LoadJob): Promise<LoadReport> {
  const script = path.join(import.meta.dirname, "load-models.ts");
  const child = spawn(process.execPath, ["--import", "tsx", script], {
    stdio: ["pipe", "pipe", "pipe"],
    // Without it, ggml starts a debugger on every abort to print a backtrace.
    // Whether it fails is asked here, thousands of times, not in which words.
    env: { ...process.env, GGML_NO_BACKTRACE: "1", [LOOKING_VARIABLE]: "1" },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2000);
  });
  // A child that dies early closes its stdin; its exit says so better than the write error would.
  child.stdin.on("error", () => undefined);
  child.stdin.end(JSON.stringify(job));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const lines = stdout.split("\n");
      const unfinished = lines.pop() ?? "";
      const outcomes = lines.map((line) => line.slice(line.indexOf(" ") + 1));
      if (code === 0) resolve({ outcomes });
      else
        resolve({
          outcomes,
          death: { variant: Number.parseInt(unfinished, 10), how: signal ?? `exit ${code}`, stderr },
        });
    });
  });
}
