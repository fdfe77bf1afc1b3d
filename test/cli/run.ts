/** Starts the built command line as a shell would. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "../..");
export const CLI = path.join(ROOT, "dist/cli.js");

const native = ["robin", "wren"].map((name) => path.join(ROOT, "native-models", `${name}.gguf`));
/** Two models with different vocabularies; undefined where the native models are not there. */
export const models = native.every((file) => existsSync(file)) ? native : undefined;
if (models === undefined) console.warn("skipped: the tests that generate need native-models/*.gguf");

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What stdin holds; without it, stdin is at its end. */
  input?: string | Uint8Array;
  env?: Record<string, string | undefined>;
  onStart?: (child: ChildProcess) => void;
  /** Called with the first output on stdout. */
  onOutput?: (child: ChildProcess) => void;
}

/** Nothing here takes longer on a slow machine; a command that does hangs. */
const TIMEOUT_MS = 50_000;

export function run(args: readonly string[], { input = "", env, onStart, onOutput }: RunOptions = {}): Promise<Ended> {
  const inherited = { ...process.env };
  for (const name of ["NO_COLOR", "FORCE_COLOR", "CI"]) delete inherited[name];
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: ROOT,
    env: { ...inherited, ...env },
    timeout: TIMEOUT_MS,
  });
  onStart?.(child);
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout.on("data", (chunk: Buffer) => {
    if (chunks.stdout.push(chunk) === 1) onOutput?.(child);
  });
  child.stderr.on("data", (chunk: Buffer) => chunks.stderr.push(chunk));
  // A command that fails before it reads closes its stdin.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const text = (name: keyof typeof chunks) => Buffer.concat(chunks[name]).toString("utf8");
      resolve({ code, signal, stdout: text("stdout"), stderr: text("stderr") });
    });
  });
}

/** An answer that goes on for thousands of steps: almost any token may follow, and seldom the end. */
export const ENDLESS = [
  "generate",
  "--method",
  "gac",
  "-t",
  "5",
  "-s",
  "7",
  "-n",
  "8000",
  "--context-size",
  "8192",
  "Once",
];

/** What is told of it on stderr, and nothing else. */
export const ENDLESS_SAYS =
  "llamafuse: Contexts longer than trained for: robin (8192, trained for 512), wren (8192, trained for 512), " +
  "finch (8192, trained for 512). Answers get worse beyond that length.\n" +
  "llamafuse: Temperature 5 makes nearly random text. -t is --temperature; CPU threads are --threads.\n";
