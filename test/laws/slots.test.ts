/**
 * Requests side by side in the slots of loaded members: each is answered as if it were alone, whoever else is there. Every
 * method that is registered, on GGUF files; with a request that is cancelled, one that fails and one that asks to be alone.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyModel } from "../../scripts/lib/tiny-model.js";
import type { GenerateResult } from "../../src/decoding/result.js";
import { samePiece } from "../../src/decoding/trace.js";
import type { Method } from "../../src/during/define-method.js";
import { methods } from "../../src/during/methods.js";
import { type Ensemble, fuse } from "../../src/ensemble/ensemble.js";
import { loadMembers, type Members } from "../../src/ensemble/members.js";
import { LlamafuseError } from "../../src/errors.js";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import { nativeModels } from "../../src/native-models.js";
import { createEnsemble } from "../../src/systems.js";
import { temporaryFolder } from "../support/temporary-folder.js";
import { ROUNDING } from "./llama-members.js";

const [robin, wren] = nativeModels().map(({ path }) => path);
const at = temporaryFolder();
const siblings = [1, 2].map(
  (layers) => writeTinyModel(at(`${layers}-layers.gguf`), { layers, tokenizer: "bpe", contextLength: 256 })[0],
);

const SLOTS = 3;
const CONTEXT = 96;
const PROMPTS = ["Once upon a time", "One day, a girl who lived by the sea", "Tom"];
const TOO_LONG = "again and ".repeat(2 * CONTEXT);
/** Some methods draw at temperature 0, too. */
const REQUEST = { maxTokens: 6, temperature: 0, seed: 7, logProbs: true };

/** By models and slots. */
const loaded = new Map<string, Members>();

beforeAll(async () => {
  for (const [kind, models] of Object.entries({ natives: [robin, wren], siblings })) {
    for (const slots of [1, SLOTS]) {
      const members = models.map((model) => ({ model, contextSize: CONTEXT }));
      loaded.set(`${kind} ${slots}`, await loadMembers({ members, slots, schedule: "parallel" }));
    }
  }
});

afterAll(async () => {
  await Promise.all([...loaded.values()].map((members) => members.dispose()));
});

for (const method of methods as unknown as Method[]) {
  const [{ options, rounding = 1 }] = method.laws;
  const choice = method(options);
  /** Over the first models that it works with; undefined where it takes one. */
  const over = async (slots: number): Promise<Ensemble> => {
    const all = ["natives", "siblings"].map((kind) => loaded.get(`${kind} ${slots}`)!);
    for (const members of [...all, ...all.map((each) => each.only(each.names[0]))]) {
      try {
        return await fuse(members, choice);
      } catch (error) {
        if (!(error instanceof LlamafuseError && error.code === "incompatible-members")) throw error;
      }
    }
    throw new Error("no members fit");
  };

  describe(`slots: ${method.info.name} ${JSON.stringify(options ?? {})}`, () => {
    it("answers requests at once as one after another, whoever is cancelled or fails beside them", async () => {
      const alone = await over(1);
      const many = await over(SLOTS);
      const expected: GenerateResult[] = [];
      for (const prompt of PROMPTS) expected.push(await alone.generate(prompt, REQUEST));
      const cancelled = new AbortController();
      const stream = many.stream(PROMPTS[0], { ...REQUEST, maxTokens: 40, signal: cancelled.signal });
      const ends = (async () => {
        for (let step = await stream.next(); !step.done; step = await stream.next()) cancelled.abort();
      })();
      const fails = many.generate(TOO_LONG, REQUEST).catch((error) => error);
      const exact = many.generate(PROMPTS[0], { ...REQUEST, exact: true });
      const found = await Promise.all(PROMPTS.map((prompt) => many.generate(prompt, REQUEST)));
      await ends;
      expect(await fails).toMatchObject({ code: "context-overflow" });
      expect((await exact).text).toBe(expected[0].text);
      expect((await exact).pieces).toEqual(expected[0].pieces);
      for (const [index, result] of found.entries()) expectSame(result, expected[index], rounding * ROUNDING);
      await Promise.all([alone.dispose(), many.dispose()]);
    });
  });
}

describe("answers of a form in slots", () => {
  const format = { regex: "[a-z]{3} [0-9]{2}" };
  const tools = [
    { name: "pick", parameters: { type: "object", properties: { a: { enum: ["x", "y"] } }, required: ["a"] } },
  ];
  const ASK = [{ role: "user" as const, content: "Pick." }];

  it.each(["unite", "core", "gac", "bytes"] as const)("are those of one after another: %s", async (name) => {
    const members = [robin, wren].map((model) => ({ model, contextSize: 384 }));
    const [alone, many] = await Promise.all(
      [1, SLOTS].map((slots) => createEnsemble({ members, slots, method: name, schedule: "parallel", gpu: false })),
    );
    const calls = { tools, toolChoice: "required", parallelToolCalls: false, maxTokens: 120, seed: 7 } as const;
    const ask = (ensemble: Pick<Ensemble, "generate">) => [
      () => ensemble.generate(PROMPTS[0], { ...REQUEST, maxTokens: 20, format }),
      () => ensemble.generate(ASK, calls),
      () => ensemble.generate(PROMPTS[1], { ...REQUEST, maxTokens: 20, format }),
    ];
    const expected: GenerateResult[] = [];
    for (const one of ask(alone)) expected.push(await one());
    const found = await Promise.all(ask(many).map((one) => one()));
    for (const place of [0, 2]) {
      expect(found[place].text).toMatch(/^[a-z]{3} [0-9]{2}$/);
      expectSame(found[place], expected[place], ROUNDING);
    }
    expect(found[1].toolCalls!.map((call) => call.name)).toEqual(["pick"]);
    await Promise.all([alone.dispose(), many.dispose()]);
  });
});

/** The same pieces as probable; where two are equally probable, either may be chosen, and what follows is another text. */
function expectSame(found: GenerateResult, expected: GenerateResult, tolerance: number): void {
  expect(found.pieces!.length).toBeGreaterThan(0);
  for (const [step, piece] of expected.pieces!.entries()) {
    const own = found.pieces![step];
    expect(own).toBeDefined();
    if (!Number.isNaN(piece.logProb)) expect(Math.abs(own.logProb - piece.logProb)).toBeLessThanOrEqual(tolerance);
    if (!samePiece(own, piece)) return;
  }
  expect(found.text).toBe(expected.text);
  expect(found.finishReason).toBe(expected.finishReason);
}

describe("slots of a member", () => {
  it("begin with what another slot holds, where the prompt is to be reused", async () => {
    const member = await LlamaMember.load({ model: robin, contextSize: CONTEXT, slots: 2 }, new SharedMemory());
    try {
      const [first, second] = member.slots!;
      const prompt = (text: string, reuse: boolean) =>
        ({ text: Buffer.from(text), parseSpecial: false, addBos: true, reuse }) as const;
      await first.begin(prompt("Once upon a time there was a fox", false));
      const fresh = await second.begin(prompt("Once upon a time there was a dog", false));
      const logits = Float32Array.from(second.output.logits);
      await second.begin(prompt("Tom", false));
      const reused = await second.begin(prompt("Once upon a time there was a dog", true));
      expect(fresh.reusedTokens).toBe(0);
      expect(reused.promptTokens).toBe(fresh.promptTokens);
      expect(reused.reusedTokens).toBeGreaterThan(0);
      for (const [id, logit] of logits.entries()) expect(Math.abs(second.output.logits[id] - logit)).toBeLessThan(0.05);
      // What the other slot holds stays its own.
      const kept = await first.cachedTokens();
      expect(kept).toEqual(await first.tokenize(Buffer.from("Once upon a time there was a fox"), { addBos: true }));
    } finally {
      await member.dispose();
    }
  });
});
