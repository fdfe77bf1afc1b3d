/** The choice of threads and schedule, on members whose steps take what the test says, on a clock that it turns. */
import os from "node:os";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadMembers } from "../../../src/ensemble/members.js";
import { choosePlan, type ScheduleChoice } from "../../../src/ensemble/plan.js";
import { LlamafuseError } from "../../../src/errors.js";
import type { BeginResult } from "../../../src/member/member.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { makeVocabulary } from "../../../src/vocabulary/vocabulary.js";
import { refusal } from "../../support/refusal.js";

let now = 0;
beforeEach(() => {
  now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  vi.spyOn(os, "availableParallelism").mockReturnValue(8);
});
afterEach(() => vi.restoreAllMocks());

const vocabulary = makeVocabulary([{ bytes: new Uint8Array() }, { bytes: Buffer.from("y") }]);
let advances = 0;

/** Takes `ms(threads)` for a step, from the time when it was told to begin: at once with others, or after them. */
class TimedMember extends ScriptedMember {
  threads = 0;
  /** Whether it reads a text to begin with. */
  protected reads = false;
  /** Every number of threads that was set. */
  readonly set: number[] = [];

  constructor(
    readonly ms: (threads: number) => number,
    name = "timed",
  ) {
    super({ name, vocabulary, script: () => [0, 1] });
  }

  override async setThreads(threads = 0): Promise<void> {
    this.threads = threads;
    this.set.push(threads);
  }

  /** Reading the trial's text takes no time here. */
  override async begin(...given: Parameters<ScriptedMember["begin"]>): Promise<BeginResult> {
    this.reads = true;
    const begun = await super.begin(...given);
    this.reads = false;
    return begun;
  }

  override async advance(): Promise<void> {
    if (this.reads) return await super.advance();
    advances++;
    const end = now + this.ms(this.threads);
    // Whoever works beside it begins now.
    await Promise.resolve();
    await Promise.resolve();
    now = Math.max(now, end);
    await super.advance();
  }
}

async function plan(
  times: ((threads: number) => number)[],
  choice: ScheduleChoice = "auto",
  given: (number | undefined)[] = times.map(() => undefined),
  signal?: AbortSignal,
) {
  advances = 0;
  const members = times.map((ms, index) => new TimedMember(ms, `member ${index}`));
  const found = await choosePlan(members, choice, given, signal);
  expect(members.map(({ threads }) => threads)).toEqual(found.threads);
  const measured = found.measured.map(({ schedule, threads, msPerStep }) => [
    schedule,
    threads.join(),
    Number(msPerStep.toFixed(6)),
  ]);
  return { schedule: found.schedule, threads: found.threads, measured, members };
}

/** Halves with twice the threads. */
const dividing = (ms: number) => (threads: number) => ms / threads;

describe("a plan", () => {
  it("gives balanced members their shares of the cores at once", async () => {
    const { measured, ...found } = await plan([dividing(80), dividing(80)]);
    expect(found).toMatchObject({ schedule: "parallel", threads: [4, 4] });
    // One thread in turn cannot beat one thread each at once, so it is not tried; in turn on all cores takes as long as shares.
    expect(measured).toEqual([
      ["parallel", "1,1", 80],
      ["parallel", "4,4", 20],
      ["in-turn", "8,8", 20],
    ]);
  });

  it("gives a large member beside a small one all cores in its turn", async () => {
    const { measured, ...found } = await plan([dividing(160), dividing(8)]);
    expect(found).toMatchObject({ schedule: "in-turn", threads: [8, 8] });
    expect(measured).toEqual([
      ["parallel", "1,1", 160],
      ["parallel", "4,4", 40],
      ["in-turn", "8,8", 21],
    ]);
  });

  it("leaves tiny members on one thread each, at once or in turn, whichever is faster", async () => {
    const atOnce = await plan([() => 1, () => 1]);
    expect(atOnce).toMatchObject({ schedule: "parallel", threads: [1, 1] });
    expect(atOnce.measured).toEqual([
      ["parallel", "1,1", 1],
      ["in-turn", "1,1", 2],
    ]);
    // Members that disturb each other.
    let busy = 0;
    const disturbed = () => {
      const beside = busy++;
      queueMicrotask(() => busy--);
      return beside === 0 ? 0.5 : 1.8;
    };
    const inTurn = await plan([disturbed, disturbed]);
    expect(inTurn).toMatchObject({ schedule: "in-turn", threads: [1, 1] });
    expect(inTurn.measured).toEqual([
      ["parallel", "1,1", 1.8],
      ["in-turn", "1,1", 1],
    ]);
  });

  it("tries shares of at least one core", async () => {
    vi.mocked(os.availableParallelism).mockReturnValue(2);
    const { measured, ...found } = await plan([() => 30, () => 30, () => 30]);
    expect(found).toMatchObject({ schedule: "parallel", threads: [1, 1, 1] });
    expect(measured).toEqual([
      ["parallel", "1,1,1", 30],
      ["in-turn", "2,2,2", 90],
    ]);
  });

  it("takes the first of equal ones", async () => {
    const found = await plan([() => 30, () => 0]);
    expect(found).toMatchObject({ schedule: "parallel", threads: [1, 1] });
    expect(found.measured.map(([, , ms]) => ms)).toEqual([30, 30, 30]);
  });

  it("of one member has one thread, or all cores", async () => {
    const large = await plan([dividing(80)]);
    expect(large).toMatchObject({ schedule: "in-turn", threads: [8] });
    expect(large.measured).toEqual([
      ["in-turn", "1", 80],
      ["in-turn", "8", 10],
    ]);
    expect(await plan([() => 1.9])).toMatchObject({ threads: [1], measured: [["in-turn", "1", 1.9]] });
    expect(await plan([() => 2])).toMatchObject({
      threads: [1],
      measured: [
        ["in-turn", "1", 2],
        ["in-turn", "8", 2],
      ],
    });
  });

  it("keeps the schedule and the threads that were given", async () => {
    expect(await plan([dividing(80), dividing(80)], "in-turn")).toMatchObject({
      schedule: "in-turn",
      threads: [8, 8],
      measured: [
        ["in-turn", "1,1", 160],
        ["in-turn", "8,8", 20],
      ],
    });
    expect(await plan([dividing(80), dividing(80)], "parallel", [2, undefined])).toMatchObject({
      threads: [2, 4],
      measured: [
        ["parallel", "2,1", 80],
        ["parallel", "2,4", 40],
      ],
    });
    // Nothing is left to measure.
    const fixed = await plan([dividing(80), dividing(80)], "parallel", [3, 2]);
    expect(fixed).toMatchObject({ schedule: "parallel", threads: [3, 2], measured: [] });
    expect(advances).toBe(0);
    expect(fixed.members.map(({ set }) => set)).toEqual([[3], [2]]);
    expect(await plan([dividing(80)], "parallel")).toMatchObject({ schedule: "in-turn", threads: [8], measured: [] });
    expect(await plan([dividing(80)], "parallel", [3])).toMatchObject({ threads: [3] });
  });

  it("takes the middle of the steps after the first, which warms up", async () => {
    let step = 0;
    const times = [100, 5, 9, 7, 30, 10, 8, 1, 7, 9];
    const { measured, threads } = await plan([() => times[step++]], "in-turn");
    expect(measured).toEqual([
      ["in-turn", "1", 9],
      ["in-turn", "8", 8],
    ]);
    expect(threads).toEqual([8]);
  });

  it("measures long steps once, and those that are three times too long", async () => {
    const steps = async (ms: (threads: number) => number) => {
      await plan([ms], "in-turn");
      return advances;
    };
    expect(await steps(() => 251)).toBe(1 + 1);
    expect(await steps(() => 250)).toBe(5 + 5);
    expect(await steps((threads) => (threads === 1 ? 10 : 30))).toBe(5 + 5);
    expect(await steps((threads) => (threads === 1 ? 10 : 31))).toBe(5 + 1);
  });

  it("is no plan for another schedule, or once its signal has fired", async () => {
    const error = await refusal(() => plan([() => 1], "sideways" as never));
    expect(error.message).toContain("sideways");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(plan([() => 1, () => 1], "auto", undefined, signal)).rejects.toThrow("enough");
    expect(advances).toBe(0);
  });
});

describe("members that fail", () => {
  class Failing extends TimedMember {
    constructor(
      name: string,
      readonly turns: number,
    ) {
      super(() => 1, name);
    }

    override async advance(): Promise<void> {
      if (this.reads) return await super.advance();
      for (let turn = 0; turn < this.turns; turn++) await Promise.resolve();
      throw new LlamafuseError("member-failed", `${this.name} failed`, { member: this.name });
    }
  }

  it.each(["parallel", "in-turn"] as const)("are named in their order, whoever failed first: %s", async (schedule) => {
    const members = [new TimedMember(() => 1, "sound"), new Failing("slow", 50), new Failing("quick", 0)];
    const error = await refusal(() => loadMembers({ members, schedule }));
    expect([error.code, error.message]).toEqual(["member-failed", "slow failed"]);
  });
});
