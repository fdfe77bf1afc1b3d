/** How likely a method finds a given text: with real models, against llama.cpp's own logits. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEnsemble, type Ensemble, type MethodOptions, nativeModels } from "../../src/index.js";
import { LlamaContext } from "../../src/llama/context.js";
import { loadLlama } from "../../src/llama/library.js";
import { LlamaModel } from "../../src/llama/model.js";
import { TokenClass } from "../../src/vocabulary/vocabulary.js";
import { refusal } from "../support/refusal.js";

const models = nativeModels()
  .slice(0, 2)
  .map(({ path }) => ({ model: path, threads: 1 }));
const PROMPT = "Question: What is a young deer?\nAnswer:";
const TEXTS = [" A young deer is a fawn.", " kitten", " 27, or so; ü", " the the the"];

function open(members: typeof models, method: MethodOptions): Promise<Ensemble> {
  return createEnsemble({ members, method, schedule: "parallel", gpu: false });
}

/**
 * ln p of the text's tokens as the tokenizer cuts prompt and text together, by llama.cpp alone; among text and end tokens,
 * since control tokens are conditioned away. Of tokens with the same bytes (a letter and its byte token) the likeliest.
 */
function bareScore(file: string, prompt: string, text: string): number {
  const model = LlamaModel.load(loadLlama(), file);
  const context = new LlamaContext(model, { threads: 1 });
  const { vocabulary } = model.tokenizer;
  const encode = (of: string) => model.tokenizer.encode(Buffer.from(of), { parseSpecial: true, addBos: true });
  const [start, all] = [encode(prompt), encode(prompt + text)];
  expect(all.subarray(0, start.length)).toEqual(start);
  context.decode(start, 0);
  let sum = 0;
  for (let at = start.length; at < all.length; at++) {
    const logits = context.logits();
    const possible = Float64Array.from(logits).filter((_, id) => {
      const tokenClass = vocabulary.classOf(id);
      const isText = tokenClass === TokenClass.text && vocabulary.bytesOf(id).length > 0;
      return isText || tokenClass === TokenClass.end;
    });
    const bytes = Buffer.from(vocabulary.bytesOf(all[at]));
    const alike = Array.from(logits.keys()).filter(
      (id) => vocabulary.classOf(id) === TokenClass.text && bytes.equals(vocabulary.bytesOf(id)),
    );
    const taken = alike.reduce((best, id) => (logits[id] > logits[best] ? id : best));
    sum += logits[taken] - Math.log(possible.reduce((total, logit) => total + Math.exp(logit), 0));
    context.decode(Int32Array.of(taken), at);
  }
  context.free();
  model.free();
  return sum;
}

describe("one member", () => {
  it.each(models.map(({ model }) => model))("scores a text as llama.cpp's logits do: %s", async (model) => {
    await using ensemble = await open([{ model, threads: 1 }], { name: "single" });
    for (const text of TEXTS) {
      const { logProb, pieces, usage } = await ensemble.score(PROMPT, text);
      const bytes = pieces.map((piece) => (piece.bytes ? Buffer.from(piece.bytes, "hex") : Buffer.from(piece.text)));
      expect(Buffer.concat(bytes).toString()).toBe(text);
      expect(logProb).toBeCloseTo(bareScore(model, PROMPT, text), 4);
      expect(logProb).toBeCloseTo(
        pieces.reduce((sum, piece) => sum + piece.logProb, 0),
        9,
      );
      const [name] = ensemble.members.map((member) => member.name);
      expect(usage.memberTokens[name]).toBe(pieces.length - 1);
      expect(usage.memberPromptTokens[name]).toBeGreaterThan(5);
    }
  });
});

describe("two members", () => {
  const methods: MethodOptions[] = [
    { name: "gac" },
    { name: "gac", feedback: "text" },
    { name: "gac", gate: "threshold", threshold: 0.8 },
    { name: "unite", k: 400 },
    { name: "unite", k: 400, feedback: "piece" },
  ];

  it.each(methods)("%j finds no other text as likely as the one that it generates", async (method) => {
    await using ensemble = await open(models, method);
    const { text, pieces, finishReason } = await ensemble.generate(PROMPT, { maxTokens: 6, logProbs: true });
    // The end is a piece of the answer, and no part of its text.
    const said = finishReason === "stop" ? pieces!.slice(0, -1) : pieces!;
    const generated = said.reduce((sum, { logProb }) => sum + logProb, 0);
    const scored = await ensemble.score(PROMPT, text);
    // Greedy decoding takes the likeliest piece at each step; the members cut the finished text nearly so.
    expect(scored.logProb).toBeLessThanOrEqual(0);
    expect(Math.abs(scored.logProb - generated)).toBeLessThan(3);
    const others = await Promise.all(TEXTS.slice(1).map((other) => ensemble.score(PROMPT, other)));
    for (const other of others) expect(other.logProb).toBeLessThan(scored.logProb);
  });

  describe("one ensemble", () => {
    let ensemble: Ensemble;
    beforeAll(async () => {
      ensemble = await open(models, { name: "gac" });
    });
    afterAll(() => ensemble.dispose());

    it("is the product of the fused probabilities, piece by piece", async () => {
      const { pieces } = await ensemble.score(PROMPT, " kitten");
      const [first, ...rest] = pieces;
      const probability = async (method: Ensemble, text: string) =>
        Math.exp((await method.score(PROMPT, text)).logProb);
      const alone = await Promise.all(
        models.map(async (model) => {
          await using member = await open([model], { name: "single" });
          const { pieces: own } = await member.score(PROMPT, first.text);
          return own.length === 1 ? Math.exp(own[0].logProb) : 0;
        }),
      );
      expect(Math.exp(first.logProb)).toBeCloseTo((alone[0] + alone[1]) / 2, 6);
      expect(rest.length).toBeGreaterThan(0);
      expect(await probability(ensemble, first.text)).toBeCloseTo(Math.exp(first.logProb), 9);
    });

    it("repeats itself, and waits for its turn beside generations", async () => {
      const [first, answer, again] = await Promise.all([
        ensemble.score(PROMPT, TEXTS[0]),
        ensemble.generate(PROMPT, { maxTokens: 8 }),
        ensemble.score(PROMPT, TEXTS[0]),
      ]);
      expect(again).toEqual(first);
      expect((await ensemble.generate(PROMPT, { maxTokens: 8 })).text).toBe(answer.text);
    });

    it("with reusePrompt reads the prompt once", async () => {
      const fresh = await ensemble.score(PROMPT, TEXTS[0]);
      const reused = await ensemble.score(PROMPT, TEXTS[0], { reusePrompt: true });
      expect(reused.logProb).toBeCloseTo(fresh.logProb, 2);
    });

    it("takes a conversation", async () => {
      const { logProb } = await ensemble.score([{ role: "user", content: "What is a young deer?" }], " a fawn");
      expect(logProb).toBeLessThan(0);
      expect(Number.isFinite(logProb)).toBe(true);
    });

    it("refuses an empty text and a fired signal, and works afterwards", async () => {
      expect((await refusal(() => ensemble.score(PROMPT, ""))).code).toBe("invalid-text");
      expect((await refusal(() => ensemble.score(PROMPT, " a", { signal: AbortSignal.abort() }))).code).toBe("aborted");
      expect((await refusal(() => ensemble.score(PROMPT, "word ".repeat(2000)))).code).toBe("context-overflow");
      expect(Number.isFinite((await ensemble.score(PROMPT, " a")).logProb)).toBe(true);
    });
  });

  it("gives no likelihood to what a method cannot say", async () => {
    await using ensemble = await open(models, { name: "unite", k: 1 });
    const { logProb, pieces } = await ensemble.score(PROMPT, " zzz");
    expect(logProb).toBe(Number.NEGATIVE_INFINITY);
    expect(pieces.length).toBeLessThan(3);
  });
});
