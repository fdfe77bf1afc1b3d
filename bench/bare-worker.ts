/**
 * Bare decoding: llama.cpp in the same kind of worker thread as a member's, without feedback, preparation or fusion.
 * What it takes to decode given tokens is the bound that a fused generation cannot beat.
 */
import { parentPort, workerData } from "node:worker_threads";
import { LlamaContext } from "../src/llama/context.js";
import type { LibraryFiles } from "../src/llama/find-library.js";
import { bindLoadedLlama } from "../src/llama/library.js";
import { LlamaModel } from "../src/llama/model.js";

export interface BareStart {
  library: LibraryFiles;
  file: string;
  contextSize: number;
  /** One word: the number of runs that were let go. */
  gate: SharedArrayBuffer;
}

/** One decode: roll back to `from`, then these tokens in one batch. */
export interface BareStep {
  from: number;
  tokens: number[];
}

export interface BareJob {
  threads: number;
  prompt: number[];
  steps: BareStep[];
  /** Wait, with the prompt decoded, until the gate shows this number. */
  run: number;
}

/** "ready" once the prompt is decoded, then the milliseconds of the steps. */
export type BareReply = "loaded" | "ready" | number;

const port = parentPort!;
const start = workerData as BareStart;
const gate = new Int32Array(start.gate);
const model = LlamaModel.load(bindLoadedLlama(start.library), start.file);
const context = new LlamaContext(model, { contextSize: start.contextSize });
const reply = (message: BareReply) => port.postMessage(message);

port.on("message", (job: BareJob) => {
  context.setThreads(job.threads);
  context.clear();
  context.decode(Int32Array.from(job.prompt), 0);
  context.logits();
  const steps = job.steps.map(({ from, tokens }) => ({ from, tokens: Int32Array.from(tokens) }));
  let length = job.prompt.length;
  reply("ready");
  for (let seen = 0; (seen = Atomics.load(gate, 0)) < job.run; ) Atomics.wait(gate, 0, seen);
  const started = performance.now();
  for (const { from, tokens } of steps) {
    if (from < length) context.rollback(from);
    context.decode(tokens, from);
    context.logits();
    length = from + tokens.length;
  }
  reply(performance.now() - started);
});
reply("loaded");
