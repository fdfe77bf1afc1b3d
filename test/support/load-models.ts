/**
 * A child process that gives damaged files to the real llama.cpp: `node --import tsx load-models.ts` with a LoadJob as
 * JSON on stdin. Each variant's number is written before native code sees it and its outcome after, so when llama.cpp
 * takes the process down, the last line names the variant.
 */
import { openSync, readFileSync, readSync, writeSync } from "node:fs";
import { LlamafuseError } from "../../src/errors.js";
import { LlamaContext } from "../../src/llama/context.js";
import { loadLlama } from "../../src/llama/library.js";
import { LlamaModel } from "../../src/llama/model.js";
import type { LoadJob } from "./llama-child.js";

/** Spaces, a line break, letters outside ASCII, an emoji, a special token's text, and bytes that are not UTF-8. */
const TEXT = Buffer.concat([Buffer.from("Once upon a time,\n\ta café \u{1f600} <s>"), Buffer.of(0, 0xff, 0xe2, 0x96)]);

const { file, variants } = JSON.parse(readFileSync(0, "utf8")) as LoadJob;
const llama = loadLlama({ gpu: false, logs: "silent" });
const descriptor = openSync(file, "r+");

variants.forEach((patch, index) => {
  writeSync(1, `${index} `);
  const before = patch.map(([position]) => swap(position, undefined));
  for (const [position, value] of patch) swap(position, value);
  writeSync(1, `${use()}\n`);
  patch.forEach(([position], at) => {
    swap(position, before[at]);
  });
});

/** Write a byte of the file, or only read it. */
function swap(position: number, value: number | undefined): number {
  const byte = new Uint8Array(1);
  if (value === undefined) readSync(descriptor, byte, 0, 1, position);
  else writeSync(descriptor, Uint8Array.of(value), 0, 1, position);
  return byte[0]!;
}

/** Do with the file what a member does: load, read every token, tokenise, decode a prompt and a step, read logits. */
function use(): string {
  let model: LlamaModel | undefined;
  let context: LlamaContext | undefined;
  try {
    model = LlamaModel.load(llama, file);
    const bare = model.tokenizer.encode(TEXT, { parseSpecial: false, addBos: false });
    const tokens = model.tokenizer.encode(TEXT, { parseSpecial: true, addBos: true });
    context = new LlamaContext(model, { contextSize: 128, batchSize: 128, threads: 1 });
    context.decode(tokens, 0);
    context.rollback(tokens.length - 1);
    context.decode(bare.slice(0, 2), tokens.length - 1);
    return Number.isFinite(context.logits()[0]) ? "ran" : "ran, logits not finite";
  } catch (error) {
    if (error instanceof LlamafuseError) return `refused: ${error.code}`;
    throw error;
  } finally {
    context?.free();
    model?.free();
  }
}
