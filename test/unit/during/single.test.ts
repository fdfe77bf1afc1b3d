import { expect, it } from "vitest";
import { beginRun } from "../../../src/laws/walk.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";

const none = new Uint8Array();
const vocabulary = makeVocabulary([
  { bytes: Buffer.from("a") },
  { bytes: none, class: TokenClass.end },
  { bytes: Buffer.from("b") },
  { bytes: none, class: TokenClass.control },
  { bytes: none, class: TokenClass.end },
]);

async function firstStep(probabilities: number[], greedy: boolean) {
  const member = new ScriptedMember({ vocabulary, script: () => probabilities.map(Math.log) });
  const { run } = await beginRun({ method: { name: "single" }, members: [member], greedy, prompt: "a" });
  return { distribution: await run.step(), run, member };
}

it("asks for the best token only where the choice is greedy", async () => {
  const { distribution } = await firstStep([0.5, 0.1, 0.3, 0.05, 0.05], true);
  expect(distribution.size).toBe(2);
  expect(distribution.best).toBe(1);
  expect(Buffer.from(distribution.bytesOf(1)).toString()).toBe("a");
  expect(distribution.probabilities[1]).toBeCloseTo(0.5, 6);
  expect(distribution.probabilities[0]).toBeCloseTo(0.15, 6);
});

it.each([true, false])("ends where the end tokens together are the most probable (greedy: %s)", async (greedy) => {
  const { distribution, run, member } = await firstStep([0.3, 0.2, 0.25, 0.05, 0.2], greedy);
  expect(distribution.best).toBe(distribution.endEntry);
  expect(distribution.bytesOf(0).length).toBe(0);
  await run.accept(0);
  expect(Array.from(await member.cachedTokens())).toEqual([0, 1]);
});

it("has every token at its own entry for a draw, and conditions control tokens away", async () => {
  const { distribution, run, member } = await firstStep([0.4, 0.05, 0.3, 0.2, 0.05], false);
  const { size, probabilities } = distribution;
  expect(Array.from(probabilities.subarray(0, size), (p) => Number(p.toFixed(6)))).toEqual([
    0.125, 0.5, 0, 0.375, 0, 0,
  ]);
  await run.accept(3);
  expect(Array.from(await member.cachedTokens())).toEqual([0, 2]);
});
