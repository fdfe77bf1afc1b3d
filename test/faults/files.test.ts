/** Whatever is named as a model ends in one error that names it, or passes; never in anything else. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ggufBytes } from "../../scripts/lib/gguf-writer.js";
import { generator, tinyModel, writeTinyModel } from "../../scripts/lib/tiny-model.js";
import { checkModel } from "../../src/llama/check-model.js";
import { loadInChild } from "../support/llama-child.js";
import { refusal } from "../support/refusal.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const at = temporaryFolder();
const shared = path.resolve(import.meta.dirname, "../../../shared");

describe("a truncated file", () => {
  it.each(["spm", "bpe"] as const)("is refused wherever it ends (%s)", async (tokenizer) => {
    const whole = ggufBytes(tinyModel({ tokenizer, dim: 16, heads: 2 }));
    const { gguf } = await checkModel(at("whole.gguf", whole));
    const random = generator(7);
    const ends = new Set(Array.from({ length: 300 }, () => Math.floor(random() * whole.length)));
    // Around every part of the header and the end of every tensor; the padding behind the last one may be missing.
    const last = gguf.tensors.at(-1)!;
    for (const key of gguf.metadata.entries.keys()) {
      const begin = whole.indexOf(key);
      for (const near of [begin - 8, begin, begin + key.length, begin + key.length + 4]) ends.add(near);
    }
    for (const { name, offset, bytes } of gguf.tensors)
      for (const near of [whole.indexOf(name), offset, offset + bytes - 1]) ends.add(near);
    for (const near of [0, 1, 4, 8, 16, 23, 24, gguf.dataOffset]) ends.add(near);
    expect(ends.size).toBeGreaterThan(350);
    for (const end of ends) {
      if (end >= last.offset + last.bytes) continue;
      const error = await refusal(() => checkModel(at("cut.gguf", whole.subarray(0, end))));
      expect(error.code).toBe("invalid-model");
    }
  });
});

describe("a model in several files", () => {
  const parts = writeTinyModel(at("split.gguf"), { parts: 3 });

  it("passes as a whole, whichever part is named, and llama.cpp loads it", async () => {
    for (const part of parts) {
      const model = await checkModel(part);
      expect(model).toMatchObject({ path: parts[0], parts, parameters: 39_072 });
      expect(model.bytes).toBeGreaterThan(156_288);
    }
    expect(await loadInChild({ file: parts[0]!, variants: [[]] })).toEqual({ outcomes: ["ran"] });
  });
});

describe.skipIf(!existsSync(path.join(shared, "models")))("the files of ../shared", () => {
  const files = (folder: string) =>
    existsSync(path.join(shared, folder)) ? readdirSync(path.join(shared, folder)) : [];

  it.each(files("models"))("accepts the model %s", async (name) => {
    const model = await checkModel(path.join(shared, "models", name));
    expect(model.parameters).toBeGreaterThan(100_000);
  });

  it.each(files("faults"))("refuses the fault %s", async (name) => {
    const file = path.join(shared, "faults", name);
    expect((await refusal(() => checkModel(file))).message).toContain(name);
  });
});
if (!existsSync(path.join(shared, "models"))) console.log("skipped: no models at ../shared/models");
