import { describe, expect, test } from "vitest";
import { describeStep, samePiece } from "../../../src/decoding/trace.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { RandomGenerator } from "../../../src/random.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";
import { distributionOf, randomProbabilities } from "./distributions.js";

type Token = Parameters<typeof makeVocabulary>[0][number];
const token = (text: string): Token => ({ bytes: Buffer.from(text) });
const END = { bytes: new Uint8Array(), class: TokenClass.end };
const MS = { decode: 1, fuse: 2, sync: 3 };

/** A member that has read "a" and gives its tokens these probabilities. */
async function memberSaying(name: string, tokens: readonly Token[], probabilities: number[]) {
  const member = new ScriptedMember({
    name,
    vocabulary: makeVocabulary([...tokens, token("a")]),
    script: () => [...probabilities.map((probability) => Math.log(probability)), -50],
  });
  await member.prepare({ top: 4 });
  await member.begin({ text: Buffer.from("a"), parseSpecial: false, addBos: false });
  return { member, weight: 1 };
}

describe("a described step", () => {
  test("what each member and the fused distribution hold, best first, as plain data", async () => {
    const owl = await memberSaying(
      "owl",
      [token(" you"), token(" we"), { bytes: Buffer.of(0xe4) }, END],
      [0.5, 0.2, 0.1, 0.2],
    );
    const wren = await memberSaying("wren", [token(" we"), token(" they"), END, END], [0.45, 0.05, 0.3, 0.2]);
    const distribution = distributionOf([0.25, 0.25, 0.325, 0.175, 0], {
      endEntry: 0,
      keys: ["", " you", " we", "é", "never"],
    });
    const step = describeStep({ index: 7, voices: [owl, wren], distribution, entry: 2, top: 3, ms: MS });
    expect(JSON.parse(JSON.stringify(step))).toEqual(step);
    expect(step).toEqual({
      index: 7,
      chosen: { text: " we", probability: 0.325 },
      members: [
        {
          name: "owl",
          heard: true,
          candidates: [
            { text: " you", logProb: expect.closeTo(Math.log(0.5), 5) },
            { text: " we", logProb: expect.closeTo(Math.log(0.2), 5) },
            { text: "", end: true, logProb: expect.closeTo(Math.log(0.2), 5) },
          ],
          endLogProb: expect.closeTo(Math.log(0.2), 5),
          decodeMs: expect.any(Number),
          prepareMs: expect.any(Number),
          decodedTokens: expect.any(Number),
        },
        {
          name: "wren",
          heard: true,
          candidates: [
            { text: "", end: true, logProb: expect.closeTo(Math.log(0.5), 5) },
            { text: " we", logProb: expect.closeTo(Math.log(0.45), 5) },
            { text: " they", logProb: expect.closeTo(Math.log(0.05), 5) },
          ],
          endLogProb: expect.closeTo(Math.log(0.5), 5),
          decodeMs: expect.any(Number),
          prepareMs: expect.any(Number),
          decodedTokens: expect.any(Number),
        },
      ],
      fused: [
        { text: " we", probability: 0.325 },
        { text: "", end: true, probability: 0.25 },
        { text: " you", probability: 0.25 },
      ],
      favourite: [],
      ms: MS,
    });
  });

  test("whose favourite was chosen, by bytes and by the pooled end", async () => {
    const tokens = [{ bytes: Buffer.of(0xe4) }, { bytes: Buffer.of(0xe5) }, END];
    const voices = [
      await memberSaying("owl", tokens, [0.6, 0.3, 0.1]),
      await memberSaying("wren", tokens, [0.3, 0.6, 0.1]),
      await memberSaying("jay", tokens, [0.2, 0.1, 0.7]),
    ];
    const distribution = {
      ...distributionOf([0.4, 0.3, 0.3], { endEntry: 2 }),
      bytesOf: (entry: number) => Buffer.of(0xe4 + entry),
    };
    const favourites = [0, 1, 2].map((entry) => {
      const { chosen, favourite } = describeStep({ index: 0, voices, distribution, entry, top: 1, ms: MS });
      return [chosen, favourite];
    });
    expect(favourites).toEqual([
      [{ text: "\uFFFD", bytes: "e4", probability: 0.4 }, ["owl"]],
      [{ text: "\uFFFD", bytes: "e5", probability: 0.3 }, ["wren"]],
      [{ text: "", end: true, probability: 0.3 }, ["jay"]],
    ]);
  });

  test("an end that may be less probable than what is not listed is not listed either", async () => {
    const owl = await memberSaying(
      "owl",
      [token("b"), token("c"), token("d"), token("e"), token("f"), END],
      [0.3, 0.2, 0.2, 0.15, 0.14, 0.01],
    );
    const [member] = describeStep({
      index: 0,
      voices: [owl],
      distribution: distributionOf([1]),
      entry: 0,
      top: 9,
      ms: MS,
    }).members;
    expect(member.candidates.map(({ text }) => text)).toEqual(["b", "c", "d", "e"]);
    expect(member.endLogProb).toBeCloseTo(Math.log(0.01), 5);
  });

  test("right after a special token the tokenizer's own space is no part of a favourite", async () => {
    const member = new ScriptedMember({
      vocabulary: makeVocabulary([{ bytes: new Uint8Array(), class: TokenClass.control }, token(" b"), token("c")], {
        bos: 0,
        addsSpacePrefix: true,
      }),
      script: () => [0, 2, 1],
    });
    await member.prepare({ top: 2 });
    await member.begin({ text: new Uint8Array(), parseSpecial: true, addBos: true });
    expect(member.atFragmentStart).toBe(true);
    const distribution = distributionOf([1], { keys: ["b"] });
    const step = describeStep({ index: 0, voices: [{ member, weight: 1 }], distribution, entry: 0, top: 2, ms: MS });
    expect(step.favourite).toEqual(["scripted"]);
    expect(step.members[0].endLogProb).toBeNull();
  });

  test("nobody has won what was settled before; what was decoded meanwhile counts", async () => {
    const owl = await memberSaying("owl", [token("b")], [1]);
    const distribution = { ...distributionOf([1], { keys: ["b"] }), isSettled: true };
    const step = describeStep({ index: 0, voices: [owl], distribution, entry: 0, top: 2, ms: MS });
    const { decodedTokens } = owl.member.output;
    expect(decodedTokens).toBeGreaterThan(0);
    expect(step.members).toMatchObject([{ name: "owl", heard: false, candidates: [], decodedTokens }]);
    expect(step.favourite).toEqual([]);
  });

  test("lists the most probable entries, the first of equal ones, and none that is impossible", () => {
    const random = new RandomGenerator(3);
    for (let round = 0; round < 500; round++) {
      const probabilities = Array.from(randomProbabilities(random, 12));
      const top = Math.floor(random.next() * 14);
      const distribution = distributionOf(probabilities, { spare: 3 });
      const { fused } = describeStep({ index: 0, voices: [], distribution, entry: 0, top, ms: MS });
      const ranked = Array.from(probabilities.keys()).filter((entry) => probabilities[entry] > 0);
      ranked.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
      const wanted = ranked.slice(0, top).map((entry) => ({ text: String(entry), probability: probabilities[entry] }));
      expect(fused).toEqual(wanted);
    }
  });

  test("a member that the step did not ask has nothing to say", async () => {
    const owl = await memberSaying("owl", [token("b")], [1]);
    const wren = await memberSaying("wren", [token("b")], [1]);
    wren.member.append({ kind: "text", bytes: Buffer.from("b") });
    const distribution = distributionOf([1], { keys: ["b"] });
    const step = describeStep({ index: 0, voices: [owl, wren], distribution, entry: 0, top: 2, ms: MS });
    expect(step.members[1]).toMatchObject({ name: "wren", heard: false, candidates: [], endLogProb: null });
    expect(step.favourite).toEqual(["owl"]);
  });
});

test("pieces are the same if their bytes are", () => {
  expect(samePiece({ text: "a" }, { text: "a" })).toBe(true);
  expect(samePiece({ text: "" }, { text: "", end: true })).toBe(false);
  expect(samePiece({ text: "\uFFFD" }, { text: "\uFFFD", bytes: "e4" })).toBe(false);
  expect(samePiece(undefined, { text: "" })).toBe(false);
});
