/** Guesses: when one is made, whom it is told, and what it is found to be worth. Times are given, none is measured. */
import { describe, expect, it } from "vitest";
import { SpeculationRecord, Speculator } from "../../../src/decoding/speculation.js";
import { byteVocabulary } from "../../../src/laws/scripted-members.js";
import type { ScriptedMemberOptions } from "../../../src/member/scripted/options.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { RandomGenerator } from "../../../src/random.js";

const vocabulary = byteVocabulary();
const NO_BYTES = new Uint8Array();
/** Bytes that no member says, of which no six are there twice. */
const random = new RandomGenerator(11);
const NOISE = Buffer.from(Array.from({ length: 700 }, () => 128 + (random.nextUint32() % 128)));

/** A member that says "a" again and again, and can be told what to expect. */
async function listener(name: string, weightBytes: number, options: Partial<ScriptedMemberOptions> = {}) {
  const made = new ScriptedMember({
    ...{ name, vocabulary, costs: { weightBytes } },
    script: () => Float32Array.from({ length: vocabulary.size }, (_, id) => (id === 0x61 ? 9 : 0)),
    ...options,
  });
  await made.prepare({ top: 0 });
  await made.begin({ text: Buffer.from("x"), parseSpecial: false, addBos: false });
  const told: string[] = [];
  const member = Object.assign(made, {
    expect: (bytes: Uint8Array) => void told.push(Buffer.from(bytes).toString("latin1")),
  });
  return { member, told, weight: 1 };
}

/** As after steps of 10 ms, so many that a guess in vain does not matter. */
function measured(changes: Partial<SpeculationRecord> = {}): SpeculationRecord {
  return Object.assign(new SpeculationRecord(), { stepMs: 10, elapsedMs: 1e9, ...changes });
}

type Listener = Awaited<ReturnType<typeof listener>>;

function speculating(voices: Pick<Listener, "member" | "weight">[], text: Uint8Array, record?: SpeculationRecord) {
  const drafted: string[] = [];
  const speculator = new Speculator({
    ...{ voices, text, record },
    lookAhead: (looking, look) => {
      drafted.push(...looking.map(({ member }) => member.name));
      return Promise.all(looking.map(({ member }) => look(member, new AbortController().signal)));
    },
  });
  return { speculator, drafted };
}

describe("a guess from the text so far", () => {
  const repeating = (agreeing: number) => Buffer.concat([NOISE, NOISE.subarray(0, agreeing)]);

  it.each([
    // The longer the end agrees, the more is guessed: twice what such guesses are taken to be right for.
    [6, 24],
    [9, 24],
    [10, 48],
    [19, 48],
    [20, 64],
  ])("whose last %d bytes stood there before is the next %d", async (agreeing, length) => {
    const voices = [await listener("one", 2), await listener("two", 1)];
    const { speculator, drafted } = speculating(voices, repeating(agreeing), measured());
    await speculator.guess();
    const wanted = NOISE.toString("latin1", agreeing, agreeing + length);
    for (const { told } of voices) expect(told).toEqual([wanted]);
    expect(speculator.report).toEqual({ guesses: 1, guessedBytes: length, saidBytes: 0, steps: 0 });
    // One at a time.
    await speculator.guess();
    expect([voices[0].told.length, drafted]).toEqual([1, []]);
  });

  it("has at least 8 bytes and at most 64, whatever such guesses have been right for", async () => {
    for (const [said, length] of [
      [0, 8],
      [5, 10],
      [100, 64],
    ]) {
      const record = measured();
      record.found[0].said = said;
      const voice = await listener("one", 1);
      await speculating([voice], repeating(6), record).speculator.guess();
      expect(voice.told[0]).toHaveLength(length);
    }
  });

  it("is not made of fewer than six bytes, nor where nobody listens", async () => {
    const voice = await listener("one", 1);
    await speculating([voice], repeating(5), measured()).speculator.guess();
    expect(voice.told).toEqual([]);
    const { member } = await listener("deaf", 1);
    const deaf = [0, 1].map(() => ({ member: Object.assign(member, { expect: undefined as never }), weight: 1 }));
    const { speculator, drafted } = speculating(deaf, repeating(20), measured());
    await speculator.guess();
    expect([speculator.report.guesses, drafted]).toEqual([0, []]);
  });

  it("lasts while the text goes on as guessed, and is worth the steps' time less its own", async () => {
    const record = measured();
    const { speculator } = speculating([await listener("one", 1)], repeating(6), record);
    await speculator.guess();
    speculator.took(NOISE.subarray(6, 9), 4);
    expect(speculator.report).toMatchObject({ saidBytes: 3, steps: 0 });
    speculator.took(NOISE.subarray(9, 11), 1);
    expect(speculator.report).toMatchObject({ saidBytes: 5, steps: 1 });
    expect(record.balance).toBe(0);
    // Another byte than the one guessed.
    speculator.took(Buffer.from("z"), 1);
    expect(speculator.report).toEqual({ guesses: 1, guessedBytes: 24, saidBytes: 5, steps: 2 });
    expect(record).toMatchObject({ balance: 3 * 10 - 6, steps: 3, elapsedMs: 1e9 + 6, stepMs: 10 });
    expect(record.found[0]).toMatchObject({ tries: 1, saved: 24, said: 12 + (5 - 12) / 4 });
    expect(record.found[1].tries + record.found[2].tries + record.drafted.tries).toBe(0);
  });

  it("is over when all of it was said, or more than it", async () => {
    for (const [more, saidBytes] of [
      [0, 24],
      [1, 0],
    ]) {
      const record = measured();
      const { speculator } = speculating([await listener("one", 1)], repeating(6), record);
      await speculator.guess();
      speculator.took(NOISE.subarray(6, 30 + more), 1);
      expect([record.balance, speculator.report.saidBytes]).toEqual([9, saidBytes]);
      // What was said is text to guess from.
      await speculator.guess();
      expect(speculator.report.guesses).toBe(2);
    }
  });
});

describe("a guess of the cheapest member", () => {
  it("is told to the others: as many tokens as such guesses are taken to be right for, half as many again", async () => {
    for (const [said, tokens] of [
      [4, 6],
      [0, 2],
      [100, 12],
    ]) {
      const voices = [await listener("large", 5), await listener("small", 2), await listener("middle", 3)];
      const record = measured();
      record.drafted.said = said;
      const { speculator, drafted } = speculating(voices, NO_BYTES, record);
      await speculator.guess();
      expect(drafted).toEqual(["small"]);
      expect(voices.map(({ told }) => told)).toEqual([["a".repeat(tokens)], [], ["a".repeat(tokens)]]);
    }
  });

  it("is asked of those only that can verify and listen, and not where one is alone", async () => {
    const blind = await listener("blind", 1, { offers: { verify: false } });
    const deaf = await listener("deaf", 1);
    Object.assign(deaf.member, { expect: undefined });
    const able = await listener("able", 9);
    for (const [voices, drafters] of [
      [[blind, deaf, able], ["able"]],
      [[blind, deaf], []],
      [[able], []],
    ] as const) {
      const { speculator, drafted } = speculating([...voices], NO_BYTES, measured());
      await speculator.guess();
      expect(drafted).toEqual(drafters);
    }
  });

  it("that is nothing, because it would end, is told nobody", async () => {
    const ends = { script: () => Float32Array.from({ length: vocabulary.size }, (_, id) => (id === 256 ? 9 : 0)) };
    const voices = [await listener("one", 1, ends), await listener("two", 2, ends)];
    const record = measured();
    const { speculator } = speculating(voices, NO_BYTES, record);
    await speculator.guess();
    expect([voices[1].told, speculator.report.guesses]).toEqual([[], 0]);
    speculator.took(Buffer.from("z"), 12);
    expect(record.drafted).toMatchObject({ tries: 1, saved: -2, said: 4 + (1 - 4) / 4 });
  });
});

describe("a kind of guess", () => {
  /** At which of so many steps one is made, where a step with a guess takes so long and says something else. */
  const guessesAt = async (steps: number, ms: number) => {
    const record = measured();
    const { speculator, drafted } = speculating([await listener("one", 1), await listener("two", 2)], NO_BYTES, record);
    const at: number[] = [];
    for (let step = 0; step < steps; step++) {
      await speculator.guess();
      const isGuess = drafted.length > at.length;
      if (isGuess) at.push(step);
      speculator.took(NOISE.subarray(step, step + 1), isGuess ? ms : 10);
    }
    return at;
  };

  it("that loses time is tried twice, then after pauses that double", async () => {
    expect(await guessesAt(300, 50)).toEqual([0, 1, 66, 195]);
    expect(await guessesAt(70, 10)).toEqual([0, 1, 66]);
  });

  it("that saves time is made at every step", async () => {
    expect(await guessesAt(20, 9)).toEqual(Array.from({ length: 20 }, (_, step) => step));
  });

  it("is made only where all losses stay below 2 % of the time", () => {
    const mayTry = (changes: Partial<SpeculationRecord>, saved?: number) => {
      const record = measured(changes);
      if (saved !== undefined) record.drafted.note(saved, 4, 0);
      return record.mayTry(record.drafted);
    };
    // One that was never tried may lose a step.
    expect([mayTry({ elapsedMs: 500 }), mayTry({ elapsedMs: 501 })]).toEqual([false, true]);
    expect([mayTry({ elapsedMs: 500, balance: 1 }), mayTry({ elapsedMs: 501, balance: -1 })]).toEqual([true, false]);
    // Later what it lost before; nothing, where it saved.
    expect([mayTry({ elapsedMs: 200 }, -4), mayTry({ elapsedMs: 201 }, -4)]).toEqual([false, true]);
    expect([mayTry({ elapsedMs: 1, balance: -1 }, 4), mayTry({ elapsedMs: 1 }, 4)]).toEqual([false, true]);
    // Nothing is known before the first step.
    expect(mayTry({ stepMs: 0 })).toBe(false);
  });

  it("keeps running means of what it saves and says", () => {
    const { drafted } = new SpeculationRecord();
    drafted.note(8, 8, 0);
    expect(drafted).toMatchObject({ tries: 1, saved: 8, said: 5 });
    drafted.note(-8, 1, 1);
    expect(drafted).toMatchObject({ tries: 2, saved: 4, said: 4 });
  });
});

it("a step without a guess is a running mean, kept from one answer to the next", async () => {
  const record = new SpeculationRecord();
  const voices = [await listener("one", 1), await listener("two", 2)];
  const first = speculating(voices, NO_BYTES, record);
  for (const ms of [10, 20]) {
    await first.speculator.guess();
    first.speculator.took(NO_BYTES, ms);
  }
  expect(record).toMatchObject({ stepMs: 12.5, elapsedMs: 30, steps: 2, balance: 0 });
  expect(first.drafted).toEqual([]);
  record.elapsedMs = 1e6;
  const next = speculating(voices, NO_BYTES, record);
  await next.speculator.guess();
  expect(next.drafted).toEqual(["one"]);
  const fresh = speculating(voices, NO_BYTES);
  await fresh.speculator.guess();
  expect(fresh.drafted).toEqual([]);
});
