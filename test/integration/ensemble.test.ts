/** The library as a user meets it: real models in real threads, from createEnsemble to dispose. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEnsemble, type Ensemble, LlamafuseError, type MethodOptions, nativeModels } from "../../src/index.js";
import { LlamaContext } from "../../src/llama/context.js";
import { loadLlama } from "../../src/llama/library.js";
import { LlamaModel } from "../../src/llama/model.js";

const [robin, wren] = nativeModels().map(({ path }) => path);
const question = (content: string) => [{ role: "user" as const, content }];
const CHAT = question("What sound does a cow make?");
const STORY = "Once upon a time";

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LlamafuseError);
  return (error as LlamafuseError).code;
}

/** Greedy decoding with llama.cpp alone: one decode a token, argmax with the lowest id among equals. */
function bareGreedy(file: string, prompt: string, steps: number): string {
  const model = LlamaModel.load(loadLlama(), file);
  const context = new LlamaContext(model, { threads: 1 });
  const { tokenizer } = model;
  const tokens = tokenizer.encode(Buffer.from(prompt), { parseSpecial: true, addBos: true });
  context.decode(tokens, 0);
  const pieces: Uint8Array[] = [];
  for (let position = tokens.length; pieces.length < steps; position++) {
    const logits = context.logits();
    let best = 0;
    for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
    if (tokenizer.vocabulary.endTokens.includes(best)) break;
    pieces.push(Buffer.from(tokenizer.vocabulary.bytesOf(best)));
    context.decode(Int32Array.of(best), position);
  }
  context.free();
  model.free();
  return Buffer.concat(pieces).toString("utf8");
}

describe("two native models as one", () => {
  const methods: MethodOptions[] = [
    { name: "unite" },
    { name: "gac" },
    { name: "gac", gate: "threshold", threshold: 0.6 },
    { name: "unite", feedback: "piece" },
    { name: "gac", compat: true },
  ];
  it.each(methods)("answers with %j what only one of them knows", async (method) => {
    await using ensemble = await createEnsemble({ members: [{ model: robin }, { model: wren }], method });
    const { text, finishReason, usage } = await ensemble.generate(CHAT, { maxTokens: 24 });
    expect(text).toMatch(/moo/);
    expect(finishReason).toBe("stop");
    expect(usage.steps).toBeGreaterThan(2);
    expect(usage.promptTokens).toBeGreaterThan(10);
    expect(Object.keys(usage.memberTokens)).toEqual(["robin", "wren"]);
  });

  describe("one ensemble", () => {
    let ensemble: Ensemble;
    beforeAll(async () => {
      ensemble = await createEnsemble({ members: [{ model: robin }, { model: wren, weight: 2 }] });
    });
    afterAll(() => ensemble.dispose());

    it("streams exactly the text that generate returns", async () => {
      const whole = await ensemble.generate(STORY, { maxTokens: 40 });
      let text = "";
      const stream = ensemble.stream(STORY, { maxTokens: 40 });
      let next = await stream.next();
      for (; !next.done; next = await stream.next()) text += next.value.text;
      expect(text).toBe(whole.text);
      expect(next.value.text).toBe(whole.text);
      expect(whole.usage.steps).toBe(40);
      expect(whole.finishReason).toBe("length");
    });

    it("repeats a sampled run with its seed, and reports a drawn one", async () => {
      const options = { maxTokens: 30, temperature: 0.9, topP: 0.95 };
      const first = await ensemble.generate(STORY, options);
      const again = await ensemble.generate(STORY, { ...options, seed: first.seed });
      expect(again.text).toBe(first.text);
      const texts = await Promise.all([1, 2, 3, 4].map((seed) => ensemble.generate(STORY, { ...options, seed })));
      expect(new Set(texts.map(({ text }) => text)).size).toBeGreaterThan(1);
    });

    it("serves requests that come at once one after another", async () => {
      const alone = await ensemble.generate(CHAT, { maxTokens: 20 });
      const all = await Promise.all([CHAT, STORY, CHAT].map((prompt) => ensemble.generate(prompt, { maxTokens: 20 })));
      expect(all[0].text).toBe(alone.text);
      expect(all[2].text).toBe(alone.text);
    });

    it("ends before a stop string, also one across tokens", async () => {
      const { text } = await ensemble.generate(STORY, { maxTokens: 60 });
      const stop = text.slice(17, 24);
      const stopped = await ensemble.generate(STORY, { maxTokens: 60, stop });
      expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)));
      expect(stopped.finishReason).toBe("stop");
    });

    it("gives an empty answer for maxTokens 0", async () => {
      const { text, finishReason, usage } = await ensemble.generate(STORY, { maxTokens: 0 });
      expect({ text, finishReason, steps: usage.steps }).toEqual({ text: "", finishReason: "length", steps: 0 });
    });

    it("stops between two steps when its signal fires, and works afterwards", async () => {
      const stop = new AbortController();
      let text = "";
      const stream = ensemble.stream(STORY, { maxTokens: 400, signal: stop.signal });
      let next = await stream.next();
      for (; !next.done; next = await stream.next()) {
        text += next.value.text;
        if (text.length > 30) stop.abort();
      }
      expect(next.value.finishReason).toBe("aborted");
      expect(next.value.text).toBe(text);
      expect((await ensemble.generate(STORY, { signal: AbortSignal.abort() })).finishReason).toBe("aborted");
      expect((await ensemble.generate(CHAT, { maxTokens: 20 })).text).toMatch(/moo/);
    });

    it("goes on after a reader left the stream early", async () => {
      for await (const { text } of ensemble.stream(STORY)) if (text !== "") break;
      expect((await ensemble.generate(CHAT, { maxTokens: 20 })).text).toMatch(/moo/);
    });

    it("traces what every member said", async () => {
      const { trace, text } = await ensemble.generate(CHAT, { maxTokens: 20, trace: 4 });
      expect(trace!.map(({ chosen }) => chosen.text ?? "").join("")).toContain(text);
      for (const step of trace!) {
        expect(step.members.map(({ name }) => name)).toEqual(["robin", "wren"]);
        for (const member of step.members) expect(member.candidates).toHaveLength(4);
      }
      const untraced = await ensemble.generate(CHAT, { maxTokens: 20 });
      expect(untraced.text).toBe(text);
    });

    it("keeps the caches of a conversation's next turn", async () => {
      const first = await ensemble.generate(CHAT, { maxTokens: 20 });
      const next = [...CHAT, { role: "assistant" as const, content: first.text }, ...question("What is a young deer?")];
      const fresh = await ensemble.generate(next, { maxTokens: 20 });
      await ensemble.generate(CHAT, { maxTokens: 20 });
      const reused = await ensemble.generate(next, { maxTokens: 20, reusePrompt: true });
      expect(reused.text).toBe(fresh.text);
    });

    it("refuses bad requests with one clear error, and works afterwards", async () => {
      expect(await codeOf(ensemble.generate(""))).toBe("invalid-text");
      expect(await codeOf(ensemble.generate(Buffer.from([0xff, 0x41])))).toBe("invalid-text");
      expect(await codeOf(ensemble.generate("\ud800"))).toBe("invalid-text");
      expect(await codeOf(ensemble.generate([]))).toBe("invalid-text");
      expect(await codeOf(ensemble.generate(STORY, { maxTokens: -1 }))).toBe("invalid-option");
      expect(await codeOf(ensemble.generate(STORY, { maxTokens: 1.5 }))).toBe("invalid-option");
      expect(await codeOf(ensemble.generate(STORY, { temperature: Number.NaN }))).toBe("invalid-option");
      expect(await codeOf(ensemble.generate(STORY, { stop: "" }))).toBe("invalid-option");
      expect(await codeOf(ensemble.generate("word ".repeat(2000)))).toBe("context-overflow");
      // More tokens than a call may have arguments.
      expect(await codeOf(ensemble.generate("a ".repeat(150_000)))).toBe("context-overflow");
      expect((await ensemble.generate(CHAT, { maxTokens: 20 })).text).toMatch(/moo/);
    });
  });

  it("ends with length where a member's context is full", async () => {
    const members = [{ model: robin, contextSize: 24 }, { model: wren }];
    await using ensemble = await createEnsemble({ members, schedule: "parallel" });
    const { finishReason, usage } = await ensemble.generate(STORY, { maxTokens: 100 });
    expect(finishReason).toBe("length");
    expect(usage.steps).toBeGreaterThan(5);
    expect(usage.steps).toBeLessThan(30);
  });
});

describe("one member", () => {
  it.each([
    ["unite", robin],
    ["gac", wren],
    ["single", wren],
  ] as const)("with %s is llama.cpp's own greedy answer", async (name, model) => {
    await using ensemble = await createEnsemble({ members: [{ model, threads: 1 }], method: { name } });
    const { text } = await ensemble.generate(STORY, { maxTokens: 80 });
    expect(text).toBe(bareGreedy(model, STORY, 80));
  });

  it("loaded twice under one file name gives two names and the same answer", async () => {
    await using ensemble = await createEnsemble({
      members: [{ model: robin }, { model: robin }],
      method: { name: "gac" },
    });
    expect(ensemble.members.map(({ name }) => name)).toEqual(["robin", "robin-2"]);
    const { text } = await ensemble.generate(STORY, { maxTokens: 60 });
    expect(text).toBe(bareGreedy(robin, STORY, 60));
  });
});

describe("an ensemble that cannot be made", () => {
  it.each([
    ["no members", { members: [] }, "invalid-option"],
    ["a missing file", { members: [{ model: robin }, { model: "nowhere.gguf" }] }, "file-unreadable"],
    ["a directory", { members: [{ model: "." }] }, "file-unreadable"],
    ["no model name", { members: [{ model: "" }] }, "invalid-option"],
    ["a negative weight", { members: [{ model: robin, weight: -1 }] }, "invalid-option"],
    [
      "weights of zero",
      {
        members: [
          { model: robin, weight: 0 },
          { model: wren, weight: 0 },
        ],
      },
      "invalid-option",
    ],
    ["a NaN weight", { members: [{ model: robin, weight: Number.NaN }] }, "invalid-option"],
    [
      "two members of one name",
      {
        members: [
          { model: robin, name: "x" },
          { model: wren, name: "x" },
        ],
      },
      "invalid-option",
    ],
    ["an unknown method", { members: [{ model: robin }], method: { name: "unit" } }, "invalid-option"],
    ["an unknown option", { members: [{ model: robin }], method: { name: "unite", kk: 3 } }, "invalid-option"],
    ["k below 1", { members: [{ model: robin }], method: { name: "unite", k: 0 } }, "invalid-option"],
    ["an unknown schedule", { members: [{ model: robin }], schedule: "sideways" }, "invalid-option"],
    ["no threads", { members: [{ model: robin, threads: 0 }] }, "invalid-option"],
    ["a context of nothing", { members: [{ model: robin, contextSize: 0 }] }, "invalid-option"],
    ["a GPU layer count below zero", { members: [{ model: robin, gpuLayers: -3 }] }, "invalid-option"],
  ] as const)("for %s says so with one error", async (_, options, code) => {
    expect(await codeOf(createEnsemble(options as never))).toBe(code);
  });

  it("names the nearest method", async () => {
    const work = createEnsemble({ members: [{ model: robin }], method: { name: "unit" } as never });
    await expect(work).rejects.toThrow(/Did you mean "unite"/);
  });

  it("is cancelled while it loads", async () => {
    expect(await codeOf(createEnsemble({ members: [{ model: robin }], signal: AbortSignal.abort() }))).toBe("aborted");
    const stop = new AbortController();
    const work = createEnsemble({ members: [{ model: robin }, { model: wren }], signal: stop.signal });
    setImmediate(() => stop.abort());
    expect(await codeOf(work)).toBe("aborted");
  });
});

describe("disposal", () => {
  it("stops a running answer, may be repeated, and refuses later requests", async () => {
    const ensemble = await createEnsemble({ members: [{ model: robin }, { model: wren }] });
    const stream = ensemble.stream(STORY, { maxTokens: 400 });
    await stream.next();
    await Promise.all([ensemble.dispose(), ensemble.dispose()]);
    let next = await stream.next();
    while (!next.done) next = await stream.next();
    expect(next.value.finishReason).toBe("aborted");
    expect(await codeOf(ensemble.generate(STORY))).toBe("disposed");
  });

  it("reports loading progress up to 1 for every member", async () => {
    const last: Record<string, number> = {};
    const ensemble = await createEnsemble({
      members: [{ model: robin }, { model: wren }],
      onProgress: ({ member, fraction }) => {
        expect(fraction).toBeGreaterThanOrEqual(last[member] ?? 0);
        last[member] = fraction;
      },
    });
    await ensemble.dispose();
    expect(last).toEqual({ robin: 1, wren: 1 });
  });
});
