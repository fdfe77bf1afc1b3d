/** A member that fails in the middle of an answer, under every method that is registered. */
import { describe, expect, it } from "vitest";
import type { Method } from "../../../src/during/define-method.js";
import { methods } from "../../../src/during/methods.js";
import { loadMembers } from "../../../src/ensemble/members.js";
import { type ErrorCode, LlamafuseError } from "../../../src/errors.js";
import { fitting, scriptedEnsembles } from "../../../src/laws/scripted-ensembles.js";
import { randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import type { Member } from "../../../src/member/member.js";
import { createEnsemble } from "../../../src/systems.js";

const MAX_TOKENS = 8;

/** The same member, whose nth call of one of its functions fails, and every call after it. */
function failing(member: Member, call: "advance" | "begin", at: number, code: ErrorCode = "member-failed"): Member {
  let calls = 0;
  const fail = () => {
    throw new LlamafuseError(code, `Member "${member.name}" stopped: on purpose.`, { member: member.name });
  };
  return new Proxy(member, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      if (name === call && calls++ >= at) return async () => fail();
      if (calls > at && (name === "begin" || name === "advance" || name === "append")) return fail;
      return value.bind(target) as unknown;
    },
  });
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
    const make = async (change: (members: Member[]) => Member[]) =>
      loadMembers({ members: change(await set.make()), schedule: "in-turn" });

    it.each([
      ["begin", 0],
      ["advance", 0],
      ["advance", 2],
    ] as const)("names the member whose %s fails after %i calls, or is finished by the others", async (call, at) => {
      const last = (members: Member[]) => members.length - 1;
      await using broken = await make((members) => members.with(-1, failing(members.at(-1)!, call, at)));
      const member = broken.names.at(-1)!;
      const failed = await (await createEnsemble({ members: broken, method: choice })).generate("Hello", request).then(
        (result) => result,
        (error: LlamafuseError) => error,
      );
      // Some methods never ask it.
      if (!(failed instanceof Error)) return;
      expect(failed).toMatchObject({ ...gone, details: { member } });

      await using again = await make((members) => members.with(-1, failing(members.at(-1)!, call, at)));
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
      await using rest = await make((members) => members.slice(0, last(members)));
      const alone = await createEnsemble({ members: rest, method: choice });
      const behind = await alone.generate(`Hello${before.join("")}`, { ...request, maxTokens: MAX_TOKENS - step });
      expect(result.text).toBe(before.join("") + behind.text);
    });
  });
}

describe("a member that fails", () => {
  const load = (...members: Member[]) => loadMembers({ members, schedule: "parallel" });
  const member = (seed: number) => randomMember(seed, sentencePieceVocabulary(seed), { contextSize: 64 });

  it("may be followed by others, until one is left, and the last one's failure is the answer's", async () => {
    const three = (at: number) => [
      failing(member(1), "advance", 1),
      failing(member(2), "advance", 2),
      failing(member(3), "advance", at),
    ];
    await using members = await load(...three(99));
    const ensemble = await createEnsemble({ members, method: "gac", onMemberFailure: "continue" });
    const { dropped, usage } = await ensemble.generate("Hello", { maxTokens: 6, trace: true });
    expect(dropped!.map(({ name }) => name)).toEqual(["random-1", "random-2"]);
    expect(usage.steps).toBeGreaterThan(dropped![1].step);
    await using doomed = await load(...three(4));
    const ended = (await createEnsemble({ members: doomed, method: "gac", onMemberFailure: "continue" })).generate(
      "Hello",
      { maxTokens: 20 },
    );
    await expect(ended).rejects.toMatchObject({ ...gone, details: { member: "random-3" } });
  });

  it("is dropped for logits that are no numbers, and not for a full context or an aborted request", async () => {
    await using sick = await load(member(1), failing(member(2), "advance", 1, "invalid-logits"));
    const ensemble = await createEnsemble({ members: sick, method: "unite", onMemberFailure: "continue" });
    expect((await ensemble.generate("Hello", { maxTokens: 6 })).dropped).toMatchObject([
      { name: "random-2", code: "invalid-logits" },
    ]);
    await using full = await load(member(1), failing(member(2), "advance", 1, "context-overflow"));
    const ends = await createEnsemble({ members: full, method: "unite", onMemberFailure: "continue" });
    const result = await ends.generate("Hello", { maxTokens: 6 });
    expect([result.finishReason, result.dropped]).toEqual(["length", undefined]);
  });

  it("is what `onMemberFailure` is about, which takes two words and no router", async () => {
    await using members = await load(member(1), member(2));
    await expect(createEnsemble({ members, onMemberFailure: "carry on" as never })).rejects.toMatchObject({
      code: "invalid-option",
    });
  });
});
