/** The method bytes on scripted members. */
import { describe, expect, it } from "vitest";
import { BytesAlignment } from "../../../../src/during/alignments/bytes/alignment.js";
import type { BeamOptions } from "../../../../src/during/alignments/bytes/member-bytes.js";
import { END } from "../../../../src/during/alignments/bytes/token-masses.js";
import type { Voice } from "../../../../src/during/method.js";
import {
  bytePairVocabulary,
  byteVocabulary,
  randomMember,
  sentencePieceVocabulary,
} from "../../../../src/laws/scripted-members.js";
import { beginRun } from "../../../../src/laws/walk.js";
import type { Member } from "../../../../src/member/member.js";
import { ScriptedMember } from "../../../../src/member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass } from "../../../../src/vocabulary/vocabulary.js";

const EXACT: BeamOptions = { beam: 64, threshold: 0, canonical: false, heal: 0 };

/** A member's next-byte distributions behind the prompt and along the text. */
async function read(member: Member, prompt: string, text: string, options: BeamOptions) {
  const voices: Voice[] = [{ member, weight: 1 }];
  const advance = async () => void (await member.advance());
  const alignment = new BytesAlignment({ voices, greedy: false, traceTop: 0, advance }, options);
  await alignment.prepare();
  await member.begin({ text: Buffer.from(prompt), parseSpecial: false, addBos: true });
  const distributions: Float64Array[] = [];
  for (const byte of [...Buffer.from(text), undefined]) {
    distributions.push((await alignment.align([0])).distributions[0].slice());
    if (byte !== undefined) alignment.accept(byte);
  }
  return { distributions, counts: alignment.counts[0] };
}

const letters = (bytes: number[], probability: number): number[] => bytes.map(() => probability);

describe("bytes", () => {
  it("says of a vocabulary of bytes what its tokens say", async () => {
    const vocabulary = byteVocabulary();
    const { distributions } = await read(randomMember(3, vocabulary), "He", "llo", EXACT);
    const member = randomMember(3, vocabulary);
    await member.begin({ text: Buffer.from("Hello"), parseSpecial: false, addBos: true });
    const { logits, logNormaliser } = member.output;
    for (let byte = 0; byte < 256; byte++)
      expect(distributions[3][byte]).toBeCloseTo(Math.exp(logits[byte] - logNormaliser), 9);
    expect(distributions[3][END]).toBeCloseTo(Math.exp(logits[256] - logNormaliser), 9);
  });

  it("is a distribution at every byte however few hypotheses it keeps, and never says that a byte is impossible", async () => {
    for (const canonical of [false, true]) {
      const options = { ...EXACT, beam: 1, threshold: 0.5, canonical };
      const text = "the cat dog unхx1 hello wörld";
      const { distributions, counts } = await read(randomMember(5, bytePairVocabulary()), "Say", text, options);
      for (const [index, values] of distributions.entries()) {
        expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
        const byte = Buffer.from(text)[index];
        if (byte !== undefined && counts.discarded > 0 && index > 0) expect(values[byte]).toBeGreaterThan(0);
      }
      expect(counts.bytes).toBe(Buffer.byteLength(text));
    }
  });

  it("reads the tokenizer's own space at a beginning as no text", async () => {
    const vocabulary = sentencePieceVocabulary();
    const member = randomMember(2, vocabulary);
    const { distributions } = await read(member, "", "", EXACT);
    const again = randomMember(2, vocabulary);
    await again.begin({ text: new Uint8Array(), parseSpecial: false, addBos: true });
    const total = distributions[0].reduce((sum, value) => sum + value, 0);
    expect(total).toBeCloseTo(1, 9);
    // " the" and "the" both begin with a t.
    expect(distributions[0]["t".charCodeAt(0)]).toBeGreaterThan(0);
  });

  it("finishes the word that the prompt begins", async () => {
    // The model knows "hello" as one token and "hel" as another, behind which it would say anything but "lo".
    const vocabulary = makeVocabulary([
      ...["hello", "hel", "l", "o", "x", "<"].map((string) => ({ bytes: Buffer.from(string) })),
      { bytes: new Uint8Array(), class: TokenClass.end },
    ]);
    const member = () =>
      new ScriptedMember({
        vocabulary,
        script: ({ tokens }) =>
          (tokens.at(-1) === 5
            ? [0.9, 0.05, ...letters([1, 1, 1, 1], 0.01), 0.01]
            : [0, 0, 0.01, 0.01, 0.9, 0.04, 0.04]
          ).map((probability) => Math.log(Math.max(probability, 1e-30))),
      });
    const healed = await read(member(), "<hel", "", { ...EXACT, heal: 1 });
    expect(healed.distributions[0]["l".charCodeAt(0)]).toBeGreaterThan(0.9);
    const unhealed = await read(member(), "<hel", "", EXACT);
    expect(unhealed.distributions[0]["l".charCodeAt(0)]).toBeLessThan(0.05);
  });

  it("slides a full context instead of ending", async () => {
    const member = randomMember(4, bytePairVocabulary(), { contextSize: 16 });
    const text = "the cat and the dog and the cat and the dog and the cat";
    const { distributions } = await read(member, "Say", text, { ...EXACT, beam: 4, threshold: 1e-3 });
    expect(distributions).toHaveLength(text.length + 1);
    expect((await member.cachedTokens()).length).toBeLessThanOrEqual(16);
  });

  it("lets a member that cannot spell the text count for nothing", async () => {
    const few = makeVocabulary([{ bytes: Buffer.from("a") }, { bytes: new Uint8Array(), class: TokenClass.end }]);
    const poor = new ScriptedMember({ name: "poor", vocabulary: few, script: () => [0, 0] });
    const rich = randomMember(1, byteVocabulary());
    const { run } = await beginRun({ method: "bytes", members: [poor, rich], prompt: "a", greedy: false });
    await run.step();
    await run.accept("z".charCodeAt(0));
    const { probabilities } = await run.step();
    expect(run.report?.()).toMatchObject({ poor: { bytes: 1, healed: 1 }, "random-1": { bytes: 1, discarded: 0 } });
    const alone = await read(randomMember(1, byteVocabulary()), "a", "z", EXACT);
    for (let entry = 0; entry <= END; entry++)
      expect(probabilities[entry]).toBeCloseTo(alone.distributions[1][entry], 9);
  });

  it("weighs members by their nats a byte of the prompt", async () => {
    const vocabulary = byteVocabulary();
    const sure = new ScriptedMember({
      name: "sure",
      vocabulary,
      script: () => Array.from({ length: 257 }, (_, id) => (id === 97 ? 5 : 0)),
    });
    const unsure = new ScriptedMember({ name: "unsure", vocabulary, script: () => new Float64Array(257) });
    const method = { name: "bytes", weights: "perplexity" } as const;
    const { run } = await beginRun({ method, members: [sure, unsure], prompt: "aaaa", greedy: false });
    const { probabilities } = await run.step();
    const own = Math.exp(5) / (Math.exp(5) + 256);
    const [first, second] = [own, 1 / 257];
    expect(probabilities[97]).toBeCloseTo((first * first + second * second) / (first + second), 6);
  });
});
