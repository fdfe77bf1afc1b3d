/** SAFE against its definition, followed with members made anew for every text. */
import { describe, expect, it } from "vitest";
import type { AlignedStep } from "../../../src/during/alignments/alignment.js";
import { methodNamed } from "../../../src/during/methods.js";
import { SharpenedRule, type SharpeningOptions } from "../../../src/during/rules/sharpened.js";
import { bytePairVocabulary, byteVocabulary, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import { byStringOf, walk } from "../../../src/laws/walk.js";
import type { Member } from "../../../src/member/member.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { nativeModels } from "../../../src/native-models.js";
import { createEnsemble } from "../../../src/systems.js";
import { byteKey, keyBytes, makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";

const PROMPT = "Hello, the";
/** Loading times a few steps, which have to fit a context as well. */
const TRIAL_TOKENS = 6;
const bpe = bytePairVocabulary();
const otherBpe = bytePairVocabulary(1);
const sp = sentencePieceVocabulary();
const otherSp = sentencePieceVocabulary(1);

/** In [0, 1), always the same for a seed and bytes. */
function chance(seed: number, bytes: Uint8Array): number {
  let hash = 2166136261 ^ Math.imul(seed, 0x9e3779b1);
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Looks at the text alone, finds mostly what all find, and never ends. */
interface Opinionated {
  seed: number;
  vocabulary: Vocabulary;
  /** The weight of its own opinion. */
  own: number;
  /** How many times as sure as usual it is. */
  sureness?: number;
  contextSize?: number;
}

function opinionated({ seed, vocabulary, own, sureness = 1, contextSize }: Opinionated): ScriptedMember {
  return new ScriptedMember({
    name: `member-${seed}`,
    vocabulary,
    contextSize,
    script: ({ text }) =>
      Float32Array.from({ length: vocabulary.size }, (_, id) => {
        if (vocabulary.classOf(id) !== TokenClass.text) return -30;
        const bytes = vocabulary.bytesOf(id);
        const after = Buffer.concat([text, bytes]);
        return sureness * (9 * chance(0, after) + own * chance(seed, after) + (bytes.length > 1 ? 4 : 0));
      }),
  });
}

/** `contexts`: how many tokens fit each member; default: any number here. */
type Make = (contexts?: readonly number[]) => Member[];

/** Seed, vocabulary, weight of the own opinion and sureness of each member. */
const make =
  (...members: [number, Vocabulary, number, number?][]): Make =>
  (contexts = []) =>
    members.map(([seed, vocabulary, own, sureness], index) =>
      opinionated({ seed, vocabulary, own, sureness, contextSize: contexts[index] }),
    );

const ensembles: [string, Make][] = [
  ["BPE drafts, SentencePiece verifies", make([1, bpe, 2], [2, sp, 2])],
  ["SentencePiece drafts, BPE verifies", make([3, sp, 4], [4, bpe, 4])],
  ["BPE drafts, two verify", make([5, bpe, 1], [6, otherBpe, 1], [7, otherSp, 1])],
  ["bytes draft, BPE verifies", make([8, byteVocabulary(), 1], [9, bpe, 1])],
];

async function behind(member: Member, text: Uint8Array): Promise<Member> {
  await member.prepare({ top: 1 });
  await member.begin({ text, parseSpecial: false, addBos: true });
  return member;
}

/** What a member says next, and how probable it finds that and other strings. */
async function opinion(member: Member, text: Uint8Array) {
  const { output, vocabulary } = await behind(member, text);
  const probabilityOf = (bytes: Uint8Array) =>
    vocabulary.idsOf(byteKey(bytes)).reduce((sum, id) => sum + Math.exp(output.logits[id] - output.logNormaliser), 0);
  return {
    says: Buffer.from(vocabulary.bytesOf(output.topIds[0])),
    probability: Math.exp(output.topLogits[0] - output.logNormaliser),
    probabilityOf,
  };
}

/** Where the member's tokens of a text begin, and where they end. */
async function cutsOf(member: Member, text: Uint8Array): Promise<Set<number>> {
  const ids = await member.tokenize(text, { addBos: true });
  const cuts = new Set([text.length]);
  for (let index = ids.length, at = text.length; index-- > 0; )
    cuts.add((at -= member.vocabulary.bytesOf(ids[index]).length));
  return cuts;
}

/** UniTE's choice, sharpened by the letter of the definition. */
async function fusedChoice(make: Make, text: Uint8Array, lambda: number, weights: readonly number[]): Promise<Buffer> {
  const members = make();
  const voices = members.map((member, index) => ({ member, weight: weights[index] }));
  const run = methodNamed({ name: "unite" }).create({ voices, greedy: true, traceTop: 0, advance: async () => {} });
  await run.prepare();
  for (const member of members) await member.begin({ text, parseSpecial: false, addBos: true });
  const shares = byStringOf(await run.step());
  if (Math.max(...shares.values()) < 0.5) {
    const { vocabulary } = members[0];
    const takers = [...shares.keys()].filter((s) => (shares.get(s) ?? 0) > lambda && vocabulary.idsOf(s).length > 0);
    takers.sort((a, b) => a.length - b.length);
    for (const [string, share] of [...shares]) {
      const taker = takers.find((start) => string.startsWith(start));
      if (taker === undefined || taker === string) continue;
      shares.set(taker, (shares.get(taker) ?? 0) + share);
      shares.delete(string);
    }
  }
  const best = [...shares].reduce((a, b) => (b[1] > a[1] ? b : a));
  return Buffer.from(keyBytes(best[0]));
}

interface Followed {
  said: Buffer[];
  /** Which of them stand as they were drafted. */
  stood: boolean[];
  /** How many were fused, stood because no place was safe, because all agree, and because they are sure together. */
  fused: number;
  unsafe: number;
  agreed: number;
  sure: number;
}

/** What stands is certain, what is fused is not. */
const stands = ({ probabilities }: { probabilities: ArrayLike<number> }) =>
  Math.max(...Array.from(probabilities)) === 1;

interface Settings {
  draft?: number;
  lambda?: number;
  /** Default: all alike. */
  weights?: readonly number[];
  /** See Make. */
  contexts?: readonly number[];
}

/** Ends early where a member's context is full. */
async function follow(make: Make, count: number, settings: Settings = {}): Promise<Followed> {
  const members = make();
  const { draft = 5, lambda = 0.1, weights = members.map(() => 1 / members.length), contexts = [] } = settings;
  const fits = async (index: number, text: Uint8Array) =>
    (await make()[index].tokenize(text, { addBos: true })).length <= (contexts[index] ?? 4096);
  // Whom nothing depends on is not asked.
  const asked = Array.from(members.keys()).filter((index) => index > 0 && weights[index] > 0);
  const followed: Followed = { said: [], stood: [], fused: 0, unsafe: 0, agreed: 0, sure: 0 };
  const { said, stood } = followed;
  let text = Buffer.from(PROMPT);
  const say = (bytes: Buffer, stands = true) => {
    said.push(bytes);
    stood.push(stands);
    text = Buffer.concat([text, bytes]);
  };
  while (said.length < count) {
    const drafted: Awaited<ReturnType<typeof opinion>>[] = [];
    for (let ahead = text; drafted.length < draft && (await fits(0, ahead)); ) {
      drafted.push(await opinion(make()[0], ahead));
      ahead = Buffer.concat([ahead, drafted.at(-1)!.says]);
    }
    if (drafted.length === 0) return followed;
    for (const index of asked) if (!(await fits(index, text))) return followed;
    const whole = Buffer.concat([text, ...drafted.map(({ says }) => says)]);
    const cuts = await Promise.all(asked.map((index) => cutsOf(make()[index], whole)));
    for (const { says, probability } of drafted) {
      for (const [place, index] of asked.entries())
        if (cuts[place].has(text.length) && !(await fits(index, text))) return followed;
      if ((says[0] & 0xc0) === 0x80 || cuts.some((places) => !places.has(text.length))) {
        followed.unsafe++;
        say(says);
        continue;
      }
      const opinions = await Promise.all(asked.map((index) => opinion(make()[index], text)));
      const all = opinions.map(({ probabilityOf }, place) => weights[asked[place]] * probabilityOf(says));
      const mean = all.reduce((sum, one) => sum + one, weights[0] * probability);
      const allAgree = opinions.every((one) => one.says.equals(says));
      if (allAgree || mean > 0.5) {
        followed[allAgree ? "agreed" : "sure"]++;
        say(says);
        continue;
      }
      followed.fused++;
      say(await fusedChoice(make, text, lambda, weights), false);
      break;
    }
  }
  said.length = stood.length = Math.min(count, said.length);
  return followed;
}

describe.each(ensembles)("safe: %s", (_, make) => {
  it.each([
    { draft: 5, lambda: 0.1 },
    { draft: 1, lambda: 0.1 },
    { draft: 9, lambda: 0.02 },
  ])("says what its definition says (%j)", async (options) => {
    const wanted = await follow(make, 40, options);
    const { steps } = await walk({ method: { name: "safe", ...options }, members: make(), prompt: PROMPT, steps: 40 });
    expect(steps.map(({ bytes }) => bytes.toString("latin1"))).toEqual(wanted.said.map((s) => s.toString("latin1")));
    expect(steps.map(stands)).toEqual(wanted.stood);
  });

  it("ends where a verifier's context does, or the drafter's, and says nothing else before", async () => {
    const prompts = make().map((member) => member.tokenize(Buffer.from(PROMPT), { addBos: true }));
    const starts = (await Promise.all(prompts)).map(({ length }) => Math.max(length, TRIAL_TOKENS));
    const whole = (await follow(make, 20)).said;
    for (const full of starts.keys()) {
      for (const room of [0, 1, 4]) {
        const contexts = starts.map((start, index) => (index === full ? start + room : 4096));
        const { said } = await follow(make, 20, { contexts });
        await using ensemble = await createEnsemble({ members: make(contexts), method: { name: "safe" } });
        const { pieces, finishReason } = await ensemble.generate(PROMPT, { maxTokens: 20, logProbs: true });
        const found = pieces!.map(({ text, bytes }) =>
          bytes === undefined ? Buffer.from(text) : Buffer.from(bytes, "hex"),
        );
        // The drafter counts the tokens that it drafted, which its tokenizer may cut otherwise.
        if (full > 0) expect(found.map((s) => s.toString("latin1"))).toEqual(said.map((s) => s.toString("latin1")));
        expect(found).toEqual(whole.slice(0, found.length));
        expect(finishReason).toBe("length");
        expect(found.length).toBeLessThan(20);
      }
    }
  });
});

describe("safe with three members of unlike weights", () => {
  const sureMembers = make([5, bpe, 4, 4], [6, otherBpe, 4, 4], [7, otherSp, 4, 4]);

  it("says what its definition says, and other things under other weights", async () => {
    const texts = new Set<string>();
    let sure = 0;
    // One of weight 0 is not asked.
    for (const weights of [
      [0.7, 0.2, 0.1],
      [0.1, 0.2, 0.7],
      [0.5, 0, 0.5],
      [0.4, 0.6, 0],
    ]) {
      const { said, stood, ...counts } = await follow(sureMembers, 24, { weights });
      const { steps, text } = await walk({
        method: { name: "safe" },
        members: sureMembers(),
        weights,
        prompt: PROMPT,
        steps: 24,
      });
      expect(steps.map(({ bytes }) => bytes.toString("latin1"))).toEqual(said.map((s) => s.toString("latin1")));
      expect(steps.map(stands)).toEqual(stood);
      sure += counts.sure;
      texts.add(text.toString("latin1"));
    }
    expect(texts.size).toBeGreaterThan(2);
    expect(sure).toBeGreaterThan(5);
  });
});

it("meets places of every kind", async () => {
  const all = await Promise.all(ensembles.map(([, make]) => follow(make, 40)));
  for (const kind of ["fused", "agreed", "unsafe"] as const)
    expect(all.reduce((sum, followed) => sum + followed[kind], 0)).toBeGreaterThan(10);
});

describe("sharpening", () => {
  const strings = [" So", " Sofia", " Sof", " Ann", "", " S", "x"];
  const vocabulary = [" So", " Sofia", " Ann", "x"];
  const drafter = {
    vocabulary: makeVocabulary(vocabulary.map((string) => ({ bytes: Buffer.from(string) }))),
    atFragmentStart: false,
  };
  const fuse = (options: SharpeningOptions, ...distributions: number[][]) => {
    const step: AlignedStep = {
      size: strings.length,
      endEntry: strings.indexOf(""),
      distributions: distributions.map((values) => Float64Array.from(values)),
      bytesOf: (entry) => Buffer.from(strings[entry]),
    };
    const weights = distributions.map(() => 1 / distributions.length);
    const asked = distributions.map((_, index) => index);
    const { probabilities, best } = new SharpenedRule(drafter, options).fuse(step, weights, asked);
    return {
      best: strings[best],
      values: Array.from(probabilities.subarray(0, strings.length), (p) => Number(p.toFixed(12))),
    };
  };
  const one = [0.2, 0.2, 0.1, 0.3, 0.1, 0.1, 0];
  const other = [0.3, 0.2, 0, 0.1, 0.2, 0.1, 0.1];

  it("gives words to the shortest beginning that the drafter has and holds likely", () => {
    // The mean: So .25, Sofia .2, Sof .05, Ann .2, end .15, S .1, x .05.
    expect(fuse({ sharpen: "prefix", lambda: 0.1 }, one, other)).toEqual({
      best: " So",
      values: [0.5, 0, 0, 0.2, 0.15, 0.1, 0.05],
    });
    expect(fuse({ sharpen: "prefix", lambda: 0.22 }, one, other).values).toEqual([0.5, 0, 0, 0.2, 0.15, 0.1, 0.05]);
    expect(fuse({ sharpen: "prefix", lambda: 0.25 }, one, other).values).toEqual([
      0.25, 0.2, 0.05, 0.2, 0.15, 0.1, 0.05,
    ]);
  });

  it("knows the drafter's tokens also where the tokenizer puts a space before them", () => {
    const drafter = {
      vocabulary: makeVocabulary(
        [" So", " Sofia", "x"].map((string) => ({ bytes: Buffer.from(string) })),
        { kind: "spm", addsSpacePrefix: true },
      ),
      atFragmentStart: true,
    };
    const step: AlignedStep = {
      size: 4,
      endEntry: -1,
      distributions: [Float64Array.of(0.3, 0.2, 0.15, 0.35)],
      bytesOf: (entry) => Buffer.from(["So", "Sofia", "x", "Ann"][entry]),
    };
    const { best, probabilities } = new SharpenedRule(drafter, { sharpen: "prefix", lambda: 0.1 }).fuse(step, [1], [0]);
    expect(best).toBe(0);
    expect(probabilities[0]).toBeCloseTo(0.5, 12);
  });

  it("takes the members' product, or nothing else than the mean", () => {
    const roots = one.map((p, entry) => Math.sqrt(p * other[entry]));
    const sum = roots.reduce((a, b) => a + b, 0);
    expect(fuse({ sharpen: "geometric", lambda: 0.1 }, one, other).values).toEqual(
      roots.map((root) => Number((root / sum).toFixed(12))),
    );
    expect(fuse({ sharpen: "none", lambda: 0.1 }, one, other).values).toEqual([0.25, 0.2, 0.05, 0.2, 0.15, 0.1, 0.05]);
  });

  it("leaves a mean alone that is sure of something", () => {
    const sure = [0.1, 0.6, 0, 0.2, 0.1, 0, 0];
    for (const sharpen of ["prefix", "geometric"] as const)
      expect(fuse({ sharpen, lambda: 0.05 }, sure, [0, 0.4, 0.2, 0.2, 0.2, 0, 0]).values[1]).toBe(0.5);
  });
});

describe("safe on the native models", () => {
  const [robin] = nativeModels().map(({ path }) => path);

  it("leaves members that are one model as that model, fuses nothing then, and repeats itself", async () => {
    const alone = await createEnsemble({ members: [{ model: robin }] });
    const twice = await createEnsemble({
      members: [
        { model: robin, name: "a" },
        { model: robin, name: "b" },
      ],
      method: { name: "safe" },
    });
    const prompt = "Question: What is 7 plus 5?\nAnswer:";
    const wanted = await alone.generate(prompt, { maxTokens: 24 });
    const found = await twice.generate(prompt, { maxTokens: 24, trace: true });
    expect(found.text).toBe(wanted.text);
    expect(found.finishReason).toBe(wanted.finishReason);
    for (const { chosen } of found.trace ?? []) expect(chosen.probability).toBe(1);
    expect((await twice.generate(prompt, { maxTokens: 24 })).text).toBe(wanted.text);
    const sampled = () => twice.generate(prompt, { maxTokens: 12, temperature: 1, seed: 5 });
    expect((await sampled()).text).toBe((await sampled()).text);
    await Promise.all([alone.dispose(), twice.dispose()]);
  });

  it("decodes what it drafted once, counts it, and scores given texts by the fusion", async () => {
    const members = [
      { model: robin, name: "a" },
      { model: robin, name: "b" },
    ];
    const ensemble = await createEnsemble({ members, method: { name: "safe", draft: 4 } });
    const { usage } = await ensemble.generate("Once upon a time", { maxTokens: 16 });
    expect(usage.steps).toBe(16);
    // What is written ahead and stands is decoded by each member once.
    for (const name of ["a", "b"]) {
      expect(usage.memberTokens[name]).toBeGreaterThanOrEqual(14);
      expect(usage.memberTokens[name]).toBeLessThanOrEqual(17);
    }
    const fused = await createEnsemble({ members, method: { name: "unite" } });
    const text = " there was";
    const [own, other] = await Promise.all([
      ensemble.score("Once upon a time", text),
      fused.score("Once upon a time", text),
    ]);
    expect(own.logProb).toBeCloseTo(other.logProb, 6);
    await Promise.all([ensemble.dispose(), fused.dispose()]);
  });
});
