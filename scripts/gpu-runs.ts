/**
 * `npx tsx scripts/gpu-runs.ts [--runs 40] [--at-once 2] [--gpu vulkan] [--json FILE]`: whole processes on a GPU library, of five kinds
 * in turn, and how each ended. Before loads took turns, most of those with several members ended by SIGSEGV. Without a
 * graphics card, Debian's software driver will do: see docs/gpu.md. Needs a build (`npm run build`).
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { writeWholeSync } from "../src/files.js";
import { softwareDevice } from "./lib/software-vulkan.js";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "40" },
    gpu: { type: "string", default: "vulkan" },
    json: { type: "string", default: path.join("bench", "results", "gpu.json") },
    /** Processes side by side. */
    "at-once": { type: "string", default: "2" },
    seconds: { type: "string", default: "600" },
  },
});

/** Each kind's runs use its lists of arguments in turn. */
const KINDS: Record<string, string[][]> = {
  "raven alone": [["-m", "raven"]],
  "three experts, in turn and parallel": [
    ["--schedule", "in-turn"],
    ["--schedule", "parallel"],
  ],
  "robin + wren, in turn": [["-m", "robin", "-m", "wren", "--schedule", "in-turn"]],
  "raven + sparrow": [["-m", "raven", "-m", "sparrow"]],
  "contrast on raven + sparrow": [["-m", "raven", "-m", "sparrow", "--method", "contrast"]],
};
const CLI = path.join(import.meta.dirname, "..", "dist", "cli.js");

interface Row {
  kind: string;
  runs: number;
  endedWell: number;
  /** How the others ended, and how often. */
  failures: Record<string, number>;
  /** Whether all runs with the same arguments gave the same text. */
  sameText: boolean;
}

function run(args: readonly string[]): Promise<{ how: string; text: string }> {
  const all = [CLI, "generate", "--gpu", values.gpu, "--max-tokens", "4", "--temperature", "0", ...args, "Once upon a"];
  const child = spawn(process.execPath, all, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, ...softwareDevice },
    timeout: 1000 * Number(values.seconds),
    killSignal: "SIGKILL",
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return new Promise((resolve) =>
    child.on("close", (code, signal) => resolve({ how: signal ?? `exit ${code}`, text })),
  );
}

const rows: Row[] = Object.keys(KINDS).map((kind) => ({
  kind,
  runs: 0,
  endedWell: 0,
  failures: {},
  sameText: true,
}));
const texts = new Map<string, string>();
mkdirSync(path.dirname(values.json), { recursive: true });
const jobs = Array.from({ length: Number(values.runs) }, (_, round) => rows.map((row) => ({ round, row }))).flat();
const lanes = Array.from({ length: Number(values["at-once"]) }, async () => {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    await count(job.row, job.round);
    write();
  }
});
await Promise.all(lanes);

async function count(row: Row, round: number): Promise<void> {
  const variants = KINDS[row.kind]!;
  const args = variants[round % variants.length]!;
  const { how, text } = await run(args);
  row.runs++;
  if (how === "exit 0") {
    row.endedWell++;
    const key = args.join(" ");
    row.sameText &&= (texts.get(key) ?? text) === text;
    texts.set(key, text);
  } else row.failures[how] = (row.failures[how] ?? 0) + 1;
  process.stderr.write(`${round + 1}/${values.runs} ${row.kind}: ${how}\n`);
}

function write(): void {
  const report = {
    name: "gpu",
    about: "Processes on a GPU library, by kind, and how many ended well.",
    command: `npx tsx scripts/gpu-runs.ts --runs ${values.runs} --gpu ${values.gpu}`,
    machine: { cpu: os.cpus()[0]?.model, cores: os.availableParallelism(), node: process.version },
    visibleDevices: softwareDevice.GGML_VK_VISIBLE_DEVICES,
    date: new Date().toISOString().slice(0, 10),
    rows,
  };
  writeWholeSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

process.stdout.write(`${rows.map((row) => `${row.endedWell}/${row.runs}  ${row.kind}`).join("\n")}\n`);
process.exitCode = rows.every((row) => row.endedWell === row.runs) ? 0 : 1;
