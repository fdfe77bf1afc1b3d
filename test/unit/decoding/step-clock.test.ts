/** Where a request's time goes, on a clock that the test turns. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StepClock } from "../../../src/decoding/step-clock.js";
import type { Voice } from "../../../src/during/method.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { createEnsemble } from "../../../src/systems.js";
import { makeVocabulary } from "../../../src/vocabulary/vocabulary.js";

let now = 0;
const pass = (ms: number) => {
  now += ms;
};
beforeEach(() => {
  now = 1000;
  vi.spyOn(performance, "now").mockImplementation(() => now);
});
afterEach(() => vi.restoreAllMocks());

/** Members that took so long inside llama.cpp, and in preparing what came of it. */
const voices = (...times: [decodeMs: number, prepareMs: number][]) =>
  times.map(([decodeMs, prepareMs]) => ({ member: { output: { decodeMs, prepareMs } } })) as unknown as Voice[];

describe("a step's times", () => {
  it("in turn are the sums over the members; what is left of waiting for them is sync", async () => {
    const clock = new StepClock("in-turn");
    clock.startStep();
    pass(2);
    await clock.advance(voices([10, 1], [5, 3]), async () => pass(24));
    pass(4);
    clock.endStep();
    // 30 in all: 15 in llama.cpp, 2 + 4 beside the members and 1 + 3 in them, and 24 − 15 − 4 between threads.
    expect(clock.last).toEqual({ decode: 15, fuse: 10, sync: 5 });
  });

  it("in parallel are those of the member that took longest", async () => {
    const clock = new StepClock("parallel");
    clock.startStep();
    await clock.advance(voices([10, 1], [9, 5], [1, 6]), async () => pass(20));
    clock.endStep();
    expect(clock.last).toEqual({ decode: 9, fuse: 5, sync: 6 });
  });

  it("are those of all advances of the step, and looking ahead is decoding", async () => {
    const clock = new StepClock("parallel");
    clock.startStep();
    await clock.advance(voices([3, 1]), async () => pass(5));
    const lookAhead = async () => {
      pass(7);
      return "found";
    };
    expect(await clock.decode(lookAhead)).toBe("found");
    await clock.advance(voices([2, 0]), async () => pass(2));
    clock.endStep();
    expect(clock.last).toEqual({ decode: 12, fuse: 1, sync: 1 });
  });

  it("begin anew with each step, and add up", async () => {
    const clock = new StepClock("in-turn");
    clock.startSteps();
    for (const ms of [6, 10]) {
      clock.startStep();
      await clock.advance(voices([ms - 2, 1]), async () => pass(ms));
      pass(1);
      clock.endStep();
      expect(clock.last).toEqual({ decode: ms - 2, fuse: 2, sync: 1 });
    }
    expect(clock.total).toEqual({ decode: 12, fuse: 4, sync: 2 });
    clock.stopSteps();
    expect(clock.timings(2, 2).msPerStep).toEqual({ decode: 6, fuse: 2, sync: 1 });
  });

  it("have no negative waiting where clocks differ", async () => {
    const clock = new StepClock("in-turn");
    clock.startStep();
    await clock.advance(voices([6, 0]), async () => pass(5));
    clock.endStep();
    expect(clock.last.sync).toBe(0);
  });
});

describe("a request's times", () => {
  it("leave out what the reader of the stream takes", async () => {
    const clock = new StepClock("in-turn");
    pass(300);
    clock.startSteps();
    for (let step = 0; step < 4; step++) {
      clock.startStep();
      pass(50);
      clock.endStep();
      clock.pause();
      pass(10_000);
      clock.resume();
      pass(50);
    }
    clock.stopSteps();
    const { promptMs, stepsPerSecond, tokensPerSecond, msPerStep } = clock.timings(4, 12);
    expect(promptMs).toBe(300);
    expect(stepsPerSecond).toBeCloseTo(10, 9);
    expect(tokensPerSecond).toBeCloseTo(30, 9);
    expect(msPerStep).toEqual({ decode: 0, fuse: 50, sync: 0 });
  });

  it("are 0 where no step was taken", () => {
    const clock = new StepClock("parallel");
    pass(5);
    clock.stopSteps();
    expect(clock.timings(0, 0)).toEqual({
      promptMs: 0,
      stepsPerSecond: 0,
      tokensPerSecond: 0,
      msPerStep: { decode: 0, fuse: 0, sync: 0 },
    });
  });
});

it("gives the event loop a turn after ten milliseconds, and not before", async () => {
  const clock = new StepClock("parallel");
  let turned = false;
  const turn = () => {
    turned = false;
    setImmediate(() => {
      turned = true;
    });
  };
  turn();
  pass(9);
  await clock.breathe();
  expect(turned).toBe(false);
  pass(1);
  await clock.breathe();
  expect(turned).toBe(true);
  turn();
  pass(9);
  await clock.breathe();
  expect(turned).toBe(false);
});

it("a slow reader of a stream makes no step slower", async () => {
  const vocabulary = makeVocabulary([{ bytes: Buffer.from("a") }, { bytes: Buffer.from("b") }]);
  const script = () => {
    pass(5);
    return [1, 0];
  };
  await using ensemble = await createEnsemble({ members: [new ScriptedMember({ vocabulary, script })] });
  const quick = await ensemble.generate("a", { maxTokens: 8 });
  const stream = ensemble.stream("a", { maxTokens: 8 });
  let next = await stream.next();
  for (; !next.done; next = await stream.next()) pass(1000);
  expect(next.value.usage.steps).toBe(8);
  expect(next.value.timings).toEqual(quick.timings);
  expect(quick.timings.promptMs).toBe(5);
  expect(quick.timings.stepsPerSecond).toBeCloseTo(8 / 0.035, 6);
});
