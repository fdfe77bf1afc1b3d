/** Answers of `smc` on members whose texts can be counted: contexts that fill up, draws by weight, options that do nothing. */
import { describe, expect, it } from "vitest";
import type { GenerateOptions } from "../../../src/decoding/request.js";
import type { SamplerOptions } from "../../../src/decoding/sampler-options.js";
import type { MethodOptions } from "../../../src/during/methods.js";
import { byteVocabulary } from "../../../src/laws/scripted-members.js";
import type { Member } from "../../../src/member/member.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { createEnsemble } from "../../../src/systems.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";
import { refusal } from "../../support/refusal.js";

const bytes = byteVocabulary();
const PROMPT = "x".repeat(8);
const END = "end";
/** What comes behind a text: probabilities of a, b and the end. */
const ONE = (text: string): Record<string, number> =>
  text.endsWith("a") ? { a: 0.1, b: 0.7, [END]: 0.2 } : { a: 0.5, b: 0.1, [END]: 0.4 };
const TWO = (text: string): Record<string, number> =>
  text.endsWith("b") ? { a: 0.6, b: 0.2, [END]: 0.2 } : { a: 0.3, b: 0.3, [END]: 0.4 };
const ENDLESS = (): Record<string, number> => ({ a: 0.5, b: 0.5 });

type SmcOptions = Omit<Extract<MethodOptions, { name: "smc" }>, "name">;

interface Saying {
  says: (text: string) => Record<string, number>;
  /** Bytes of an answer after which the context is full. */
  room?: number;
  vocabulary?: Vocabulary;
  /** ln of what is no likelier. */
  least?: number;
}

function saying(name: string, { says, room = 100, vocabulary = bytes, least = -60 }: Saying): ScriptedMember {
  const sayings = Array.from({ length: vocabulary.size }, (_, id) =>
    vocabulary.classOf(id) === TokenClass.end ? END : Buffer.from(vocabulary.bytesOf(id)).toString("latin1"),
  );
  return new ScriptedMember({
    name,
    vocabulary,
    // The last byte's distribution is known before it is read.
    contextSize: PROMPT.length + room - 1,
    script: ({ text }) => {
      const next = says(Buffer.from(text).subarray(PROMPT.length).toString("latin1"));
      return Float32Array.from(sayings, (said) => Math.max(least, Math.log(next[said] ?? 0)));
    },
  });
}

async function asked(members: Member[], options: SmcOptions = {}) {
  return await createEnsemble({ members, method: { name: "smc", ...options }, schedule: "in-turn" });
}

async function answers(members: Member[], options: SmcOptions, requests: GenerateOptions[]) {
  await using ensemble = await asked(members, options);
  const found = [];
  for (const request of requests) found.push(await ensemble.generate(PROMPT, { maxTokens: 20, ...request }));
  return found;
}

describe("where a context is full", () => {
  it.each([1, 2, 8])("the answer ends with one of the texts of %d particles", async (particles) => {
    const members = [saying("one", { says: ENDLESS, room: 5 }), saying("two", { says: ENDLESS })];
    for (const { text, finishReason, usage, report } of await answers(members, { particles }, [
      { seed: 1 },
      { seed: 2 },
    ])) {
      expect(text).toMatch(/^[ab]{5}$/);
      expect([finishReason, usage.steps]).toEqual(["length", 5]);
      // 32 texts, each with 2^-5 under both.
      expect(report!.ensemble.logEvidence).toBeCloseTo(-5 * Math.LN2, 6);
    }
  });

  it("a text that has ended may be the one", async () => {
    const says = (text: string): Record<string, number> => (text === "a" ? { [END]: 1 } : { a: 0.5, b: 0.5 });
    const members = [saying("one", { says, room: 4 }), saying("two", { says, room: 4 })];
    const requests = Array.from({ length: 12 }, (_, seed) => ({ seed }));
    const found = await answers(members, { particles: 4, rule: "mean" }, requests);
    const ends = found.map(({ text, finishReason }) => `${text} ${finishReason}`);
    expect(ends).toContain("a stop");
    expect(ends.some((end) => /^b[ab]{3} length$/.test(end))).toBe(true);
    for (const end of ends) expect(end).toMatch(/^(a stop|b[ab]{3} length)$/);
  });

  it("behind the prompt there is still a byte to be said, and a longer prompt is refused", async () => {
    const members = () => [saying("one", { says: ENDLESS, room: 1 }), saying("two", { says: ENDLESS })];
    const [{ text, finishReason }] = await answers(members(), {}, [{ seed: 1 }]);
    expect([text.length, finishReason]).toEqual([1, "length"]);
    await using ensemble = await asked(members());
    expect((await refusal(() => ensemble.generate(`${PROMPT}x`))).code).toBe("context-overflow");
    // And the next request is answered.
    expect((await ensemble.generate(PROMPT, { seed: 1 })).text).toBe(text);
  });

  it("the answer is drawn by weight, the unfinished texts as likely as their beginnings", async () => {
    const members = [saying("one", { says: ONE, room: 2 }), saying("two", { says: TWO, room: 2 })];
    const requests = Array.from({ length: 250 }, (_, seed) => ({ seed }));
    const found = await answers(members, { particles: 16, beam: 1 }, requests);
    const weights = new Map<string, number>();
    const put = (text: string, both: number[]) => weights.set(text, both[0] * both[1]);
    const walk = (text: string, so: number[]): void => {
      if (text.length === 2) return void put(`${text} length`, so);
      const behind = [ONE(text), TWO(text)];
      put(
        `${text} stop`,
        so.map((value, member) => value * behind[member][END]),
      );
      for (const letter of "ab")
        walk(
          text + letter,
          so.map((value, member) => value * behind[member][letter]),
        );
    };
    walk("", [1, 1]);
    const total = [...weights.values()].reduce((sum, value) => sum + value, 0);
    let distance = 0;
    for (const [end, weight] of weights) {
      const count = found.filter(({ text, finishReason }) => `${text} ${finishReason}` === end).length;
      distance += Math.abs(count / found.length - weight / total) / 2;
    }
    // Seven ends and 250 draws: about 0.06.
    expect(weights.size).toBe(7);
    expect(distance).toBeLessThan(0.1);
  });

  it("a seed repeats its answer", async () => {
    const members = [saying("one", { says: ONE, room: 6 }), saying("two", { says: TWO, room: 9 })];
    const seeds = Array.from({ length: 5 }, (_, seed) => ({ seed }));
    const found = await answers(members, { rule: "mean" }, [...seeds, ...seeds]);
    const texts = found.map(({ text, report }) => [text, report]);
    expect(texts.slice(5)).toEqual(texts.slice(0, 5));
    expect(new Set(texts.slice(0, 5).map(([text]) => text)).size).toBeGreaterThan(1);
  });
});

it("members that keep a tokenisation each, and it is another, guess what they have not read", async () => {
  const words = (word: string) =>
    makeVocabulary([
      ...Array.from({ length: 256 }, (_, byte) => ({ bytes: Uint8Array.of(byte) })),
      { bytes: Buffer.from(word) },
      { bytes: new Uint8Array(), class: TokenClass.end },
    ]);
  const likely = (word: string) => (): Record<string, number> => ({ [word]: 0.9, a: 0.05, b: 0.05 });
  // Both begin a word with the same letters, which no other of their tokens says, and end it in different ones.
  const members = ["abba", "abab"].map((word) => saying(word, { says: likely(word), vocabulary: words(word) }));
  const requests = Array.from({ length: 8 }, (_, seed) => ({ seed, maxTokens: 4 }));
  for (const { text } of await answers(members, { particles: 1, beam: 1 }, requests)) expect(text).toHaveLength(4);
});

it("texts of which each member finds some and no two the same are an error", async () => {
  const only = (letter: string) =>
    makeVocabulary([
      { bytes: Buffer.from("x") },
      { bytes: Buffer.from(letter) },
      { bytes: new Uint8Array(), class: TokenClass.end },
    ]);
  const members = ["a", "b"].map((letter) =>
    saying(letter, { says: () => ({ [letter]: 1 }), vocabulary: only(letter), least: -900 }),
  );
  await using ensemble = await asked(members, { threshold: 0, heal: 0 });
  expect(await refusal(() => ensemble.generate(PROMPT, { maxTokens: 3 }))).toMatchObject({
    code: "incompatible-members",
  });
});

describe("options that do nothing are refused", () => {
  const members = () => [saying("one", { says: ONE }), saying("two", { says: TWO })];

  it.each<SamplerOptions>([
    { temperature: 0.7 },
    { topK: 5 },
    { topP: 0.9 },
    { minP: 0.1 },
    { topNSigma: 1 },
    { typicalP: 0.5 },
    { xtcProbability: 0.5 },
    { repetitionPenalty: 1.1 },
    { dryMultiplier: 0.8 },
    { dynamicTemperatureRange: 0.1 },
    { mirostat: 2, temperature: 1 },
  ])("%j", async (options) => {
    await using ensemble = await asked(members());
    const error = await refusal(() => ensemble.generate(PROMPT, options));
    expect(error.code).toBe("invalid-option");
    expect(error.message).toContain(`where ${Object.keys(options)[0]} does not apply`);
  });

  it("but for a temperature of 1, which is what smc draws at", async () => {
    const [hot, plain] = await answers(members(), {}, [{ temperature: 1, seed: 3 }, { seed: 3 }]);
    expect(hot.text).toBe(plain.text);
  });

  it("an exponent without the rule that has one", async () => {
    const error = await refusal(() => asked(members(), { rule: "mean", exponent: 2 }));
    expect(error).toMatchObject({ code: "invalid-option", details: { option: "exponent" } });
    await using ensemble = await asked(members(), { rule: "power", exponent: 2 });
    expect((await ensemble.generate(PROMPT, { seed: 1 })).finishReason).toBe("stop");
  });
});
