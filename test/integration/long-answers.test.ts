/** A step of a long answer costs what a step of a short one costs, in the thread that fuses, whatever the method. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import {
  createEnsemble,
  type GenerateOptions,
  loadMembers,
  type Members,
  type MethodOptions,
} from "../../src/index.js";
import { copying } from "../support/copied-work.js";

const STEPS = 400;
/** Steps that are compared, at the beginning and at the end. */
const COMPARED = 100;

const METHODS: readonly [MethodOptions, GenerateOptions?][] = [
  [{ name: "unite" }],
  [{ name: "unite" }, { trace: 2, logProbs: true, stop: ["never said"], repetitionPenalty: 1.1, dryMultiplier: 0.5 }],
  [{ name: "unite", feedback: "piece" }],
  [{ name: "gac" }],
  [{ name: "gac", feedback: "text" }],
  [{ name: "product" }],
  [{ name: "core" }],
  [{ name: "me" }],
  [{ name: "packllm" }],
  [{ name: "safe" }],
  [{ name: "bytes" }],
  [{ name: "bytes", beam: 2, canonical: true }],
  [{ name: "abe", beams: 1 }],
  [{ name: "abe", beams: 3 }],
];

describe("a long answer", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "llamafuse-long-"));
  let members: Members;
  beforeAll(async () => {
    const files = (["spm", "bpe"] as const).map((tokenizer) => {
      const shapes = { vocabularySize: 300, dim: 16, heads: 2, contextLength: 4096, tokenizer };
      return writeTinyModel(path.join(folder, `${tokenizer}.gguf`), shapes)[0];
    });
    members = await loadMembers({
      members: files.map((model) => ({ model, contextSize: 4096, threads: 1 })),
      schedule: "in-turn",
      gpu: false,
    });
  });
  afterAll(async () => {
    await members.dispose();
    rmSync(folder, { recursive: true });
  });

  it.each(METHODS)("of %j %j copies as much at its end as at its beginning", async (method, options) => {
    const ensemble = await createEnsemble({ members, method });
    const works: number[] = [];
    let bytes = 0;
    await copying(async (count) => {
      let before = count();
      for await (const { text } of ensemble.stream("one two", { maxTokens: STEPS, ...options })) {
        works.push(count() - before);
        before = count();
        bytes += Buffer.byteLength(text);
      }
    });
    const [early, late] = [works.slice(10, 10 + COMPARED), works.slice(-COMPARED)].map(median);
    expect(bytes).toBeGreaterThan(COMPARED);
    expect(late - early).toBeLessThan(64);
  });
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
