/**
 * What may grow without anybody asking for it: mappings and memory over loads, over requests, and over one long answer.
 * Runs the built library.
 *
 * By hand: `npx tsx test/hardening/long-runs.ts --cycles 200 --requests 50000 --tokens 20000 --given 20000`
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import type { Ensemble } from "../../src/ensemble/ensemble.js";
import { saveResult } from "./results.js";

type Library = typeof import("../../src/index.js");
const library = (await import(path.resolve("dist/index.js"))) as Library;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What the process holds. */
interface Held {
  /** Lines of /proc/self/maps; undefined where there is none. */
  mappings?: number;
  residentMiB: number;
  heapMiB: number;
}

/** `collects`: whether garbage is collected before. Without, what V8 does not see as garbage piles up. */
async function held(collects = true): Promise<Held> {
  for (let round = 0; round < (collects ? 2 : 0); round++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { mappings: mappings(), residentMiB: tenths(rss / 2 ** 20), heapMiB: tenths(heapUsed / 2 ** 20) };
}

function mappings(): number | undefined {
  try {
    return readFileSync("/proc/self/maps", "utf8").split("\n").length - 1;
  } catch {
    return undefined;
  }
}

const tenths = (value: number) => Math.round(10 * value) / 10;

/** Measure after each of `marks`; they count from 1. */
async function watched(
  marks: readonly number[],
  act: () => Promise<unknown>,
  collects = true,
): Promise<Record<string, Held>> {
  const seen: Record<string, Held> = {};
  for (let count = 1; count <= marks.at(-1)!; count++) {
    await act();
    if (marks.includes(count)) seen[count] = await held(collects);
  }
  return seen;
}

/** The first tenth is for caches to fill. */
const marksOf = (count: number) => [0.1, 0.25, 0.5, 0.75, 1].map((share) => Math.max(1, Math.round(share * count)));

const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-long-"));
const shapes = { vocabularySize: 512, dim: 32, heads: 2, contextLength: 32_768 };
const [spm] = writeTinyModel(path.join(folder, "spm.gguf"), { ...shapes, tokenizer: "spm" });
const [bpe] = writeTinyModel(path.join(folder, "bpe.gguf"), { ...shapes, tokenizer: "bpe" });

const load = (contextSize: number, more = {}) =>
  library.createEnsemble({
    members: [spm, bpe].map((model) => ({ model, contextSize, threads: 1, ...more })),
    method: "unite",
    schedule: "in-turn",
    gpu: false,
  });

async function loadCycles(count: number, collects: boolean) {
  const act = async () => {
    const ensemble = await load(128);
    await ensemble.generate("one two", { maxTokens: 2 });
    await ensemble.dispose();
  };
  return await watched(marksOf(count), act, collects);
}

async function shortRequests(count: number, collects: boolean) {
  const ensemble = await load(128);
  const found = await watched(marksOf(count), () => ensemble.generate("one two", { maxTokens: 1 }), collects);
  await ensemble.dispose();
  return found;
}

interface Stretch extends Held {
  steps: number;
  /** Medians of this stretch's steps. */
  decodeMs: number;
  overheadMs: number;
}

/** One answer, in ten stretches. */
async function longAnswer(tokens: number): Promise<Stretch[]> {
  const ensemble: Ensemble = await load(32_768);
  const stretches: Stretch[] = [];
  const length = Math.ceil(tokens / 10);
  let decode: number[] = [];
  let overhead: number[] = [];
  let steps = 0;
  let last = performance.now();
  // The likeliest tokens go round in circles for ever; a drawn end would come some day.
  const options = { maxTokens: tokens, temperature: 0, trace: 1 } as const;
  for await (const { step } of ensemble.stream("one two", options)) {
    if (step === undefined) continue;
    const wall = performance.now() - last;
    decode.push(step.ms.decode);
    overhead.push(wall - step.ms.decode);
    if (++steps % length === 0) {
      stretches.push({ steps, decodeMs: median(decode), overheadMs: median(overhead), ...(await held()) });
      decode = [];
      overhead = [];
    }
    last = performance.now();
  }
  await ensemble.dispose();
  return stretches;
}

const TEXTS = {
  word: "internationalisation",
  base64: "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZ2dh+xzQ/9kw",
  chinese: "今天天气很好我们去公园散步路上遇到了几个老朋友",
  marks: "=",
};
const BYTES_A_STEP = 1;

/** One member is told an answer that has no place to cut it, a byte a step. */
async function givenAnswer(text: string, tokens: number): Promise<Omit<Stretch, "overheadMs">[]> {
  const ensemble: Ensemble = await load(32_768);
  const [, member] = ensemble.members;
  const bytes = Buffer.from(text.repeat(Math.ceil((tokens * BYTES_A_STEP) / Buffer.byteLength(text))));
  await member.prepare({ top: 10 });
  await member.begin({ text: Buffer.from("x"), parseSpecial: false, addBos: true });
  const stretches: (Omit<Stretch, "overheadMs"> & { prepareMs: number })[] = [];
  const length = Math.ceil(tokens / 10);
  let decode: number[] = [];
  let prepare: number[] = [];
  for (let step = 1; step <= tokens; step++) {
    member.append({ kind: "text", bytes: bytes.subarray((step - 1) * BYTES_A_STEP, step * BYTES_A_STEP) });
    await member.advance();
    decode.push(member.output.decodeMs);
    prepare.push(member.output.prepareMs);
    if (step % length > 0) continue;
    stretches.push({ steps: step, decodeMs: median(decode), prepareMs: median(prepare), ...(await held()) });
    decode = [];
    prepare = [];
  }
  await ensemble.dispose();
  return stretches;
}

function median(values: number[]): number {
  return Number(values.sort((a, b) => a - b)[values.length >> 1]!.toFixed(4));
}

const { values } = parseArgs({
  options: {
    cycles: { type: "string" },
    requests: { type: "string" },
    tokens: { type: "string" },
    /** Steps of answers without a place to cut them. */
    given: { type: "string" },
    /** Collect garbage before memory is measured. */
    collect: { type: "boolean", default: false },
    /** Add the figures to bench/results/soak.json. */
    save: { type: "boolean", default: false },
  },
});
try {
  const { cycles, requests, tokens, given, collect: collects } = values;
  const report: Record<string, unknown> = {
    ...(cycles && { loadCycles: await loadCycles(Number(cycles), collects) }),
    ...(requests && { shortRequests: await shortRequests(Number(requests), collects) }),
    ...(tokens && { longAnswer: await longAnswer(Number(tokens)) }),
  };
  if (given) {
    const found: Record<string, unknown> = (report.givenAnswers = {});
    for (const [name, text] of Object.entries(TEXTS)) found[name] = await givenAnswer(text, Number(given));
  }
  console.log(JSON.stringify(report, null, 2));
  if (values.save)
    saveResult("longRuns", `npx tsx test/hardening/long-runs.ts ${process.argv.slice(2).join(" ")}`, report);
} finally {
  rmSync(folder, { recursive: true });
}
