/** `bench recurrent`: what it costs a recurrent model to take tokens back, by checkpoints and by reading the text again. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  RECURRENT_ARCHITECTURES,
  type TinyRecurrentOptions,
  writeTinyRecurrent,
} from "../scripts/lib/tiny-recurrent.js";
import { LlamaContext } from "../src/llama/context.js";
import { loadLlama } from "../src/llama/library.js";
import { LlamaModel } from "../src/llama/model.js";
import { READ_AT_ONCE, TokenCache } from "../src/member/llama/token-cache.js";
import { RandomGenerator } from "../src/random.js";
import { machineFacts } from "./machine.js";
import type { BenchOptions, BenchReport, Cell, Column } from "./report.js";
import { spreadOf } from "./statistics.js";

const ROUNDS = 3;
const STEPS = 6;
/** Tokens of the prompt. */
const PROMPT = 256;
/** A step takes back so many tokens at most, and says one more than it takes back. */
const BACK = 3;
const SHAPE: Omit<TinyRecurrentOptions, "architecture"> = {
  dim: 256,
  layers: 9,
  state: 64,
  vocabularySize: 8192,
  contextLength: 1024,
  weights: "Q8_0",
};

const COLUMNS: Column[] = [
  { key: "model", title: "architecture" },
  { key: "megabytes", title: "weights, MB" },
  { key: "checkpoint", title: "a checkpoint, MB" },
  { key: "again", title: "reading again, ms a step" },
  { key: "back", title: "by checkpoints, ms a step" },
  { key: "ratio", title: "again / checkpoints" },
  { key: "mark", title: "a plain step with / without a checkpoint" },
];

export async function benchRecurrent(options: BenchOptions): Promise<Omit<BenchReport, "command">> {
  const rounds = options.rounds ?? ROUNDS;
  const folder = mkdtempSync(path.join(os.tmpdir(), "llamafuse-recurrent-"));
  const rows: Record<string, Cell>[] = [];
  try {
    for (const architecture of RECURRENT_ARCHITECTURES) {
      options.onProgress?.(architecture);
      const file = writeTinyRecurrent(path.join(folder, `${architecture}.gguf`), { ...SHAPE, architecture });
      rows.push(measure(architecture, file, rounds));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return {
    name: "recurrent",
    about: [
      `models of random weights; a prompt of ${PROMPT} tokens, then ${STEPS} steps that take back 0 to ${BACK} tokens and say one more`,
      "than that, as feedback by text does. The three ways in turn, one thread. Medians with quartiles.",
    ],
    machine: machineFacts(),
    settings: { rounds, ...SHAPE },
    tables: [{ title: "taking tokens back in a recurrent model", columns: COLUMNS, rows }],
    notes: [],
  };
}

function measure(model: string, file: string, rounds: number): Record<string, Cell> {
  const loaded = LlamaModel.load(loadLlama({ gpu: false }), file);
  const context = new LlamaContext(loaded, { contextSize: 1024, outputs: READ_AT_ONCE });
  try {
    const cache = new TokenCache(context, () => true);
    const checkpoint = cache.measureCheckpoint() ?? 0;
    const times: Record<"again" | "back" | "plain" | "marked", number[]> = {
      again: [],
      back: [],
      plain: [],
      marked: [],
    };
    for (let round = 0; round < rounds; round++) {
      times.again.push(msPerStep(cache, round, BACK, { again: true }));
      times.back.push(msPerStep(cache, round, BACK, { mark: true }));
      times.plain.push(msPerStep(cache, round, 0, {}));
      times.marked.push(msPerStep(cache, round, 0, { mark: true }));
    }
    return {
      model,
      megabytes: loaded.bytes / 1e6,
      checkpoint: checkpoint / 1e6,
      again: spreadOf(times.again),
      back: spreadOf(times.back),
      ratio: spreadOf(times.again.map((ms, round) => ms / times.back[round])),
      mark: spreadOf(times.marked.map((ms, round) => ms / times.plain[round])),
    };
  } finally {
    context.free();
    loaded.free();
  }
}

function msPerStep(cache: TokenCache, seed: number, back: number, { again = false, mark = false }): number {
  const random = new RandomGenerator(seed);
  const token = () => 300 + Math.floor(random.next() * 7000);
  let tokens = Int32Array.from({ length: PROMPT }, token);
  cache.clear();
  cache.hold(tokens);
  if (mark) cache.mark({ stays: true });
  const started = performance.now();
  for (let step = 0; step < STEPS; step++) {
    const taken = Math.min(Math.floor(random.next() * (back + 1)), tokens.length - PROMPT);
    const said = Array.from({ length: taken + 1 }, token);
    tokens = Int32Array.of(...tokens.subarray(0, tokens.length - taken), ...said);
    // As it was done before there were checkpoints: only what takes tokens back reads the text again.
    if (again && taken > 0) cache.clear();
    cache.hold(tokens);
    if (mark) cache.mark();
  }
  return (performance.now() - started) / STEPS;
}
