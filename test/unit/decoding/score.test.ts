/** The log-likelihood of a text by its definition, on distributions written by hand. */
import { describe, expect, it } from "vitest";
import type { PromptInput } from "../../../src/decoding/prompt.js";
import { defineMethod } from "../../../src/during/define-method.js";
import type { FusedDistribution } from "../../../src/during/method.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import { END, PROMPT } from "../../../src/laws/walk.js";
import type { Member } from "../../../src/member/member.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { createEnsemble } from "../../../src/systems.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";
import { distributionOf } from "./distributions.js";

const text = (string: string) => ({ bytes: Buffer.from(string) });

type Make = (name: string) => Member;

/** Makes members that cut text into these tokens, the longest first. */
const cutting =
  (...tokens: string[]): Make =>
  (name) =>
    new ScriptedMember({
      name,
      vocabulary: makeVocabulary([...tokens.map(text), { bytes: new Uint8Array(), class: TokenClass.end }]),
      script: () => new Float32Array(tokens.length + 1),
    });

/** Strings and their probabilities, in this order; END is the end. */
type Said = [string, number][];

/** A method that says these distributions, one a step, and notes which entries were accepted. */
function saying(steps: readonly Said[], accepted: number[] = []) {
  return defineMethod({
    name: "by-hand",
    summary: "-",
    source: "-",
    requires: "-",
    create: ({ voices }) => {
      let step = 0;
      return {
        async prepare() {
          for (const { member } of voices) await member.prepare({ top: 0 });
        },
        async step(): Promise<FusedDistribution> {
          const said = steps[step++];
          const endEntry = said.findIndex(([string]) => string === END);
          return distributionOf(
            said.map(([, probability]) => probability),
            { endEntry, keys: said.map(([string]) => string) },
          );
        },
        accept: (entry) => void accepted.push(entry),
      };
    },
    laws: [{ covers: "some" }],
  });
}

/** One kind of member is there twice, since a method leaves a member alone as it is. */
async function scored(kinds: [Make, Make?], scoredText: string, steps: Said[]) {
  const accepted: number[] = [];
  const members = [kinds[0]("first"), (kinds[1] ?? kinds[0])("second")];
  await using ensemble = await createEnsemble({ members, method: saying(steps, accepted)() });
  const { logProb, pieces } = await ensemble.score("x", scoredText);
  return { logProb, pieces: pieces.map(({ text, logProb: own }) => [text, Math.exp(own)]), accepted };
}

const near = (value: number) => expect.closeTo(value, 12);

describe("the pieces of a scored text", () => {
  const pairs = cutting("x", "a", "b", "c", "ab");
  const letters = cutting("x", "a", "b", "c");

  it("are a member's own tokens, of which the longest", async () => {
    const steps: Said[] = [
      [
        ["a", 0.7],
        ["ab", 0.1],
        ["abc", 0.2],
      ],
      [["c", 0.5]],
    ];
    const { logProb, pieces, accepted } = await scored([pairs, letters], "abc", steps);
    // "abc" is longer, and nobody's token ends there.
    expect(pieces).toEqual([
      ["ab", near(0.1)],
      ["c", near(0.5)],
    ]);
    expect(logProb).toBeCloseTo(Math.log(0.1 * 0.5), 12);
    // The last piece leads nowhere.
    expect(accepted).toEqual([1]);
  });

  it("are the second member's where the distribution lacks the first one's", async () => {
    const steps: Said[] = [
      [
        ["abc", 0.2],
        ["a", 0.7],
        ["ab", 0],
      ],
      [["b", 0.25]],
      [["c", 0.125]],
    ];
    expect((await scored([pairs, letters], "abc", steps)).pieces).toEqual([
      ["a", near(0.7)],
      ["b", near(0.25)],
      ["c", near(0.125)],
    ]);
  });

  it("are the longest entries where no token of a member is there, or begins there", async () => {
    const steps: Said[] = [
      [
        ["b", 0.1],
        ["abca", 0.5],
        ["abx", 0.2],
        ["abc", 0.2],
      ],
    ];
    expect((await scored([pairs, letters], "abc", steps)).pieces).toEqual([["abc", near(0.2)]]);
    // "x" + "a" is a token, so none begins behind the prompt.
    const crossing = cutting("xa", "x", "a", "b");
    const [first, second]: Said[] = [
      [
        ["a", 0.3],
        ["aa", 0.4],
      ],
      [["b", 0.5]],
    ];
    expect((await scored([crossing], "aab", [first, second])).pieces).toEqual([
      ["aa", near(0.4)],
      ["b", near(0.5)],
    ]);
  });

  it("are the likeliest of equal strings, wherever it stands, the first of the likeliest", async () => {
    const steps = (...probabilities: number[]): Said[] => [probabilities.map((probability) => ["ab", probability])];
    for (const [probabilities, chosen] of [
      [[0.2, 0.3, 0.1], 1],
      [[0.4, 0.3, 0.1], 0],
      [[0.1, 0.3, 0.3], 1],
      [[0, 0.2, 0.3], 2],
    ] as const) {
      // A second piece, so that the first is accepted.
      const { accepted, pieces } = await scored([pairs], "abc", [...steps(...probabilities), [["c", 1]]]);
      expect(accepted).toEqual([chosen]);
      expect(pieces[0]).toEqual(["ab", near(probabilities[chosen])]);
      // The same where no member has such a token.
      const longest = await scored([cutting("xa", "x", "a", "b", "c")], "abc", [
        ...steps(...probabilities),
        [["c", 1]],
      ]);
      expect(longest.accepted).toEqual([chosen]);
    }
  });

  it("are never the end, nor empty, nor longer than the text", async () => {
    const steps: Said[] = [
      [
        [END, 0.9],
        ["", 0.05],
        ["abc", 0.03],
        ["a", 0.02],
      ],
      [
        [END, 1],
        ["b", 1e-300],
      ],
    ];
    const { logProb, pieces } = await scored([pairs], "ab", steps);
    expect(pieces).toEqual([
      ["a", near(0.02)],
      ["b", expect.closeTo(1e-300, 310)],
    ]);
    expect(logProb).toBeCloseTo(Math.log(0.02) + Math.log(1e-300), 9);
  });

  it("end where nothing continues the text, whose likelihood is 0", async () => {
    const steps: Said[] = [
      [["a", 0.5]],
      [
        ["a", 0.9],
        ["b", 0],
        ["c", 0.1],
      ],
    ];
    expect(await scored([letters], "abc", steps)).toEqual({
      logProb: Number.NEGATIVE_INFINITY,
      pieces: [["a", near(0.5)]],
      accepted: [0],
    });
  });

  it("are cut where a tokenizer's own space begins the text", async () => {
    // "▁x" and "▁a" behind a control token: the space before the prompt is no part of the text.
    const spaced: Make = (name) =>
      new ScriptedMember({
        name,
        vocabulary: makeVocabulary([text(" x"), text("x"), text(" ab"), text("a"), text("b"), text("ab")], {
          addsSpacePrefix: true,
        }),
        script: () => new Float32Array(6),
      });
    const steps: Said[] = [
      [
        ["a", 0.4],
        ["ab", 0.3],
      ],
      [
        [" a", 0.1],
        [" ab", 0.2],
      ],
    ];
    expect((await scored([spaced], "ab ab", steps)).pieces).toEqual([
      ["ab", near(0.3)],
      [" ab", near(0.2)],
    ]);
  });
});

describe("special tokens beside a scored text", () => {
  const control = (text: string) => ({ bytes: new Uint8Array(), text, class: TokenClass.control });
  const reading = (name: string, tokens: string[], special: string) =>
    new ScriptedMember({
      name,
      vocabulary: makeVocabulary([
        ...tokens.map(text),
        control(special),
        { bytes: new Uint8Array(), class: TokenClass.end },
      ]),
      script: () => new Float32Array(tokens.length + 2),
    });
  const steps: Said[] = [
    [
      ["a", 0.7],
      ["ab", 0.1],
    ],
    [["b", 0.5]],
  ];
  const own = [
    ["a", near(0.7)],
    ["b", near(0.5)],
  ];
  const scoredBehind = async (prompt: PromptInput, tokens: string[], special: string) => {
    const members = ["first", "second"].map((name) => reading(name, tokens, special));
    await using ensemble = await createEnsemble({ members, method: saying(steps)() });
    const { pieces } = await ensemble.score(prompt, "ab");
    return pieces.map(({ text, logProb }) => [text, Math.exp(logProb)]);
  };

  it("are none in it: what spells one is letters", async () => {
    expect(await scoredBehind("x", ["x", "a", "b"], "ab")).toEqual(own);
    // Nor in a conversation before it.
    const letters = [..."xUser: \nAistn", "a", "b"];
    expect(await scoredBehind([{ role: "user", content: "x" }], letters, "ab")).toEqual(own);
  });

  it("end the text before it, which crosses no token then", async () => {
    expect(await scoredBehind("x[P]", ["x", "a", "b", "[", "P", "]", "]a"], "[P]")).toEqual(own);
    // As letters they do.
    expect(await scoredBehind("xP]", ["x", "a", "b", "[", "P", "]", "]a"], "[P]")).toEqual([["ab", near(0.1)]]);
  });
});

it("says what is spent, of the prompt and behind it", async () => {
  const members = [randomMember(1, sentencePieceVocabulary()), randomMember(2, bytePairVocabulary())];
  await using ensemble = await createEnsemble({ members, method: { name: "gac", feedback: "piece" } });
  const { usage, pieces, method } = await ensemble.score(PROMPT, " cats dog");
  expect(method).toBe("gac");
  for (const member of members) {
    const prompt = await member.tokenize(Buffer.from(PROMPT), { addBos: true, parseSpecial: true });
    expect(usage.memberPromptTokens[member.name]).toBe(prompt.length);
    expect(usage.memberTokens[member.name]).toBeGreaterThanOrEqual(pieces.length - 1);
  }
});

it("of one member is the sum of its own tokens' log-probabilities", async () => {
  const vocabulary = bytePairVocabulary();
  const member = randomMember(3, vocabulary);
  await using ensemble = await createEnsemble({ members: [member] });
  const said = " the catsdog";
  const { logProb } = await ensemble.score(PROMPT, said);
  const prompt = Array.from(await member.tokenize(Buffer.from(PROMPT)));
  const all = Array.from(await member.tokenize(Buffer.from(PROMPT + said)));
  expect(all.slice(0, prompt.length)).toEqual(prompt);
  let wanted = 0;
  for (let at = prompt.length; at < all.length; at++) {
    await member.begin({ text: Buffer.from(PROMPT), tokens: all.slice(0, at), parseSpecial: false, addBos: false });
    const { logits } = member.output;
    // Control tokens cannot be said.
    const possible = Array.from(logits.keys()).filter((id) => vocabulary.classOf(id) !== TokenClass.control);
    wanted += logits[all[at]] - Math.log(possible.reduce((sum, id) => sum + Math.exp(logits[id]), 0));
  }
  expect(logProb).toBeCloseTo(wanted, 4);
});
