/**
 * Damaged model files fused with a sound member, in the built library: the process lives, nothing hangs, every error is
 * one of ours, and memory stays within a limit.
 *
 * By hand, in as many pieces as one likes: `npx tsx test/hardening/fuzz-gguf.ts --count 1000 --seed 1 --start 3000`. The
 * figures of all pieces are summed in bench/results/soak.json.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { field } from "../../scripts/lib/gguf-writer.js";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { LOOKING_VARIABLE } from "../../src/llama/last-words.js";
import { mutate } from "./mutate-gguf.js";
import { addToResults, pieceOptions } from "./results.js";

export interface FuzzReport {
  seed: number;
  files: number;
  kinds: Record<string, number>;
  /** How many ended how: "answered: length", "refused: invalid-model", … */
  outcomes: Record<string, number>;
  deaths: string[];
  hangs: string[];
  rawErrors: string[];
  /** What llama.cpp failed at, where no check had refused the file. */
  failures: string[];
  /** Above what the process held before the first file. */
  largestMiB: number;
  slowestMs: number;
  seconds: number;
}

const METHODS = ["unite", "gac", "product", "safe", "abe", "packllm"];
/** Work on one file that counts as a hang. A busy machine may take many times as long for it. */
const HANG_MS = 60_000;
const MOST_WAIT_MS = 15 * HANG_MS;

/** A run that is told to end says what it has found so far. */
let isStopped = false;

export async function fuzzGguf({
  count,
  seed,
  start = 0,
}: {
  count: number;
  seed: number;
  start?: number;
}): Promise<FuzzReport> {
  const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-fuzz-"));
  const report: FuzzReport = {
    seed,
    files: 0,
    kinds: {},
    outcomes: {},
    deaths: [],
    hangs: [],
    rawErrors: [],
    failures: [],
    largestMiB: 0,
    slowestMs: 0,
    seconds: 0,
  };
  const began = performance.now();
  const files = baseFiles(folder);
  const sound = path.join(folder, "base-0.gguf");
  const file = path.join(folder, "mutant.gguf");
  let child = new Child(sound);
  try {
    for (let index = start; index < start + count && !isStopped; index++) {
      const { kind, bytes } = mutate(files, seed, index);
      writeFileSync(file, bytes);
      report.files++;
      report.kinds[kind] = (report.kinds[kind] ?? 0) + 1;
      const method = METHODS[Math.floor(index / 16) % METHODS.length];
      const chat = kind === "template" || index % 3 === 0;
      const end = await child.ask({ index, file, method, chat });
      const name = `${index} (${kind}, ${method})`;
      if (end.outcome === "refused: member-failed") report.failures.push(`${name}: ${end.said}`);
      if (end.outcome.startsWith("RAW")) report.rawErrors.push(`${name}: ${end.outcome}`);
      if (end.died !== undefined) (end.died === "hang" ? report.hangs : report.deaths).push(`${name}: ${end.died}`);
      const outcome = end.outcome.startsWith("RAW") ? "raw error" : end.outcome;
      report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
      report.largestMiB = Math.max(report.largestMiB, Math.round(end.growth / 2 ** 20));
      report.slowestMs = Math.max(report.slowestMs, end.ms);
      if (end.died !== undefined) child = new Child(sound);
      if ((index + 1) % 500 === 0) process.stderr.write(`${index + 1}: ${JSON.stringify(report.outcomes)}\n`);
    }
  } finally {
    child.end();
    rmSync(folder, { recursive: true });
  }
  report.seconds = Math.round((performance.now() - began) / 1000);
  return report;
}

function baseFiles(folder: string): Buffer[] {
  const template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}";
  const metadata = { "tokenizer.chat_template": field.string(template) };
  const shapes = { vocabularySize: 290, dim: 16, heads: 2, contextLength: 128, metadata };
  return (["spm", "bpe"] as const).map((tokenizer, index) => {
    const [file] = writeTinyModel(path.join(folder, `base-${index}.gguf`), { ...shapes, tokenizer });
    return readFileSync(file);
  });
}

interface End {
  outcome: string;
  /** The error's message. */
  said?: string;
  ms: number;
  /** Bytes held above those before the first file. */
  growth: number;
  died?: string;
}

/** The process that uses the files. It is started anew where one has ended it. */
class Child {
  readonly #process: ChildProcess;
  #baseline = 0;
  #settle: (end: End) => void = () => {};
  #complaint = "";

  constructor(sound: string) {
    const script = path.join(import.meta.dirname, "fuzz-child.mjs");
    this.#process = spawn(process.execPath, [script, path.resolve("dist/index.js"), sound], {
      env: { ...process.env, GGML_NO_BACKTRACE: "1", [LOOKING_VARIABLE]: "1" },
    });
    createInterface({ input: this.#process.stdout! }).on("line", (line) => this.#hear(line));
    this.#process.stderr!.on("data", (chunk: Buffer) => {
      this.#complaint = (this.#complaint + chunk.toString()).slice(-500);
    });
    this.#process.stdin!.on("error", () => {});
    this.#process.on("close", (code, signal) => {
      const died = `${signal ?? `exit ${code}`} ${this.#complaint}`.trim();
      this.#settle({ outcome: "died", ms: 0, growth: 0, died });
    });
  }

  ask(job: object): Promise<End> {
    return new Promise((resolve) => {
      const asked = performance.now();
      const worked = this.#workedMs();
      const timer = setInterval(() => {
        const waited = performance.now() - asked;
        if (this.#workedMs(waited) - worked < HANG_MS && waited < MOST_WAIT_MS) return;
        this.#settle({ outcome: "hung", ms: waited, growth: 0, died: "hang" });
        this.#settle = () => {};
        this.#process.kill("SIGKILL");
      }, 1000);
      this.#settle = (end) => {
        clearInterval(timer);
        resolve(end);
      };
      this.#process.stdin!.write(`${JSON.stringify(job)}\n`);
    });
  }

  /** Processor time of the process so far; `elsewhere` where the system does not tell it. */
  #workedMs(elsewhere = 0): number {
    try {
      const [user, system] = readFileSync(`/proc/${this.#process.pid}/stat`, "utf8")
        .split(") ")[1]
        .split(" ")
        .slice(11, 13);
      return 10 * (Number(user) + Number(system));
    } catch {
      return elsewhere;
    }
  }

  end(): void {
    this.#settle = () => {};
    this.#process.stdin!.end();
  }

  #hear(line: string): void {
    const { end, rss, ...told } = JSON.parse(line) as { end?: number; rss: number } & Omit<End, "growth" | "died">;
    if (end === undefined) return;
    this.#baseline ||= rss;
    this.#settle({ ...told, growth: rss - this.#baseline });
  }
}

if (process.argv[1] === import.meta.filename) {
  process.once("SIGTERM", () => {
    isStopped = true;
  });
  const { count, seed, start } = pieceOptions(200);
  addToResults("ggufFuzz", "npx tsx test/hardening/fuzz-gguf.ts", await fuzzGguf({ count, seed, start }));
}
