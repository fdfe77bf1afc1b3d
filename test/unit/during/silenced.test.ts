/** Members of weight 0: options still mean the members that the user counts, and roles are not handed on. */
import { expect, it } from "vitest";
import type { MethodOptions } from "../../../src/during/methods.js";
import { bytePairVocabulary, randomMember } from "../../../src/laws/scripted-members.js";
import type { Member } from "../../../src/member/member.js";
import { createEnsemble } from "../../../src/systems.js";

/** Members random-1, random-2, … of these weights. */
async function ensembleOf(method: MethodOptions, weights: readonly number[]) {
  const members = weights.map((weight, index) =>
    Object.assign(randomMember(index + 1, bytePairVocabulary()), { weight }),
  );
  return { members, ensemble: await createEnsemble({ members: members as Member[], method, schedule: "in-turn" }) };
}

const fused = (method: MethodOptions, weights: readonly number[]) =>
  ensembleOf(method, weights).then(({ ensemble }) => ensemble.generate("Hello", { maxTokens: 3, trace: 1 }));

it.each([
  [
    { name: "cds" },
    [0, 1],
    /cds uses roles \(aligned, knowledge\), so weights do not apply.*random-1 0, random-2 1\. Leave/,
  ],
  [{ name: "citer", router: "router.json" }, [2, 1], /citer .*roles.*random-1 0.667, random-2 0.333/],
  [{ name: "contrast" }, [1, 0], /contrast .*roles/],
  [{ name: "proxy" }, [0, 1, 1], /proxy .*roles \(base, expert, antiExpert\)/],
  [{ name: "fusion", rule: "proxy" }, [0, 1, 1], /The rule "proxy" .*roles/],
] as [MethodOptions, number[], RegExp][])(
  "refuses that the members of %j weigh %j",
  async (method, weights, message) => {
    await expect(ensembleOf(method, weights)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringMatching(message),
    });
  },
);

it.each([
  [
    { name: "gac", gate: "threshold", primary: "random-1" },
    /"random-1" cannot be primary: its weight is 0.*random-2, random-3/,
  ],
  [{ name: "gac", gate: "threshold", primary: 0 }, /"random-1" cannot be primary: its weight is 0/],
  [{ name: "safe", drafter: "random-1" }, /"random-1" cannot be drafter: its weight is 0/],
  [{ name: "core" }, /"random-1" cannot be main: its weight is 0/],
  [{ name: "gac", gate: "threshold", primary: 3 }, /primary must be 0 … 2, or a name: random-1, random-2, random-3/],
  [
    { name: "gac", gate: "threshold", primary: "owl" },
    /Unknown primary member "owl".*Known: random-1, random-2, random-3/,
  ],
] as [MethodOptions, RegExp][])("refuses the silenced member in %j", async (method, message) => {
  await expect(fused(method, [0, 1, 1])).rejects.toThrow(message);
});

it("counts the silenced ones where an option names a member by its place, and asks them nothing", async () => {
  const byPlace = await fused({ name: "gac", gate: "threshold", threshold: 0, primary: 2 }, [0, 1, 1]);
  const byName = await fused({ name: "gac", gate: "threshold", threshold: 0, primary: "random-3" }, [0, 1, 1]);
  expect(byPlace.text).toBe(byName.text);
  expect(byPlace.usage.memberPromptTokens["random-1"] ?? 0).toBe(0);
  for (const { members } of byPlace.trace!) {
    expect(members.map(({ name }) => name)).toEqual(["random-2", "random-3"]);
  }
});
