/** Whole answers of agreement-based ensembling, on members whose distributions are known. */
import { describe, expect, it } from "vitest";
import { agreementOf, type Strand } from "../../../../src/during/token/abe/agreement.js";
import { TokenRanking } from "../../../../src/during/token/abe/ranking.js";
import { type Hypothesis, searchAgreements } from "../../../../src/during/token/abe/search.js";
import { createEnsemble, makeVocabulary, ScriptedMember, TokenClass, type Vocabulary } from "../../../../src/index.js";
import {
  bytePairVocabulary,
  byteVocabulary,
  randomMember,
  randomNumbers,
  sentencePieceVocabulary,
} from "../../../../src/laws/scripted-members.js";
import { textOfTokens } from "../../../../src/laws/text-of-tokens.js";
import { walk } from "../../../../src/laws/walk.js";
import { refusal } from "../../../support/refusal.js";

const PROMPT = "Hello, the";
const bpe = bytePairVocabulary();
const sp = sentencePieceVocabulary();
const END = { bytes: new Uint8Array(), class: TokenClass.end };

/** The letters of the prompt, which nobody says. */
const UNSAID = ["T", "h", "e"];
const UNSAID_LOGIT = -60;
const SHORT_PROMPT = "The";

function lettersVocabulary(pieces: readonly string[]): Vocabulary {
  return makeVocabulary([...[...UNSAID, ...pieces].map((piece) => ({ bytes: Buffer.from(piece) })), END]);
}

/** Over few strings, with an end that becomes likely; the distribution depends on what was said. */
function spelling(seed: number, vocabulary: Vocabulary, isEndless = false): ScriptedMember {
  return new ScriptedMember({
    name: `speller-${seed}`,
    vocabulary,
    script: ({ tokens }) => {
      const random = randomNumbers(tokens.reduce((hash, token) => (31 * hash + token + 1) % 65_521, seed));
      return Array.from({ length: vocabulary.size }, (_, id) => {
        const logit = 4 * random() + (id === vocabulary.size - 1 ? tokens.length / 2 - 4 : 0);
        const isUnsaid = id < UNSAID.length || (isEndless && id === vocabulary.size - 1);
        return isUnsaid ? UNSAID_LOGIT : logit;
      });
    },
  });
}

/** The search as it reads: every hypothesis's tokens are decoded anew, and everything is kept. */
async function searched(members: readonly ScriptedMember[], beams: number, steps: number): Promise<string> {
  interface Saying {
    text: Uint8Array;
    strands: Strand[];
    tokens: number[][];
    pieces: number;
    score: number;
  }
  const weights = members.map(() => 1 / members.length);
  const strands = members.map(() => ({ length: 0, generated: 0, logProb: 0, stalled: false }));
  let live: Saying[] = [{ text: new Uint8Array(), strands, tokens: members.map(() => []), pieces: 0, score: 0 }];
  const completed: Saying[] = [];
  for (let step = 0; step < steps && live.length > 0 && completed.length < beams; ) {
    const hypotheses: Hypothesis[] = [];
    for (const { text, strands: own, tokens } of live) {
      const offers: TokenRanking[] = [];
      for (const [index, member] of members.entries()) {
        await member.begin({ text: Buffer.from(SHORT_PROMPT), parseSpecial: false, addBos: true });
        member.append({ kind: "tokens", ids: tokens[index] });
        await member.advance();
        const ranking = new TokenRanking(member.vocabulary);
        ranking.rank(member.output, text.subarray(own[index].length), false);
        offers.push(ranking);
      }
      hypotheses.push({ text, strands: own, offers });
    }
    const best = completed.reduce((most, { score }) => Math.max(most, score), Number.NEGATIVE_INFINITY);
    const found = searchAgreements(hypotheses, {
      weights,
      beams,
      completed: completed.length,
      bestCompleted: best,
    });
    const [next, done] = [found.next, found.completed].map((all) =>
      all.map(({ beam, ids, scores, score, agreement }): Saying => {
        const { text, lengths, stalled } = agreement;
        const before = live[beam];
        return {
          text,
          score,
          pieces: before.pieces + (text.length > before.text.length ? 1 : 0),
          tokens: before.tokens.map((own, index) => (ids[index] < 0 ? own : [...own, ids[index]])),
          strands: before.strands.map(({ generated }, index) => ({
            length: lengths[index],
            generated: generated + (ids[index] < 0 ? 0 : 1),
            logProb: scores[index],
            stalled: stalled[index],
          })),
        };
      }),
    );
    live = next;
    completed.push(...done);
    step = live[0]?.pieces ?? step;
  }
  const answer = completed.sort((a, b) => b.score - a.score)[0] ?? live[0];
  return Buffer.from(answer.text).toString("utf8");
}

it("samples one text that all members spell, however long it is", async () => {
  const members = [randomMember(1, sp), randomMember(2, bpe), randomMember(3, byteVocabulary())];
  await using ensemble = await createEnsemble({ members, method: "abe" });
  const { text } = await ensemble.generate(PROMPT, { maxTokens: 500, temperature: 0.3, seed: 2 });
  const said = Buffer.from(PROMPT + text);
  for (const member of members) {
    const own = textOfTokens(member.vocabulary, await member.cachedTokens());
    expect(said.subarray(0, own.length).equals(own)).toBe(true);
    expect(own.length).toBeGreaterThan(600);
  }
});

describe("greedy agreement", () => {
  const a = lettersVocabulary(["a", "b", "c", "ab", "bc", "abc", "ca"]);
  const b = lettersVocabulary(["c", "b", "a", "aa", "cab", "bca", "cc", "ba"]);
  const c = lettersVocabulary(["a", "b", "c"]);

  it.each([1, 2, 5])("with %s beams says what a search that forgets nothing finds", async (beams) => {
    let texts = 0;
    for (let seed = 0; seed < 12; seed++) {
      const make = () => [spelling(seed, a), spelling(100 + seed, b), ...(seed % 3 === 0 ? [spelling(200, c)] : [])];
      const expected = await searched(make(), beams, 12);
      await using ensemble = await createEnsemble({ members: make(), method: { name: "abe", beams } });
      const { text } = await ensemble.generate(SHORT_PROMPT, { maxTokens: 12 });
      expect(text).toBe(expected);
      texts += text.length;
    }
    expect(texts).toBeGreaterThan(12);
  });

  it.each([1, 2])("with %s beams says the same in a long answer, whose beginning it forgets", async (beams) => {
    const make = () => [spelling(3, a, true), spelling(4, b, true)];
    const expected = await searched(make(), beams, 250);
    await using ensemble = await createEnsemble({ members: make(), method: { name: "abe", beams } });
    const { text } = await ensemble.generate(SHORT_PROMPT, { maxTokens: 250 });
    expect(text.length).toBeGreaterThan(300);
    expect(text).toBe(expected);
  });

  it("is a member's own answer where two copies agree", async () => {
    const alone = await createEnsemble({ members: [randomMember(2, bpe)], method: { name: "single" } });
    const pair = await createEnsemble({
      members: [randomMember(2, bpe, { name: "one" }), randomMember(2, bpe, { name: "two" })],
      method: { name: "abe", beams: 1 },
    });
    const own = await alone.generate(PROMPT, { maxTokens: 30, logProbs: true });
    const fused = await pair.generate(PROMPT, { maxTokens: 30, logProbs: true });
    expect(fused.text).toBe(own.text);
    const bytes = (pieces: typeof own.pieces) => pieces!.map(({ text, end }) => [text, end]);
    expect(bytes(fused.pieces)).toEqual(bytes(own.pieces));
  });

  it.each([1, 4])("does not care for the members' order (%s beams)", async (beams) => {
    const members = () => [randomMember(1, sp), randomMember(2, bpe), randomMember(3, byteVocabulary())];
    const forth = await createEnsemble({ members: members(), method: { name: "abe", beams } });
    const back = await createEnsemble({ members: members().reverse(), method: { name: "abe", beams } });
    const options = { maxTokens: 12, logProbs: true };
    const one = await forth.generate(PROMPT, options);
    const other = await back.generate(PROMPT, options);
    expect(one.text.length).toBeGreaterThan(8);
    expect(other.text).toBe(one.text);
    expect(other.pieces!.map(({ logProb }) => logProb)).toEqual(
      one.pieces!.map(({ logProb }) => expect.closeTo(logProb, 9)),
    );
  });

  it("gives more weight to the member that has more", async () => {
    const members = (weight: number) => [
      { member: spelling(7, a), weight },
      { member: spelling(8, b), weight: 1 },
    ];
    const textAt = async (weight: number) => {
      const made = members(weight).map(({ member, weight: own }) => Object.assign(member, { weight: own }));
      await using ensemble = await createEnsemble({ members: made, method: { name: "abe", beams: 3 } });
      return (await ensemble.generate(SHORT_PROMPT, { maxTokens: 10 })).text;
    };
    const texts = new Set([await textAt(1e-6), await textAt(1e6)]);
    expect(texts.size).toBe(2);
  });

  it("streams what its hypotheses agree on, and ends with the answer's score", async () => {
    await using ensemble = await createEnsemble({
      members: [spelling(1, a), spelling(2, b)],
      method: { name: "abe", beams: 3 },
    });
    const chunks: string[] = [];
    const stream = ensemble.stream(SHORT_PROMPT, { maxTokens: 30, logProbs: true });
    for (let next = await stream.next(); ; next = await stream.next()) {
      if (!next.done) {
        chunks.push(next.value.text);
        continue;
      }
      const { text, finishReason, pieces } = next.value;
      expect(chunks.join("")).toBe(text);
      expect(finishReason).toBe("stop");
      expect(pieces!.at(-1)).toMatchObject({ end: true });
      expect(pieces!.slice(0, -1).every(({ logProb }) => logProb === 0)).toBe(true);
      expect(pieces!.at(-1)!.logProb).toBeLessThan(0);
      break;
    }
  });

  it("gives what it has where a context is full", async () => {
    const small = () => [randomMember(1, sp, { contextSize: 30 }), randomMember(2, bpe, { contextSize: 30 })];
    for (const beams of [1, 3]) {
      await using ensemble = await createEnsemble({ members: small(), method: { name: "abe", beams } });
      const { text, finishReason } = await ensemble.generate(PROMPT, { maxTokens: 200 });
      expect(finishReason).toBe("length");
      expect(text.length).toBeGreaterThan(10);
    }
  });

  it("ends when all members do, and not when one would", async () => {
    // Behind "xy" the first wants to end and the second to say "z".
    const [X, Y] = [UNSAID.length, UNSAID.length + 1];
    const whole = lettersVocabulary(["xy", "z"]);
    const letters = lettersVocabulary(["x", "y", "z"]);
    const peaked = (vocabulary: Vocabulary, token: number, height: number) =>
      Array.from({ length: vocabulary.size }, (_, id) => (id < Y - 1 ? UNSAID_LOGIT : id === token ? height : 0));
    const make = (ends: number) => [
      new ScriptedMember({
        name: "whole",
        vocabulary: whole,
        script: ({ tokens }) =>
          peaked(whole, tokens.at(-1) === 2 ? X : whole.endTokens[0], tokens.at(-1) === 2 ? 9 : ends),
      }),
      new ScriptedMember({
        name: "letters",
        vocabulary: letters,
        script: ({ tokens }) => {
          const last = tokens.at(-1);
          return peaked(letters, last === 2 ? X : last === X ? Y : last === Y ? Y + 1 : letters.endTokens[0], 6);
        },
      }),
    ];
    const answer = async (ends: number, beams: number, compat: boolean) => {
      await using ensemble = await createEnsemble({ members: make(ends), method: { name: "abe", beams, compat } });
      return (await ensemble.generate(SHORT_PROMPT, { maxTokens: 8 })).text;
    };
    for (const compat of [false, true]) {
      expect(await answer(20, 1, compat)).toBe("xy");
      expect(await answer(3, 1, compat)).toBe("xyz");
      expect(await answer(20, 3, compat)).toBe("xy");
    }
  });
});

it.each([
  [1, true],
  [3, false],
])("with %i beams, members are heard in the trace: %s", async (beams, isHeard) => {
  const members = [spelling(1, bpe), spelling(2, sp)];
  const ensemble = await createEnsemble({ members, method: { name: "abe", beams }, schedule: "in-turn" });
  const { trace } = await ensemble.generate(SHORT_PROMPT, { maxTokens: 4, trace: 2 });
  expect(trace!.length).toBeGreaterThan(0);
  for (const { members } of trace!) expect(members.some(({ heard }) => heard)).toBe(isHeard);
});

describe("sampled agreement", () => {
  it("draws texts as often as the published procedure does", async () => {
    const one = lettersVocabulary(["a", "b", "ab"]);
    const other = lettersVocabulary(["a", "b", "ba"]);
    const make = () => [spelling(5, one), spelling(6, other)];
    const length = 3;
    const expected = await likelihoods(make(), length);
    await using ensemble = await createEnsemble({ members: make(), method: { name: "abe" } });
    const draws = 4000;
    const counts = new Map<string, number>();
    for (let seed = 0; seed < draws; seed++) {
      const { text } = await ensemble.generate(SHORT_PROMPT, { temperature: 1, seed, maxTokens: length + 1 });
      const cut = text.slice(0, length);
      counts.set(cut, (counts.get(cut) ?? 0) + 1);
    }
    let sum = 0;
    for (const [text, probability] of expected) {
      sum += probability;
      const count = counts.get(text) ?? 0;
      const deviation = Math.sqrt(draws * probability * (1 - probability));
      expect(Math.abs(count - draws * probability)).toBeLessThan(4 * deviation + 1);
    }
    expect(sum).toBeCloseTo(1, 9);
    expect(expected.size).toBeGreaterThan(8);
  });

  it("repeats a seed, and lets the first member lead", async () => {
    const members = () => [randomMember(1, sp), randomMember(2, bpe)];
    await using ensemble = await createEnsemble({ members: members(), method: { name: "abe" } });
    const options = { temperature: 0.8, topP: 0.9, seed: 11, maxTokens: 20, trace: true } as const;
    const first = await ensemble.generate(PROMPT, options);
    expect((await ensemble.generate(PROMPT, options)).text).toBe(first.text);
    expect((await ensemble.generate(PROMPT, { ...options, seed: 12 })).text).not.toBe(first.text);
    expect(first.trace).toHaveLength(first.usage.steps);
    expect(first.usage.memberTokens["random-2"]).toBeGreaterThan(5);
  });

  /** The probability of every text of so many letters, or shorter and ended, by following every draw. */
  async function likelihoods(members: readonly ScriptedMember[], length: number): Promise<Map<string, number>> {
    interface State {
      text: string;
      said: string[];
      tokens: number[][];
      waits: boolean[];
      turn: number;
      probability: number;
    }
    const texts = new Map<string, number>();
    const count = (text: string, probability: number) => texts.set(text, (texts.get(text) ?? 0) + probability);
    const open: State[] = [
      {
        text: "",
        said: members.map(() => ""),
        tokens: members.map(() => []),
        waits: [],
        turn: members.length,
        probability: 1,
      },
    ];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      const { text, said, tokens, probability } = state;
      if (text.length >= length) {
        count(text.slice(0, length), probability);
        continue;
      }
      let { turn, waits } = state;
      if (turn === members.length) {
        const isLevel = said.every((own) => own === text);
        waits = said.map((own) => !isLevel && own === text);
        turn = 0;
      }
      if (waits[turn]) {
        open.push({ ...state, waits, turn: turn + 1 });
        continue;
      }
      const member = members[turn];
      await member.begin({ text: Buffer.from(SHORT_PROMPT), parseSpecial: false, addBos: true });
      member.append({ kind: "tokens", ids: tokens[turn] });
      await member.advance();
      const { logits, logNormaliser } = member.output;
      const { vocabulary } = member;
      const missing = text.slice(said[turn].length);
      const agreeing = [...logits.keys()].filter((id) => {
        if (vocabulary.classOf(id) === TokenClass.end) return missing === "";
        const piece = vocabulary.keyOf(id);
        return piece.startsWith(missing) || missing.startsWith(piece);
      });
      const share = (id: number) => Math.exp(logits[id] - logNormaliser);
      const all = agreeing.reduce((sum, id) => sum + share(id), 0);
      for (const id of agreeing) {
        if (logits[id] === UNSAID_LOGIT) continue;
        const drawn = (probability * share(id)) / all;
        if (vocabulary.classOf(id) === TokenClass.end) {
          count(text, drawn);
          continue;
        }
        const own = said[turn] + vocabulary.keyOf(id);
        open.push({
          text: own.length > text.length ? own : text,
          said: said.map((before, index) => (index === turn ? own : before)),
          tokens: tokens.map((before, index) => (index === turn ? [...before, id] : before)),
          waits,
          turn: turn + 1,
          probability: drawn,
        });
      }
    }
    return texts;
  }
});

describe("the score of a given text", () => {
  it("is refused: the method has none", async () => {
    await using ensemble = await createEnsemble({
      members: [randomMember(1, sp), randomMember(2, bpe)],
      method: { name: "abe" },
    });
    const error = await refusal(() => ensemble.score(PROMPT, " cats"));
    expect(error).toMatchObject({ code: "invalid-option" });
    expect(error.message).toContain("choice-letter");
  });
});

describe("members that cannot agree", () => {
  const cannot = (...pieces: string[][]) =>
    refusal(() => {
      const members = pieces.map((own, index) => {
        const start = { bytes: new Uint8Array(), class: TokenClass.control };
        const vocabulary = makeVocabulary([start, ...own.map((piece) => ({ bytes: Buffer.from(piece) })), END], {
          bos: 0,
        });
        const script = () => Array.from({ length: vocabulary.size }, (_, id) => (id === vocabulary.size - 1 ? -9 : 0));
        return new ScriptedMember({ name: `speller-${index}`, vocabulary, script });
      });
      return walk({ method: { name: "abe", beams: 1 }, members, prompt: "", steps: 4 });
    });

  it("are told at once where no two tokens begin alike, and pointed to another method", async () => {
    const error = await cannot(["a", "aa"], ["b", "ba"]);
    expect(error).toMatchObject({ code: "incompatible-members", details: { members: ["speller-0", "speller-1"] } });
    expect(error.message).toContain("unite");
  });

  it("are told where one cannot spell what the other says", async () => {
    const error = await cannot(["ab"], ["a", "c"]);
    expect(error).toMatchObject({ code: "incompatible-members" });
    expect(error.message).toContain("spell");
    expect(error.message).toContain("unite");
  });
});

describe("agreement", () => {
  it("is of bytes: a cut character is a beginning of the whole one", () => {
    const strand = { length: 0, generated: 0, logProb: 0, stalled: false };
    const whole = { bytes: Buffer.from("é"), ends: false };
    const cut = { bytes: Buffer.from("é").subarray(0, 1), ends: false };
    const agreement = agreementOf(new Uint8Array(), [strand, strand], [whole, cut]);
    expect(agreement).toMatchObject({ complete: false, lengths: [2, 1], stalled: [true, false] });
  });
});
