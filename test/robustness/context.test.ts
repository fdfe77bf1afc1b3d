/** llama.cpp behind LlamaContext: caches that fork and go back, outputs at many positions, batches of any size. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tinyModel } from "../../scripts/lib/tiny-model.js";
import { LlamaContext } from "../../src/llama/context.js";
import { loadLlama } from "../../src/llama/library.js";
import { LlamaModel } from "../../src/llama/model.js";
import { expectClose, logProbs } from "./log-probs.js";
import { MODELS, temporaryFolder, write } from "./models.js";

const TEXT =
  "Once upon a time there was a little dog who liked to run in the park. One day it saw a big red ball, and the " +
  "ball rolled away. The dog ran after it, but it could not find it. So it sat down and was very sad.";

describe.each(MODELS)("a context of %s", (_, file) => {
  let model: LlamaModel;
  let tokens: Int32Array;
  const contexts: LlamaContext[] = [];
  const contextOf = (options: ConstructorParameters<typeof LlamaContext>[1] = {}) => {
    const context = new LlamaContext(model, { contextSize: 256, ...options });
    contexts.push(context);
    return context;
  };
  const logProbsAfter = (ids: Int32Array, options = {}) => {
    const context = contextOf(options);
    context.decode(ids, 0);
    return logProbs(context.logits());
  };

  beforeAll(() => {
    model = LlamaModel.load(loadLlama({ gpu: false }), file);
    tokens = model.tokenizer.encode(Buffer.from(TEXT), { parseSpecial: false, addBos: true }).slice(0, 200);
  });
  afterAll(() => {
    for (const context of contexts) context.free();
    model.free();
  });

  it("repeats a decode bit for bit", () => {
    expect(logProbsAfter(tokens)).toEqual(logProbsAfter(tokens));
  });

  it("gives the same for many small batches as for one large one", () => {
    const wanted = logProbsAfter(tokens);
    for (const batchSize of [1, 7, 32]) expectClose(logProbsAfter(tokens, { batchSize }), wanted);
  });

  it("gives the same with more threads, and with pools that come and go", () => {
    const few = tokens.subarray(0, 30);
    const wanted = logProbsAfter(few, { threads: 1 });
    const context = contextOf({ threads: 2 });
    for (const threads of [2, 1, 2, 1]) {
      context.setThreads(threads);
      context.clear();
      context.decode(few, 0);
      expectClose(logProbs(context.logits()), wanted);
    }
  });

  it("keeps what stands before a rollback, and forgets what stands behind it", () => {
    const wanted = logProbsAfter(tokens);
    const context = contextOf();
    let length = tokens.length - 10;
    context.decode(tokens.subarray(0, length), 0);
    for (const kept of [40, 37, 17, 1]) {
      context.decode(Int32Array.of(5, 6, 7), length);
      expect(context.rollback(kept)).toBe(true);
      context.decode(tokens.subarray(kept, kept + 2), kept);
      length = kept + 2;
    }
    expect(context.rollback(1)).toBe(true);
    context.decode(tokens.subarray(1), 1);
    expectClose(logProbs(context.logits()), wanted);
  });

  it("forks a sequence; each branch goes on as if it were alone", () => {
    const at = tokens.length - 8;
    const context = contextOf({ sequences: 3 });
    context.decode(tokens.subarray(0, at), 0);
    context.fork(0, 1, at);
    context.fork(0, 2, at - 4);
    const others = Int32Array.of(300, 301, 302, 303).map((id) => id % model.tokenizer.vocabulary.size);
    const branch = Int32Array.of(...tokens.subarray(0, at), ...others);
    for (let step = 0; step < 4; step++) {
      context.decodeParallel([
        { sequence: 0, token: tokens[at + step], position: at + step },
        { sequence: 1, token: others[step], position: at + step },
        { sequence: 2, token: tokens[at - 4 + step], position: at - 4 + step },
      ]);
    }
    expectClose(logProbs(context.logits(0)), logProbsAfter(tokens.subarray(0, at + 4)));
    expectClose(logProbs(context.logits(1)), logProbsAfter(branch));
    expectClose(logProbs(context.logits(-1)), logProbsAfter(tokens.subarray(0, at)));
    // A branch can be thrown away and made anew.
    context.fork(0, 1, at + 4);
    context.decode(tokens.subarray(at + 4), at + 4, { sequence: 1 });
    expectClose(logProbs(context.logits()), logProbsAfter(tokens));
    expect(() => context.fork(0, 3, at)).toThrowError(expect.objectContaining({ code: "invalid-option" }));
    const four = Array.from({ length: 4 }, () => ({ sequence: 0, token: 5, position: at }));
    expect(() => context.decodeParallel(four)).toThrowError(expect.objectContaining({ code: "invalid-option" }));
  });

  it("gives logits at many positions, also where they lie across the edge of a batch", () => {
    const outputs = 6;
    const context = contextOf({ outputs, batchSize: 16 });
    for (const length of [6, 16, 18, 32, 35, 50]) {
      context.clear();
      context.decode(tokens.subarray(0, length), 0, { outputs });
      for (let output = 0; output < outputs; output++) {
        const wanted = logProbsAfter(tokens.subarray(0, length - outputs + output + 1));
        expectClose(logProbs(context.logits(output)), wanted);
        expectClose(logProbs(context.logits(output - outputs)), wanted);
      }
    }
    for (const index of [outputs, -outputs - 1]) {
      expect(() => context.logits(index)).toThrowError(expect.objectContaining({ code: "invalid-option" }));
    }
    expect(() => context.decode(tokens, 0, { outputs: outputs + 1 })).toThrowError(
      expect.objectContaining({ code: "invalid-option", details: { found: 7, allowed: 6, option: "outputs" } }),
    );
  });

  it("says when the cache is full, and goes on when there is room again", () => {
    const context = contextOf({ contextSize: 64, batchSize: 32 });
    const room = context.contextSize;
    const many = Int32Array.from({ length: room + 8 }, (_, index) => tokens[index % tokens.length]);
    expect(() => context.decode(many, 0)).toThrowError(expect.objectContaining({ code: "context-overflow" }));
    context.clear();
    context.decode(tokens.subarray(0, 20), 0);
    expectClose(logProbs(context.logits()), logProbsAfter(tokens.subarray(0, 20)));
  });

  it("asks between batches whether to go on", () => {
    const context = contextOf({ batchSize: 10 });
    let asked = 0;
    expect(() => context.decode(tokens.subarray(0, 50), 0, { mayContinue: () => ++asked < 3 })).toThrowError(
      expect.objectContaining({ code: "aborted" }),
    );
    expect(asked).toBe(3);
  });
});

it("keeps hidden states that the output matrix turns into the logits, at every position", () => {
  const { folder, clean } = temporaryFolder();
  const options = { dim: 64, vocabularySize: 400, weights: "F32", contextLength: 128 } as const;
  const model = LlamaModel.load(loadLlama({ gpu: false }), write(folder, "hidden", options));
  const context = new LlamaContext(model, { hiddenStates: true, outputs: 8 });
  try {
    const tokens = model.tokenizer.encode(Buffer.from("the cat sat there"), { parseSpecial: false, addBos: true });
    context.decode(tokens, 0, { outputs: 3 });
    const output = tinyModel(options).tensors.find(({ name }) => name === "output.weight")!;
    const weights = new Float32Array(Uint8Array.from(Buffer.concat([...output.data()])).buffer);
    for (const index of [-3, -2, -1, 0, 1, 2]) {
      const hidden = context.hiddenState(index);
      expect(hidden.length).toBe(64);
      const logits = context.logits(index);
      for (let id = 0; id < 400; id++) {
        const row = weights.subarray(id * 64, (id + 1) * 64);
        expect(row.reduce((sum, weight, column) => sum + weight * hidden[column], 0)).toBeCloseTo(logits[id], 4);
      }
    }
    const without = new LlamaContext(model);
    without.decode(tokens, 0);
    expect(() => without.hiddenState()).toThrowError(expect.objectContaining({ code: "invalid-option" }));
    without.free();
  } finally {
    context.free();
    context.free();
    model.free();
    model.free();
    clean();
  }
  expect(() => context.logits()).toThrowError(expect.objectContaining({ code: "disposed" }));
  expect(() => model.pointer).toThrowError(expect.objectContaining({ code: "disposed" }));
});
