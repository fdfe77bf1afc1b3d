/** The switches CDS and CITER on scripted members: who speaks at which step, and how the other one catches up. */
import { describe, expect, it } from "vitest";
import { methodNamed } from "../../../src/during/methods.js";
import { isCritical } from "../../../src/during/token/switch/cds.js";
import { callsLarge } from "../../../src/during/token/switch/citer.js";
import { EntropyModel, isEntity } from "../../../src/during/token/switch/heuristics.js";
import type { SwitchingModel } from "../../../src/during/token/switch/switching-model.js";
import { byteVocabulary, randomMember } from "../../../src/laws/scripted-members.js";
import { textOfTokens } from "../../../src/laws/text-of-tokens.js";
import { beginRun, walk } from "../../../src/laws/walk.js";
import type { Member } from "../../../src/member/member.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";

const end = { bytes: new Uint8Array(), class: TokenClass.end };
/** a b c … z end */
const letters = makeVocabulary([
  ..."abcdefghijklmnopqrstuvwxyz".split("").map((letter) => ({ bytes: Buffer.from(letter) })),
  end,
]);

/** Says `word` over and over, as surely as `logit`. */
function saying(name: string, word: string, logit = 9, hasStates = false): ScriptedMember {
  return new ScriptedMember({
    name,
    vocabulary: letters,
    script: ({ tokens }) => {
      const next = word.charCodeAt((tokens.length - 1) % word.length) - 97;
      return Float32Array.from({ length: letters.size }, (_, id) => (id === next ? logit : 0));
    },
    hidden: hasStates ? () => [0, 0] : undefined,
  });
}

/** Scores in order, one a step. */
const scored = (...scores: number[]): SwitchingModel => {
  let step = 0;
  return { needs: {}, score: () => scores[step++ % scores.length] };
};

describe("the switch", () => {
  it.each([
    [0.2, 0.5, false],
    [0.5, 0.5, false],
    [0.51, 0.5, true],
    [1, 1, false],
  ])("of cds at %d with threshold %d: %s", (score, threshold, other) => {
    expect(isCritical(score, threshold)).toBe(other);
  });

  it.each([
    [0.2, 0.5, true],
    [0.5, 0.5, false],
    [0.9, 0.9, false],
    [0.89, 0.9, true],
    [0, 0, false],
  ])("of citer at %d with threshold %d: %s", (score, threshold, other) => {
    expect(callsLarge(score, threshold)).toBe(other);
  });

  it("lets the member speak whose turn it is, and the other catch up at once when it is asked", async () => {
    const members = [saying("small", "s"), saying("large", "l")];
    const decoded: number[] = [];
    const { text, steps } = await walk({
      method: { name: "citer", router: scored(1, 1, 1, 0, 1, 0), threshold: 0.5 },
      members,
      prompt: "a",
      steps: 6,
      inspect: (_, _step, voices) => {
        try {
          decoded.push(voices[1].member.output.decodedTokens);
        } catch {
          decoded.push(-1);
        }
      },
    });
    expect(text.toString()).toBe("ssslsl");
    // Begun; then left alone until step 3, when three tokens are read at once; then until step 5.
    expect(decoded).toEqual([1, -1, -1, 3, -1, 2]);
    expect(steps.map(({ probabilities }) => probabilities.length)).toEqual([2, 2, 2, 2, 2, 2]);
    for (const member of members)
      expect(Buffer.from(textOfTokens(letters, await member.cachedTokens())).toString()).toBe("assslsl");
  });

  it("takes either member as the leader, by place and by name", async () => {
    for (const small of [1, "second"]) {
      const members = [saying("first", "f"), saying("second", "s")];
      const method = { name: "citer", router: scored(1, 0), threshold: 0.5, small } as const;
      expect((await walk({ method, members, prompt: "a", steps: 4 })).text.toString()).toBe("sfsf");
    }
    const members = [saying("first", "f"), saying("second", "s")];
    const method = { name: "cds", classifier: scored(1, 0), knowledge: "first" } as const;
    expect((await walk({ method, members, prompt: "a", steps: 4 })).text.toString()).toBe("fsfs");
  });

  it("says a critical token for certain, or draws it where that is asked for", async () => {
    for (const [critical, certain] of [
      ["greedy", true],
      ["sampled", false],
    ] as const) {
      const members = [saying("aligned", "a", 3), saying("knowledge", "k", 3)];
      const method = { name: "cds", classifier: scored(1), critical } as const;
      const { steps } = await walk({ method, members, prompt: "a", steps: 3, greedy: false });
      for (const { bestString, probabilities, best } of steps) {
        expect(bestString).toBe("k");
        expect(probabilities[best] === 1).toBe(certain);
      }
    }
  });

  it("leaves the step to the aligned member where it is sure, by entropy", async () => {
    const unsure = new ScriptedMember({
      name: "aligned",
      vocabulary: letters,
      script: ({ tokens }) =>
        Float32Array.from(letters.data.classes, (_, id) => (id === 0 && tokens.length % 2 ? 20 : 0)),
    });
    const members = [unsure, saying("knowledge", "k")];
    const { text } = await walk({ method: { name: "cds" }, members, prompt: "xyz", steps: 4 });
    expect(text.toString()).toBe("akak");
  });
});

describe("the heuristics", () => {
  it("computes the entropy of a distribution that 64 tokens hold exactly, and of the rest as one", async () => {
    const model = new EntropyModel();
    const member = new ScriptedMember({ vocabulary: letters, script: () => new Float32Array(letters.size) });
    await member.prepare(model.needs as { top: number });
    await member.begin({ text: Buffer.from("a"), parseSpecial: false, addBos: false });
    expect(model.score(member)).toBeCloseTo(Math.log(27), 12);

    const wide = randomMember(1, byteVocabulary());
    await wide.prepare(model.needs as { top: number });
    await wide.begin({ text: Buffer.from("a"), parseSpecial: false, addBos: false });
    const { logits, logNormaliser } = wide.output;
    const p = Array.from(logits, (logit) => Math.exp(logit - logNormaliser)).sort((a, b) => b - a);
    const rest = p.slice(64).reduce((a, b) => a + b);
    const expected = -[...p.slice(0, 64), rest].reduce((sum, value) => sum + value * Math.log(value), 0);
    expect(model.score(wide)).toBeCloseTo(expected, 9);
  });

  it.each([
    ["The capital of France is", " Paris", true],
    ["The capital of France is Par", "is", true],
    ["The capital of", " the", false],
    ["It rains.", " The", false],
    ["", "The", false],
    ["She was born in 19", "06", true],
    ["She was born in", " 1", true],
    ["He said:", ' "Yes', false],
    ["in", " Österreich", true],
    ["in Paris", " ", false],
    ["in Paris", ",", true],
  ])("takes %j + %j for part of a name or number: %s", (before, piece, expected) => {
    expect(isEntity(before, piece)).toBe(expected);
  });
});

describe("bad input", () => {
  const two = () => [saying("first", "f", 9, true), saying("second", "s")];
  const begin = (options: object, members: Member[] = two()) => beginRun({ method: options as never, members });

  it.each([
    [{ name: "citer" }, "invalid-option", /llamafuse train citer/],
    [
      { name: "citer", router: "no-such.json" },
      "file-unreadable",
      /llamafuse train citer.*the file no-such.json does not exist/,
    ],
    [
      { name: "cds", classifier: "no-such.json" },
      "file-unreadable",
      /llamafuse train cds.*the file no-such.json does not exist/,
    ],
    [{ name: "cds", knowledge: "third" }, "invalid-option", /knowledge member "third".*first, second/],
    [{ name: "citer", router: scored(1), small: 2 }, "invalid-option", /Member 2 does not exist/],
    [{ name: "citer", router: scored(1), threshold: 1.5 }, "invalid-option", /"threshold" of citer/],
    [{ name: "citer", router: 3 }, "invalid-option", /"router" of citer/],
    [{ name: "cds", classifier: {} }, "invalid-option", /"classifier" of cds/],
  ])("%j", async (options, code, message) => {
    await expect((async () => begin(options))()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("three members", () => {
    const voices = [...two(), saying("third", "t")].map((member) => ({ member, weight: 1 / 3 }));
    const context = { voices, greedy: true, traceTop: 0, advance: async () => {} };
    for (const method of [{ name: "cds" }, { name: "citer", router: scored(1) }] as const) {
      expect(() => methodNamed(method).create(context)).toThrow(
        expect.objectContaining({
          code: "incompatible-members",
          message: expect.stringMatching(/takes 2 members .*unite/),
        }),
      );
    }
  });
});
