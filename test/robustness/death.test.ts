/** Threads that die or hang: an error that names the member, soon and for good, and a process that goes on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SharedMemory } from "../../src/kernels/shared-memory.js";
import { Command } from "../../src/member/llama/channel.js";
import { LlamaMember } from "../../src/member/llama/llama-member.js";
import type { MemberThread } from "../../src/member/llama/thread.js";
import { longText, temporaryFolder, writeSlowModel } from "./models.js";

const LONG = { text: Buffer.from(longText(1500)), parseSpecial: false, addBos: true };
const SHORT = { text: Buffer.from("one two"), parseSpecial: false, addBos: true };
const { folder, clean } = temporaryFolder();
let slow: string;
beforeAll(() => {
  slow = writeSlowModel(folder);
});
afterAll(clean);

const load = (options = {}) =>
  LlamaMember.load({ model: slow, name: "frail", contextSize: 4096, ...options }, new SharedMemory());
const threadOf = (member: LlamaMember) => (member as unknown as { host: MemberThread }).host;
const soon = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const failure = (code: string) => ({ name: "LlamafuseError", code, details: { member: "frail" } });

describe("a member whose thread dies", () => {
  it("fails what it was doing, and everything after it, and can be disposed", async () => {
    const member = await load();
    const begun = expect(member.begin(LONG)).rejects.toMatchObject(failure("member-failed"));
    // In the middle of the prefill: see child.mjs.
    await soon(1000);
    await threadOf(member).worker.terminate();
    await begun;
    await expect(member.begin(SHORT)).rejects.toMatchObject(failure("member-failed"));
    await expect(member.cachedTokens()).rejects.toMatchObject(failure("member-failed"));
    await member.dispose();
    await expect(member.begin(SHORT)).rejects.toMatchObject(failure("disposed"));
  });

  it("is noticed by the next step when it dies between two", async () => {
    const member = await load();
    await member.begin(SHORT);
    await threadOf(member).worker.terminate();
    member.append({ kind: "text", bytes: Buffer.from(" old") });
    await expect(member.advance()).rejects.toMatchObject(failure("member-failed"));
    await member.dispose();
  });

  it("says why, where an error ended it", async () => {
    const member = await load();
    await member.begin(SHORT);
    // Announce a message and send none.
    await expect(threadOf(member).call(Command.message, 0)).rejects.toMatchObject({
      ...failure("member-failed"),
      message: expect.stringContaining('"frail" stopped: '),
    });
    await member.dispose();
  });

  it("does not leave its thread to the next member, as one that is disposed does", async () => {
    const [dead, sound] = [await load(), await load({ name: "sound" })];
    const [deadThread, soundThread] = [dead, sound].map((member) => threadOf(member).worker);
    await deadThread.terminate();
    await Promise.all([dead.dispose(), sound.dispose()]);
    const next = await load();
    expect(threadOf(next).worker).toBe(soundThread);
    await next.begin(SHORT);
    await next.dispose();
  });

  it("leaves the other members alone", async () => {
    const [one, other] = [await load(), await load({ name: "sound" })];
    await other.begin(SHORT);
    await threadOf(one).worker.terminate();
    await expect(one.begin(SHORT)).rejects.toMatchObject(failure("member-failed"));
    other.append({ kind: "text", bytes: Buffer.from(" old") });
    await other.advance();
    await Promise.all([one.dispose(), other.dispose()]);
  });
});

describe("a member that does not answer", () => {
  /** Commands come in but wake nobody. */
  const stopListening = (member: LlamaMember) => {
    const { channel } = threadOf(member);
    channel.send = () => {
      Atomics.add(channel.control, 0, 1);
    };
  };
  const hung = { ...failure("member-hung"), details: { member: "frail", found: 1500, option: "timeoutMs" } };

  it.each(["begin", "advance"] as const)(
    "is reported as hung by %s, soon and for good, and ended by dispose",
    async (what) => {
      const member = await load({ timeoutMs: 1500 });
      await member.begin(SHORT);
      // The worker is to be asleep by then.
      await soon(300);
      stopListening(member);
      const started = performance.now();
      await expect(what === "begin" ? member.begin(SHORT) : member.advance()).rejects.toMatchObject(hung);
      expect(performance.now() - started).toBeLessThan(4000);
      await expect(member.begin(SHORT)).rejects.toMatchObject(hung);
      await member.dispose();
      expect(performance.now() - started).toBeLessThan(10_000);
    },
  );

  it("is not one that takes long but shows signs of work", async () => {
    const member = await load({ timeoutMs: 800, batchSize: 16 });
    const started = performance.now();
    await member.begin({ ...LONG, text: Buffer.from(longText(600)) });
    expect(performance.now() - started).toBeGreaterThan(800);
    await member.dispose();
  });
});
