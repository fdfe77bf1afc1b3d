/** A member that fails in the middle of an answer, under every method that is registered. */
import { describe, expect, it } from "vitest";
import type { Method } from "../../../src/during/define-method.js";
import { methods } from "../../../src/during/methods.js";
import { loadMembers } from "../../../src/ensemble/members.js";
import type { LlamafuseError } from "../../../src/errors.js";
import { fitting, scriptedEnsembles } from "../../../src/laws/scripted-ensembles.js";
import { createEnsemble } from "../../../src/systems.js";
import { type Failing, loadFailing } from "../../support/failing.js";

const MAX_TOKENS = 8;

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
