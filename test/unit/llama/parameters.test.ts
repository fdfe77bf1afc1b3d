/** That each parameter of a member reaches llama.cpp: by its effect on the real library. */
import { readFileSync } from "node:fs";
import os from "node:os";
import { describe, expect, it } from "vitest";
import { writeGguf } from "../../../scripts/lib/gguf-writer.js";
import { tinyModel, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { checkModel } from "../../../src/llama/check-model.js";
import { checkParameters } from "../../../src/llama/check-parameters.js";
import { type ContextOptions, LlamaContext } from "../../../src/llama/context.js";
import { loadLlama } from "../../../src/llama/library.js";
import { memoryNeeds } from "../../../src/llama/memory-needs.js";
import { LlamaModel } from "../../../src/llama/model.js";
import type { LlamaParameters } from "../../../src/llama/parameters.js";
import { checkMemberOptions } from "../../../src/member/member-options.js";
import { changeOf, merged, randomLora, writeLora } from "../../support/lora.js";
import { refusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
const llama = loadLlama({ gpu: false });
/** Heads of 32, so that every format of the cache fits. */
const SHAPE = { dim: 64, heads: 2, keyValueHeads: 1, layers: 2, contextLength: 1024 } as const;
const [plain] = writeTinyModel(at("plain.gguf"), SHAPE) as [string];
const TOKENS = Int32Array.from({ length: 20 }, (_, index) => 10 + index * 7);

interface Run {
  logits: Float32Array;
  /** Bytes of what the context keeps of the tokens. */
  stateBytes: number;
}

function run(file: string, options: LlamaParameters & ContextOptions = {}, tokens = TOKENS): Run {
  const model = LlamaModel.load(llama, file, options);
  try {
    const context = new LlamaContext(model, { contextSize: 512, ...options });
    context.decode(tokens, 0);
    const result = { logits: context.logits().slice(), stateBytes: llama.functions.stateSize(context.pointer) };
    context.free();
    return result;
  } finally {
    model.free();
  }
}

function distance(a: Float32Array, b: Float32Array): number {
  return Math.max(...a.map((value, index) => Math.abs(value - b[index]!)));
}

describe("a LoRA adapter", () => {
  it("adds scale · alpha/rank · B·A to the output, as computed by hand from the hidden state", () => {
    const lora = randomLora("output.weight", SHAPE.dim, 320);
    const file = writeLora(at("output.lora.gguf"), lora);
    for (const scale of [1, 0.25, -2]) {
      const model = LlamaModel.load(llama, plain, { loraAdapters: [{ file, scale }] });
      const context = new LlamaContext(model, { contextSize: 64, hiddenStates: true });
      context.decode(TOKENS, 0);
      const hidden = context.hiddenState().slice();
      const { logits } = run(plain);
      const byHand = changeOf(lora, hidden, scale).map((change, id) => change + logits[id]!);
      expect(distance(context.logits().slice(), Float32Array.from(byHand))).toBeLessThan(1e-4);
      context.free();
      model.free();
    }
  });

  it("inside a layer is the model with the change merged into its weight; several add up", () => {
    const query = randomLora("blk.1.attn_q.weight", 64, 64, { seed: 8 });
    const down = randomLora("blk.0.ffn_down.weight", 128, 64, { rank: 4, alpha: 2, seed: 9 });
    const base = tinyModel(SHAPE);
    const together = at("merged.gguf");
    writeGguf(together, { ...base, tensors: merged(merged(base.tensors, query, 0.5), down, 1) });
    const files = [writeLora(at("q.gguf"), query), writeLora(at("d.gguf"), down)] as const;
    const adapted = run(plain, { loraAdapters: [{ file: files[0], scale: 0.5 }, files[1]] });
    expect(distance(adapted.logits, run(plain).logits)).toBeGreaterThan(1e-2);
    expect(distance(adapted.logits, run(together).logits)).toBeLessThan(1e-3);
  });

  it("is refused, before native code reads it, where it does not fit", async () => {
    const model = await checkModel(plain);
    const check = (file: string) => refusal(() => checkParameters(model, { loraAdapters: [file] }));
    const narrow = writeLora(at("narrow.gguf"), randomLora("output.weight", 32, 320));
    expect(await check(narrow)).toMatchObject({
      code: "invalid-model",
      message: expect.stringMatching(/A \(32 × 2\) and B \(2 × 320\) do not fit "output.weight", which is 64 × 320/),
    });
    const nowhere = writeLora(at("nowhere.gguf"), randomLora("blk.7.attn_q.weight", 64, 64));
    expect((await check(nowhere)).message).toMatch(/changes "blk.7.attn_q.weight", which the model does not have/);
    const { field } = await import("../../../scripts/lib/gguf-writer.js");
    const other = writeLora(at("qwen.gguf"), randomLora("output.weight", 64, 320), {
      "general.architecture": field.string("qwen2"),
    });
    expect((await check(other)).message).toMatch(/for the architecture "qwen2".*is "llama"/);
    expect((await check(plain)).message).toMatch(/no LoRA adapter: its general.type is "missing"/);
    expect((await check(at("none.gguf"))).code).toBe("file-unreadable");
  });
});

describe("the cache's format", () => {
  it("changes what the cache takes, as computed from the file, and hardly the logits", () => {
    const base = run(plain);
    for (const [cacheType, tolerance] of [
      ["f32", 0.01],
      ["q8_0", 0.1],
      ["q4_0", 1],
      [{ k: "q8_0", v: "f16" }, 0.1],
    ] as const) {
      const other = run(plain, { cacheType });
      const perToken = (type: typeof cacheType | "f16") =>
        memoryNeeds(plain, { cacheType: type, contextSize: 512 }).cache / 512;
      const expected = (perToken(cacheType) - perToken("f16")) * TOKENS.length;
      expect(other.stateBytes - base.stateBytes, JSON.stringify(cacheType)).toBe(expected);
      expect(distance(other.logits, base.logits), JSON.stringify(cacheType)).toBeLessThan(tolerance);
      if (cacheType !== "f32")
        expect(distance(other.logits, base.logits), JSON.stringify(cacheType)).toBeGreaterThan(0);
    }
  });

  it("is refused where heads are no whole blocks", async () => {
    const [small] = writeTinyModel(at("small.gguf"), { dim: 32, heads: 4 }) as [string];
    const model = await checkModel(small);
    const error = await refusal(() => checkParameters(model, { cacheType: { k: "q8_0" } }));
    expect(error.message).toMatch(/cacheType q8_0 for K needs heads of a multiple of 32; this model's have 8/);
    checkParameters(model, { cacheType: "bf16" });
  });
});

it("flash attention is another way to the same logits", () => {
  const [on, off] = [run(plain, { flashAttention: true }), run(plain, { flashAttention: false })];
  expect(distance(on.logits, off.logits)).toBeGreaterThan(0);
  expect(distance(on.logits, off.logits)).toBeLessThan(0.05);
  expect(run(plain, { flashAttention: "auto" }).logits).toEqual(on.logits);
});

describe("scaled positions", () => {
  const first = TOKENS.subarray(0, 1);

  it("turn by a part of the angle: nothing at the first position, all the others by the factor", () => {
    const scaled = (ropeScaling: LlamaParameters["ropeScaling"], tokens = TOKENS) =>
      run(plain, { ropeScaling }, tokens).logits;
    const base = run(plain).logits;
    expect(scaled({ type: "linear", factor: 1 })).toEqual(base);
    expect(scaled({ type: "none" })).toEqual(base);
    expect(distance(scaled({ type: "linear", factor: 4 }), base)).toBeGreaterThan(1e-3);
    expect(distance(scaled({ type: "yarn", factor: 4, originalContext: 256 }), base)).toBeGreaterThan(1e-3);
    expect(distance(scaled({ frequencyBase: 500_000 }), base)).toBeGreaterThan(1e-4);
    expect(scaled({ type: "linear", factor: 4 }, first)).toEqual(run(plain, {}, first).logits);
  });

  it("by a linear factor are those of a file that says so", () => {
    const file = at("linear.gguf");
    const { metadata, tensors } = tinyModel(SHAPE);
    const type = { type: "string", value: "linear" };
    const factor = { type: "float32", value: 4 };
    writeGguf(file, {
      metadata: { ...metadata, "llama.rope.scaling.type": type, "llama.rope.scaling.factor": factor },
      tensors,
    });
    expect(run(plain, { ropeScaling: { type: "linear", factor: 4 } }).logits).toEqual(run(file).logits);
  });
});

it.skipIf(os.platform() !== "linux")("a file is mapped, or read, as asked", () => {
  const isMapped = (options: LlamaParameters) => {
    const model = LlamaModel.load(llama, plain, options);
    const mapped = readFileSync("/proc/self/maps", "utf8").includes(plain);
    model.free();
    return mapped;
  };
  expect([isMapped({ mmap: true }), isMapped({ mmap: false }), isMapped({ mlock: true })]).toEqual([true, false, true]);
});

it.skipIf(os.platform() !== "linux")("weights are locked into memory as asked", () => {
  const locked = () => Number(/VmLck:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  const [before, model] = [locked(), LlamaModel.load(llama, plain, { mlock: true })];
  const during = locked();
  model.free();
  // A machine may allow none: llama.cpp then warns and goes on.
  if (during === before) return;
  expect(during - before).toBeGreaterThan(100);
  expect(locked()).toBe(before);
});

describe("options of a member are refused", () => {
  it.each<[LlamaParameters, RegExp]>([
    [{ cacheType: "q3_k" as never }, /cacheType/],
    [{ cacheType: { k: "f16", w: "f16" } as never }, /cacheType/],
    [{ flashAttention: "yes" as never }, /flashAttention/],
    [{ flashAttention: false, cacheType: "q8_0" }, /q8_0 for V needs flash attention/],
    [{ mainGpu: 0, tensorSplit: [1, 1] }, /mainGpu puts the whole model on one GPU and tensorSplit divides it/],
    [{ tensorSplit: [0, 0] }, /all zeros/],
    [{ tensorSplit: [-1] }, /tensorSplit/],
    [{ mainGpu: -1 }, /mainGpu/],
    [{ ropeScaling: { type: "none", factor: 2 } }, /ignores a factor/],
    [{ ropeScaling: { type: "linear", originalContext: 64 } }, /ignores originalContext/],
    [{ ropeScaling: { factor: 0 } }, /ropeScaling.factor/],
    [{ loraAdapters: [{ file: "x", scales: 1 }] as never }, /loraAdapters/],
    [{ loraAdapters: "x.gguf" as never }, /loraAdapters/],
    [{ mmap: 1 as never }, /mmap/],
    [{ device: [] }, /device/],
  ])("%j", async (options, message) => {
    const error = await refusal(() => checkMemberOptions({ model: "m.gguf", ...options }));
    expect(error.code).toBe("invalid-option");
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^Member "m\.gguf": /);
  });

  it("a device that is not there, with those that are", async () => {
    const error = await refusal(() => LlamaModel.load(llama, plain, { device: "CUDA7" }));
    expect(error).toMatchObject({
      code: "invalid-option",
      message: expect.stringMatching(/Unknown device "CUDA7".*"cpu" is allowed/),
    });
    LlamaModel.load(llama, plain, { device: "cpu" }).free();
  });
});
