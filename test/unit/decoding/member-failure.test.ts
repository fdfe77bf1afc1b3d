/** A member that fails in the middle of an answer, under every method that is registered. */
import { describe, expect, it } from "vitest";
import type { Method } from "../../../src/during/define-method.js";
import { methods } from "../../../src/during/methods.js";
import { loadMembers, type Members } from "../../../src/ensemble/members.js";
import { type ErrorCode, LlamafuseError } from "../../../src/errors.js";
import { fitting, scriptedEnsembles } from "../../../src/laws/scripted-ensembles.js";
import { randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import type { Member } from "../../../src/member/member.js";
import { createEnsemble } from "../../../src/systems.js";

const MAX_TOKENS = 8;

interface Failing {
  call: "advance" | "begin";
  /** How often it goes well, from when it is armed. */
  at: number;
  code?: ErrorCode;
}

/** Members that fail only from here on: loading measures steps with them. */
const armed = new Set<Member>();

/** The same member, one of whose functions fails, and everything after it. */
function failing(member: Member, { call, at, code = "member-failed" }: Failing): Member {
  let calls = 0;
  let isDead = false;
  const fail = (): never => {
    isDead = true;
    throw new LlamafuseError(code, `Member "${member.name}" stopped: on purpose.`, { member: member.name });
  };
  return new Proxy(member, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      if (!armed.has(target)) return value.bind(target) as unknown;
      if (isDead && (name === "begin" || name === "advance")) return async () => fail();
      if (name === call && calls++ >= at) return async () => fail();
      return value.bind(target) as unknown;
    },
  });
}

/** Load members of which some fail, and let them. */
async function loadFailing(members: readonly Member[], failures: readonly (Failing | undefined)[]): Promise<Members> {
  const given = members.map((member, index) => {
    const failure = failures[index];
    return failure === undefined ? member : failing(member, failure);
  });
  const loaded = await loadMembers({ members: given, schedule: "in-turn" });
  for (const member of members) armed.add(member);
  return loaded;
}

const gone = { name: "LlamafuseError", code: "member-failed" };

for (const method of methods as unknown as Method[]) {
  const { name } = method.info;
  const [laws] = method.laws;
  const choice = method(laws.options);
  const [set] = (await fitting(choice, laws, scriptedEnsembles)).filter(({ name: of }) => of !== undefined);
  if (set === undefined) continue;

  describe(`${name} on ${set.name}`, () => {
    // A method that draws says another thing in another run, whoever takes part.
    const repeats = name !== "me";
    const request = { maxTokens: MAX_TOKENS, logProbs: true, seed: 5 };
    const makeFailing = async (failure: Failing) => {
      const members = await set.make();
      return loadFailing(members, [...members.slice(1).map(() => undefined), failure]);
    };

    it.each([
      ["begin", 0],
      ["advance", 0],
      ["advance", 2],
    ] as const)("names the member whose %s fails after %i calls, or is finished by the others", async (call, at) => {
      await using broken = await makeFailing({ call, at });
      const member = broken.names.at(-1)!;
      const failed = await (await createEnsemble({ members: broken, method: choice })).generate("Hello", request).then(
        (result) => result,
        (error: LlamafuseError) => error,
      );
      // Some methods never ask it.
      if (!(failed instanceof Error)) return;
      expect(failed).toMatchObject({ ...gone, details: { member } });

      await using again = await makeFailing({ call, at });
      const going = await createEnsemble({ members: again, method: choice, onMemberFailure: "continue" });
      const result = await going.generate("Hello", request).catch((error: unknown) => error as LlamafuseError);
      if (result instanceof Error) {
        // It has roles, or a number of members, that the others do not fill.
        expect(result).toMatchObject({ ...gone, details: { member } });
        expect(method.roles !== undefined || method.members !== undefined || result.code === "member-failed").toBe(
          true,
        );
        return;
      }
      const [{ step, ...who }] = result.dropped!;
      expect(who).toEqual({ name: member, code: "member-failed", message: `Member "${member}" stopped: on purpose.` });
      if (!repeats) return;
      const before = result.pieces!.slice(0, step).map(({ text }) => text);
      await using rest = await loadMembers({ members: (await set.make()).slice(0, -1), schedule: "in-turn" });
      const alone = await createEnsemble({ members: rest, method: choice });
      const behind = await alone.generate(`Hello${before.join("")}`, { ...request, maxTokens: MAX_TOKENS - step });
      expect(result.text).toBe(before.join("") + behind.text);
    });
  });
}

describe("a member that fails", () => {
  const member = (seed: number) => randomMember(seed, sentencePieceVocabulary(seed), { contextSize: 64 });
  const advances = (at: number, code?: ErrorCode): Failing => ({ call: "advance", at, code });

  it("may be followed by others, until one is left, and the last one's failure is the answer's", async () => {
    const three = (at: number) =>
      loadFailing([member(1), member(2), member(3)], [advances(1), advances(2), advances(at)]);
    await using members = await three(99);
    const ensemble = await createEnsemble({ members, method: "gac", onMemberFailure: "continue" });
    const { dropped, trace } = await ensemble.generate("Hello", { maxTokens: 6, trace: true });
    expect(dropped!.map(({ name }) => name)).toEqual(["random-1", "random-2"]);
    expect(trace!.at(-1)!.members.map(({ heard }) => heard)).toEqual([false, false, true]);
    await using doomed = await three(3);
    const ending = await createEnsemble({ members: doomed, method: "gac", onMemberFailure: "continue" });
    await expect(ending.generate("Hello", { maxTokens: 20 })).rejects.toMatchObject({
      ...gone,
      details: { member: "random-3" },
    });
  });

  it("is dropped for logits that are no numbers, and not for a full context", async () => {
    await using sick = await loadFailing([member(1), member(2)], [undefined, advances(1, "invalid-logits")]);
    const ensemble = await createEnsemble({ members: sick, method: "unite", onMemberFailure: "continue" });
    const { dropped } = await ensemble.generate("Hello", { maxTokens: 6 });
    expect(dropped).toMatchObject([{ name: "random-2", code: "invalid-logits" }]);
    await using full = await loadFailing([member(1), member(2)], [undefined, advances(1, "context-overflow")]);
    const ends = await createEnsemble({ members: full, method: "unite", onMemberFailure: "continue" });
    const result = await ends.generate("Hello", { maxTokens: 6 });
    expect([result.finishReason, result.dropped]).toEqual(["length", undefined]);
  });

  it("is what `onMemberFailure` is about, which takes two words", async () => {
    await using members = await loadMembers({ members: [member(1), member(2)] });
    const wrong = createEnsemble({ members, onMemberFailure: "carry on" as never });
    await expect(wrong).rejects.toMatchObject({ code: "invalid-option" });
  });
});
