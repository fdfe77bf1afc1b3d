import { describe, expect, it } from "vitest";
import { RECURRENT_ARCHITECTURES, writeTinyRecurrent } from "../../../scripts/lib/tiny-recurrent.js";
import { SharedMemory } from "../../../src/kernels/shared-memory.js";
import { bytePairVocabulary, randomMember } from "../../../src/laws/scripted-members.js";
import { isMember } from "../../../src/member/is-member.js";
import { LlamaMember } from "../../../src/member/llama/llama-member.js";
import { nativeModels } from "../../../src/native-models.js";
import { temporaryFolder } from "../../support/temporary-folder.js";

const vocabulary = bytePairVocabulary();
const PROMPT = { text: Buffer.from("Hello, the"), parseSpecial: false, addBos: true };
const [{ path: native }] = nativeModels();
const at = temporaryFolder();

describe("a GGUF file on this machine", () => {
  it("offers everything, and says which model it is and what it costs", async () => {
    const member = await LlamaMember.load({ model: native, contextSize: 64 }, new SharedMemory());
    try {
      expect(member).toMatchObject({ kind: "llama", file: native });
      expect(member.offers).toMatchObject({
        logits: true,
        lookup: "all",
        verify: true,
        embeddings: ["input", "output"],
      });
      expect(member.offers.goingBack).toEqual({ tokens: Number.POSITIVE_INFINITY, decodes: "changed" });
      const { file, costs } = member.identity();
      expect(file).toBe(native);
      expect(costs.parameters).toBeGreaterThan(1000);
      expect(costs.weightBytes).toBeGreaterThan(1000);
    } finally {
      await member.dispose();
    }
  });

  it.each(RECURRENT_ARCHITECTURES)(
    "says what a checkpoint costs where the model is recurrent: %s",
    async (architecture) => {
      const model = writeTinyRecurrent(at(`${architecture}.gguf`), { architecture });
      const member = await LlamaMember.load({ model, contextSize: 64 }, new SharedMemory());
      try {
        const { goingBack } = member.offers;
        expect(goingBack).toMatchObject({ tokens: Number.POSITIVE_INFINITY, decodes: "behind-checkpoint" });
        // The state by llama.cpp's formulas, a few numbers that say how it is stored, and the logits.
        const states = { mamba: 3 * (3 * 64 + 16 * 64), granitehybrid: 2 * (3 * 96 + 16 * 64), lfm2: 2 * (2 * 32) };
        const bytes = 4 * (states[architecture] + member.vocabulary.size);
        expect(goingBack.checkpoints?.bytes).toBeGreaterThan(bytes);
        expect(goingBack.checkpoints?.bytes).toBeLessThan(bytes + 256);
        expect(goingBack.checkpoints?.most).toBe(24);
      } finally {
        await member.dispose();
      }
    },
  );
});

describe("a scripted member that offers its likeliest tokens only", () => {
  const whole = randomMember(3, vocabulary);
  const seen = randomMember(3, vocabulary, { offers: { logits: false, topDepth: 20 } });

  it("tells their log-probabilities, and those of no other token", async () => {
    for (const member of [whole, seen]) {
      await member.prepare({ top: 30 });
      await member.begin(PROMPT);
    }
    expect(seen.output.topCount).toBe(20);
    expect(seen.output.topIds).toEqual(whole.output.topIds.subarray(0, 20));
    expect(seen.output.logNormaliser).toBe(0);
    expect(seen.output.logits.length).toBe(0);
    const [first, last] = [whole.output.topIds[0], whole.output.topIds[29]];
    const logProb = whole.output.logits[first] - whole.output.logNormaliser;
    expect(seen.output.topLogits[0]).toBeCloseTo(logProb, 5);
    const found = await seen.lookup([first, last]);
    expect(found[0].logit).toBeCloseTo(logProb, 5);
    expect(found[1].logit).toBe(Number.NEGATIVE_INFINITY);
  });

  it.each([
    ["a projection", () => seen.prepare({ top: 0, projection: { map: new Int32Array(vocabulary.size), size: 1 } })],
    ["hidden states", () => seen.prepare({ top: 1, hidden: true })],
    ["branches", () => seen.prepare({ top: 1, branches: 2 })],
    ["the score of a text", () => seen.scorePrompt(PROMPT)],
    ["a verification", () => seen.verify(Buffer.from(" the"), [{ at: 0 }])],
  ])("refuses %s by name", async (_, ask) => {
    await expect(ask()).rejects.toMatchObject({
      code: "incompatible-members",
      message: expect.stringMatching(new RegExp(`^Member "${seen.name}" (does not offer|has no) `)),
    });
  });

  it("is a member, and the options of one are none", () => {
    expect(isMember(seen)).toBe(true);
    expect(isMember({ model: "a.gguf" })).toBe(false);
    expect(isMember("a.gguf")).toBe(false);
    expect(isMember(undefined)).toBe(false);
  });
});
