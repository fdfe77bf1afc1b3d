/** What holds for every selection of the registry, under the options that its definition names. */
import { describe, expect, it } from "vitest";
import type { SelectionLaws, SelectionMethod } from "../../src/after/select/define-selection.js";
import { type SelectionOptions, selections } from "../../src/after/select/registry.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../src/laws/scripted-members.js";
import { createEnsemble } from "../../src/systems.js";
import { candidatesOf, contextFor, unevenTable } from "../support/selections.js";

const NAMES = ["m1", "m2", "m3"];
const TEXT_SETS = [
  ["It is 12.", "it is twelve, I think", "It is 12."],
  ["a cat", "a dog", "a cat sat", "the cat", "a cat", "no idea at all"],
  ["one", "two", "three"],
  ["B", "B", "A", "B", "A", "A"],
  ["so 3 and 4 make 7", "7", "the answer is 7", "eight", "7", "3 + 4 = 7"],
];

const CASES = (selections as readonly SelectionMethod[]).flatMap((method) =>
  method.laws.map((laws) => {
    const named = Object.entries(laws.options ?? {}).map(
      ([option, value]) => `${option}=${typeof value === "function" ? "…" : JSON.stringify(value)}`,
    );
    return [[method.info.name, ...named, ...(laws.learns ? ["table"] : [])].join(" "), method, laws] as const;
  }),
);

function given({ options, learns }: SelectionLaws<unknown>, names: readonly string[] = NAMES) {
  return { ...(options as object), ...(learns && { table: unevenTable(names) }) };
}

describe.each(CASES)("%s", (_, method, laws) => {
  const rule = () => method.withOptions(given(laws)).createRule();

  it.each(TEXT_SETS)("chooses one of the candidates, with the highest score, and repeats", async (...texts) => {
    const candidates = candidatesOf(texts, 3);
    const selection = await rule().select(candidates, contextFor(NAMES));
    expect(candidates[selection.chosen]).toBeDefined();
    expect(selection.scores).toHaveLength(candidates.length);
    expect(selection.scores.some(Number.isNaN)).toBe(false);
    expect(selection.scores[selection.chosen]).toBeCloseTo(Math.max(...selection.scores), 9);
    expect(selection.reason).toMatch(/^[A-Z\d].*\.$/);
    expect(await rule().select(candidates, contextFor(NAMES))).toEqual(selection);
  });

  it("gives the first of equal candidates", async () => {
    const candidates = candidatesOf(Array<string>(6).fill("the same"), 3);
    const context = contextFor(NAMES, { labelShares: (_, __, labels) => labels.map(() => 1) });
    expect((await rule().select(candidates, context)).chosen).toBe(0);
  });

  it.skipIf(laws.exempt?.order !== undefined)("scores each candidate the same in any order of members", async () => {
    for (const texts of TEXT_SETS) {
      const candidates = candidatesOf(texts, 3);
      const { scores } = await rule().select(candidates, contextFor(NAMES));
      const order = [2, 0, 1];
      const names = order.map((member) => NAMES[member]);
      const moved = candidates.map((candidate, index) => ({
        ...candidate,
        member: order.indexOf(candidate.member),
        index,
      }));
      moved.sort((a, b) => a.sample - b.sample || a.member - b.member);
      const other = await rule().select(moved, contextFor(names));
      for (const [place, { index }] of moved.entries()) expect(other.scores[place]).toBeCloseTo(scores[index], 9);
    }
  });

  it("leaves one member as it is", async () => {
    const member = () => randomMember(1, bytePairVocabulary(), { name: "m1", contextSize: 600 });
    const options = { ...given(laws, ["m1"]), samples: 1 };
    await using alone = await createEnsemble({ members: [member()], method: "single" });
    await using selected = await createEnsemble({
      members: [member()],
      method: { name: method.info.name, ...options } as unknown as SelectionOptions,
    });
    const request = { maxTokens: 12, seed: 5, temperature: 0.8 };
    const { text, finishReason, seed } = await alone.generate("the cat", request);
    expect(await selected.generate("the cat", request)).toMatchObject({ text, finishReason, seed });
  });

  it("repeats with a seed, side by side as in turn", async () => {
    const answer = async (schedule: "parallel" | "in-turn") => {
      const vocabularies = [bytePairVocabulary(), sentencePieceVocabulary()];
      const members = vocabularies.map((vocabulary, index) =>
        randomMember(index + 1, vocabulary, { name: NAMES[index], contextSize: 1200 }),
      );
      const options = { ...given(laws, NAMES.slice(0, 2)), samples: 2 };
      await using ensemble = await createEnsemble({
        members,
        schedule,
        method: { name: method.info.name, ...options } as unknown as SelectionOptions,
      });
      const { text, selection } = await ensemble.generate("the cat", { maxTokens: 6, seed: 9 });
      return { text, chosen: selection.chosen, candidates: selection.candidates };
    };
    const first = await answer("in-turn");
    expect(await answer("in-turn")).toEqual(first);
    expect(await answer("parallel")).toEqual(first);
    expect(first.candidates.map(({ text }) => text)).toContain(first.text);
  });
});
