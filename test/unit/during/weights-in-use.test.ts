/** Weights in proportions of any size, where a draw goes by them. */
import { describe, expect, it } from "vitest";
import { loadMembers } from "../../../src/ensemble/members.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { createEnsemble } from "../../../src/systems.js";
import { makeVocabulary } from "../../../src/vocabulary/vocabulary.js";

const LETTERS = ["a", "b", "c"];
const vocabulary = makeVocabulary([...LETTERS, "x"].map((letter) => ({ bytes: Buffer.from(letter) })));

/** Says its own letter and nothing else. */
const saying = (letter: string, weight?: number) =>
  Object.assign(
    new ScriptedMember({
      name: letter,
      vocabulary,
      script: () => Float32Array.from({ length: vocabulary.size }, (_, id) => (LETTERS[id] === letter ? 0 : -60)),
    }),
    weight === undefined ? {} : { weight },
  );

const DRAWS = 120;

/** How often each letter was said, of DRAWS. */
async function shares(ask: (seed: number) => Promise<{ text: string }>): Promise<number[]> {
  const counts = LETTERS.map(() => 0);
  for (let seed = 0; seed < DRAWS; seed++) counts[LETTERS.indexOf((await ask(seed)).text)]++;
  return counts;
}

/** Within four standard deviations of what the weights say. */
function expectShares(found: readonly number[], weights: readonly number[]): void {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  for (const [index, weight] of weights.entries()) {
    const p = weight / sum;
    expect(Math.abs(found[index] - DRAWS * p)).toBeLessThanOrEqual(4 * Math.sqrt(DRAWS * p * (1 - p)));
  }
}

describe.each(["me", "gac"] as const)("%s draws members", (name) => {
  it.each([[[1, 1, 1]], [[2, 6, 8]], [[0.02, 0.06, 0.02]], [[3, 0, 1]], [[1e300, 1e300, 1e300]]])(
    "by weights of %j",
    async (weights) => {
      const members = LETTERS.map((letter, index) => saying(letter, weights[index]));
      await using ensemble = await createEnsemble({ members, method: { name } });
      const found = await shares((seed) => ensemble.generate("x", { temperature: 1, seed, maxTokens: 1 }));
      expectShares(found, weights[0] === 1e300 ? [1, 1, 1] : weights);
    },
  );

  it("alike where no weight was given", async () => {
    await using ensemble = await createEnsemble({ members: LETTERS.map((letter) => saying(letter)), method: { name } });
    expectShares(await shares((seed) => ensemble.generate("x", { temperature: 1, seed, maxTokens: 1 })), [1, 1, 1]);
  });

  it("of a choice of members by their weights among themselves", async () => {
    await using members = await loadMembers({ members: LETTERS.map((letter, index) => saying(letter, 1 + 2 * index)) });
    const chosen = members.only("b", "c");
    expect(chosen.weights).toEqual({ b: expect.closeTo(3 / 8, 12), c: expect.closeTo(5 / 8, 12) });
    const ensemble = await createEnsemble({ members: chosen, method: { name } });
    expectShares(await shares((seed) => ensemble.generate("x", { temperature: 1, seed, maxTokens: 1 })), [0, 3, 5]);
  });
});

it("weights say how much each member counts, and sum to 1", async () => {
  await using members = await loadMembers({ members: LETTERS.map((letter, index) => saying(letter, 2 ** index)) });
  expect(members.weights).toEqual({ a: 1 / 7, b: 2 / 7, c: 4 / 7 });
  expect(members.only("c").weights).toEqual({ c: 1 });
});
