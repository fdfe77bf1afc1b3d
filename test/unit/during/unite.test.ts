import { describe, expect, it } from "vitest";
import { TopUnion } from "../../../src/during/alignments/top-union/candidates.js";
import type { MethodOptions } from "../../../src/during/methods.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import { beginRun, byStringOf, END } from "../../../src/laws/walk.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass, type Vocabulary } from "../../../src/vocabulary/vocabulary.js";

const text = (string: string) => ({ bytes: Buffer.from(string) });
const end = { bytes: new Uint8Array(), class: TokenClass.end };

async function firstStep(method: MethodOptions, members: [Vocabulary, number[]][], weights?: number[]) {
  const scripted = members.map(
    ([vocabulary, probabilities], index) =>
      new ScriptedMember({ name: `m${index}`, vocabulary, script: () => probabilities.map(Math.log) }),
  );
  const { run } = await beginRun({ method, members: scripted, weights, prompt: "a" });
  const distribution = await run.step();
  return {
    distribution,
    fused: Object.fromEntries([...byStringOf(distribution)].map(([string, p]) => [string, Number(p.toFixed(6))])),
  };
}

describe("unite", () => {
  const words = makeVocabulary([text("a"), text("b"), text("ab"), text("c"), end]);
  const letters = makeVocabulary([end, text("a"), text("b"), text("c"), text("d")]);

  it("values a string that a member lacks by its first sub-token", async () => {
    const known = makeVocabulary([text("a"), text("b"), text("c"), end]);
    const { fused } = await firstStep({ name: "unite", k: 1 }, [
      [words, [0.1, 0.1, 0.6, 0.1, 0.1]],
      [known, [0.3, 0.5, 0.1, 0.1]],
    ]);
    // Union {ab, b}: first 0.6 and 0.1; second: p(a) = 0.3 stands for "ab", 0.5 for "b".
    expect(fused).toEqual({
      ab: Number(((6 / 7 + 3 / 8) / 2).toFixed(6)),
      b: Number(((1 / 7 + 5 / 8) / 2).toFixed(6)),
    });
  });

  it("adds up the tokens of a member that have the same bytes, in its top k or not", async () => {
    const twins = makeVocabulary([text("a"), text("b"), text("a"), end]);
    const { fused } = await firstStep({ name: "unite", k: 2 }, [
      [twins, [0.5, 0.2, 0.1, 0.2]],
      [words, [0.5, 0.4, 0.05, 0.03, 0.02]],
    ]);
    expect(fused.a).toBeCloseTo((6 / 8 + 5 / 9) / 2, 5);
    expect(fused.b).toBeCloseTo((2 / 8 + 4 / 9) / 2, 5);
  });

  it("has the pooled end of all members where any proposes an end token, and otherwise none", async () => {
    const twoEnds = makeVocabulary([text("a"), text("b"), end, end]);
    const proposed = await firstStep({ name: "unite", k: 1 }, [
      [twoEnds, [0.2, 0.2, 0.25, 0.35]],
      [words, [0.6, 0.1, 0.1, 0.1, 0.1]],
    ]);
    expect(proposed.fused).toEqual({
      [END]: Number(((6 / 8 + 1 / 7) / 2).toFixed(6)),
      a: Number(((2 / 8 + 6 / 7) / 2).toFixed(6)),
    });
    expect(proposed.distribution.endEntry).toBe(0);
    const unproposed = await firstStep({ name: "unite", k: 1 }, [
      [twoEnds, [0.7, 0.1, 0.1, 0.1]],
      [words, [0.6, 0.1, 0.1, 0.1, 0.1]],
    ]);
    expect(unproposed.fused).toEqual({ a: 1 });
    expect(unproposed.distribution.endEntry).toBe(-1);
  });

  it("counts members by weight", async () => {
    const { fused } = await firstStep(
      { name: "unite", k: 1 },
      [
        [words, [0.6, 0.2, 0.1, 0.05, 0.05]],
        [letters, [0.1, 0.1, 0.6, 0.1, 0.1]],
      ],
      [0.9, 0.1],
    );
    expect(fused.a).toBeCloseTo(0.9 * (6 / 8) + 0.1 * (1 / 7), 5);
  });

  it("in its released form speaks through the first member's own token, and ends with it", async () => {
    const method = { name: "unite", compat: true, k: 10 } as const;
    const members = [randomMember(1, bytePairVocabulary()), randomMember(2, sentencePieceVocabulary())];
    const { run } = await beginRun({ method, members });
    for (let step = 0; step < 6; step++) {
      const distribution = await run.step();
      const before = await members[0].cachedTokens();
      const entry =
        distribution.best === distribution.endEntry ? (distribution.best + 1) % distribution.size : distribution.best;
      const bytes = Buffer.from(distribution.bytesOf(entry));
      await run.accept(entry);
      const after = await members[0].cachedTokens();
      expect(after.length).toBe(before.length + 1);
      expect(bytes.equals(members[0].vocabulary.bytesOf(after[after.length - 1]))).toBe(true);
    }
  });
});

describe("top union", () => {
  it("hands out entries in order of insertion and normalises each member's row", () => {
    const union = new TopUnion(2, 4);
    for (let round = 0; round < 2; round++) {
      union.clear();
      expect([union.add(70), union.add(5), union.add(70)]).toEqual([0, 1, 0]);
      expect([union.entryOf(5), union.entryOf(6)]).toEqual([1, -1]);
      expect(union.isSettled(0, 0)).toBe(false);
      union.settle(0, 0, 1000);
      union.settle(0, 1, 1000);
      union.settle(1, 0, Number.NEGATIVE_INFINITY);
      union.settle(1, 1, -1000);
      const [first, second] = union.normalise([0, 1]);
      expect(Array.from(first.subarray(0, 2))).toEqual([0.5, 0.5]);
      expect(Array.from(second.subarray(0, 2))).toEqual([0, 1]);
    }
  });
});
