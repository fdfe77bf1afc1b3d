/**
 * Bits of a model's header flip. Each damaged file either ends in a LlamafuseError at once, or passes; and what passes
 * goes to the real llama.cpp in a child process, which may refuse it but must not die of it.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { generator, writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { LlamafuseError } from "../../src/errors.js";
import { checkModel } from "../../src/llama/check-model.js";
import { loadInChild, type Patch } from "../support/llama-child.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const at = temporaryFolder();
const SINGLE = 2000;
const MULTIPLE = 1000;

describe.each(["spm", "bpe"] as const)("flipped bits in the header of a %s model", (tokenizer) => {
  const [file] = writeTinyModel(at(`${tokenizer}.gguf`), { tokenizer, vocabularySize: 290, dim: 16, heads: 2 });
  const bytes = readFileSync(file!);
  const survivors: Patch[] = [];

  it(`end in a typed error or pass, ${SINGLE + MULTIPLE} times, without time or memory`, async () => {
    const { gguf } = await checkModel(file!);
    const patches = flips(bytes, gguf.dataOffset);
    const descriptor = openSync(file!, "r+");
    const memory = process.memoryUsage().arrayBuffers;
    let slowest = 0;
    let largest = 0;
    for (const patch of patches) {
      for (const [position, value] of patch) writeSync(descriptor, Uint8Array.of(value), 0, 1, position);
      const start = performance.now();
      try {
        await checkModel(file!);
        survivors.push(patch);
      } catch (error) {
        // Any other kind of error fails the test with its own stack.
        if (!(error instanceof LlamafuseError)) throw error;
      }
      slowest = Math.max(slowest, performance.now() - start);
      largest = Math.max(largest, process.memoryUsage().arrayBuffers - memory);
      for (const [position] of patch) writeSync(descriptor, bytes, position, 1, position);
    }
    closeSync(descriptor);
    expect(slowest).toBeLessThan(1000);
    // A check reads a header of some kilobytes; what is collected later adds up to a few megabytes.
    expect(largest).toBeLessThan(256 * 1024 * 1024);
    expect(survivors.length).toBeGreaterThan(100);
  });

  it("do not end llama.cpp's process where they pass", async () => {
    const report = await loadInChild({ file: file!, variants: survivors });
    const death = report.death && { ...report.death, patch: survivors[report.death.variant] };
    expect(death).toBeUndefined();
    expect(report.outcomes).toHaveLength(survivors.length);
    expect(report.outcomes.filter((outcome) => outcome === "ran").length).toBeGreaterThan(50);
  });
});

/** Seeded flips: half of them anywhere in the header, half outside the vocabulary, where each bit means something. */
function flips(bytes: Buffer, headerBytes: number): Patch[] {
  const random = generator(2024);
  const vocabulary = [
    bytes.indexOf("tokenizer.ggml.tokens"),
    bytes.lastIndexOf("tokenizer.ggml.bos_token_id"),
  ] as const;
  const outside = headerBytes - (vocabulary[1] - vocabulary[0]);
  const place = (): number => {
    if (random() < 0.5) return Math.floor(random() * headerBytes);
    const position = Math.floor(random() * outside);
    return position < vocabulary[0] ? position : position + vocabulary[1] - vocabulary[0];
  };
  const patch = (count: number): Patch => {
    const values = new Map<number, number>();
    while (values.size < count) {
      const position = place();
      values.set(position, (values.get(position) ?? bytes[position]!) ^ (1 << Math.floor(random() * 8)));
    }
    return [...values];
  };
  return Array.from({ length: SINGLE + MULTIPLE }, (_, index) => patch(index < SINGLE ? 1 : 2 + (index % 4)));
}
