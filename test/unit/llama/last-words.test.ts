/** Loads that fail, in llama.cpp's own words, on the built package's process. */
import { rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { tinyModel, writeTinyModel } from "../../../scripts/lib/tiny-model.js";
import { wordsIn } from "../../../src/llama/last-words.js";
import { loadLlama } from "../../../src/llama/library.js";
import { explainedContext, failedContext } from "../../../src/llama/load-errors.js";
import { memoryNeeds } from "../../../src/llama/memory-needs.js";
import { LlamaModel } from "../../../src/llama/model.js";
import { refusal } from "../../support/refusal.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const at = temporaryFolder();
const llama = loadLlama({ gpu: false });

it.each<[string, string | undefined]>([
  [
    "llama_model_load: error loading model: done_getting_tensors: wrong number of tensors; expected 13, got 12\nllama_model_load_from_file_impl: failed to load model\n",
    "wrong number of tensors; expected 13, got 12",
  ],
  [
    "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4096.00 MiB on device 0: cudaMalloc failed: out of memory\nllama_model_load: error loading model: unable to allocate CUDA0 buffer\nllama_model_load_from_file_impl: failed to load model\n",
    "unable to allocate CUDA0 buffer",
  ],
  [
    "llama_init_from_model: quantized V cache requires flash_attn to be enabled\n",
    "quantized V cache requires flash_attn to be enabled",
  ],
  ["/src/ggml.c:12: GGML_ASSERT(x > 0) failed\n", "/src/ggml.c:12: GGML_ASSERT(x > 0) failed"],
  ["llama_model_loader: - kv 0: general.name str = x\nllm_load_print_meta: n_ctx = 5\n", undefined],
  ["llama_model_load_from_file_impl: failed to load model\n", undefined],
  ["", undefined],
])("the last words of a log", (log, words) => {
  expect(wordsIn(log)).toBe(words);
});

describe("a model that llama.cpp refuses", () => {
  it("for a tensor too many is named with its words", async () => {
    const file = at("extra.gguf");
    writeTinyModel(file, {
      tensors: (list) => [...list, { ...list.at(-1)!, name: "blk.0.attn_zebra.weight" }],
    });
    const error = await refusal(() => LlamaModel.load(llama, file));
    expect(error).toMatchObject({
      code: "invalid-model",
      details: { llama: expect.stringMatching(/^wrong number of tensors; expected 22, got 21/) },
    });
    expect(error.message).toMatch(
      /could not load .*extra\.gguf: wrong number of tensors; expected 22, got 21\. .*perhaps/,
    );
  });

  it("for a tensor of the wrong shape is named with its words", async () => {
    const file = at("narrow.gguf");
    writeTinyModel(file, {
      tensors: (list) =>
        list.map((one) =>
          one.name === "blk.1.ffn_up.weight"
            ? { ...one, shape: [32, 32], data: () => [new Uint8Array(4 * 32 * 32)] }
            : one,
        ),
    });
    expect((await refusal(() => LlamaModel.load(llama, file))).message).toMatch(
      /'blk\.1\.ffn_up\.weight' has wrong shape/,
    );
  });
});

it("a context that llama.cpp refuses says why, and one that lacks memory what it needs", () => {
  const [file] = writeTinyModel(at("sound.gguf"), { dim: 64, heads: 2 }) as [string];
  const model = LlamaModel.load(llama, file);
  const error = failedContext(model, 64);
  model.free();
  const options = { contextSize: 64, flashAttention: false, cacheType: { v: "q8_0" } } as const;
  expect(explainedContext(error, llama, file, options)).toMatchObject({
    code: "invalid-option",
    message: expect.stringMatching(/context of 64 tokens .*: quantized V cache requires flash_attn/),
  });
  const silent = explainedContext(error, llama, file, { contextSize: 64 });
  expect(silent).toMatchObject({
    code: "out-of-memory",
    message: expect.stringMatching(/Its weights need \d.* MiB, a cache of 64 tokens .* MiB\. Free: .*this machine \d/),
  });
});

it("what is no error of a context stays as it is", () => {
  const other = new Error("other");
  expect(explainedContext(other, llama, "x", {})).toBe(other);
});

it("a model's needs are its tensors, and a cache of its heads and layers", () => {
  const options = { dim: 64, heads: 2, keyValueHeads: 1, layers: 3, contextLength: 512 } as const;
  const [file] = writeTinyModel(at("needs.gguf"), options) as [string];
  const bytes = tinyModel(options).tensors.reduce((sum, { shape }) => sum + 4 * shape.reduce((a, b) => a * b, 1), 0);
  const needs = memoryNeeds(file);
  expect(needs.weights).toBe(bytes);
  expect(needs.contextSize).toBe(512);
  // Keys and values of one head of 32 in 16 bits, in each layer, for each token.
  expect(needs.cache).toBe(3 * 512 * 2 * 32 * 2);
  expect(memoryNeeds(file, { cacheType: "q8_0", contextSize: 300 }).cache).toBe(3 * 512 * 2 * 34);
  expect(needs.layers).toHaveLength(3);
  expect(needs.layers.reduce((sum, each) => sum + each, needs.input + needs.output)).toBe(needs.weights + needs.cache);
  rmSync(file);
  writeFileSync(file, "");
  expect(() => memoryNeeds(file)).toThrow(expect.objectContaining({ code: "invalid-model" }));
});
