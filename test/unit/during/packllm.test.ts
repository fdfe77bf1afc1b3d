import { describe, expect, it } from "vitest";
import type { MethodOptions } from "../../../src/during/methods.js";
import { perplexityWeights } from "../../../src/during/weightings/perplexity.js";
import { searchWeights } from "../../../src/during/weightings/perplexity-search.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import { textOfTokens } from "../../../src/laws/text-of-tokens.js";
import { beginRun, byStringOf } from "../../../src/laws/walk.js";
import type { ScriptState } from "../../../src/member/scripted/options.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { createEnsemble } from "../../../src/systems.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";

const token = (text: string) => ({ bytes: Buffer.from(text), text });
const end = { bytes: new Uint8Array(), class: TokenClass.end, text: "</s>" };
const vocabulary = makeVocabulary([token("a"), token("b"), end]);
const member = (name: string, script: (state: ScriptState) => number[]) =>
  new ScriptedMember({ name, vocabulary, script: (state) => script(state).map(Math.log) });

describe("weights from the prompt", () => {
  it("are the perplexities' inverse powers, times the given weights", () => {
    expect(perplexityWeights([Math.log(2), Math.log(6)], 1)).toEqual([0.75, 0.25].map((w) => expect.closeTo(w, 12)));
    expect(perplexityWeights([Math.log(2), Math.log(6)], 0.5)).toEqual([0.9, 0.1].map((w) => expect.closeTo(w, 12)));
    expect(perplexityWeights([1, 1], 1, [0.75, 0.25])).toEqual([0.75, 0.25]);
    expect(perplexityWeights([1e5, 2e5], 1)).toEqual([1, 0]);
  });

  it("are searched for the mixture that foretells best", () => {
    // Each is sure of one place and knows nothing of the other.
    const rows = [
      [
        [4, 0],
        [0, 0],
      ],
      [
        [0, 0],
        [0, 4],
      ],
      [
        [0, 9],
        [9, 0],
      ],
    ];
    const { order, weights } = searchWeights(rows, [0, 1]);
    expect(order).toEqual([0, 1, 2]);
    expect(weights).toEqual([0.5, 0.5, 0]);
    expect(searchWeights(rows, []).weights.reduce((a, b) => a + b)).toBe(1);
  });
});

describe("packllm", () => {
  // One finds "a" likely behind every token, the other "b".
  const likesA = () => member("a", () => [0.8, 0.1, 0.1]);
  const likesB = () => member("b", () => [0.1, 0.8, 0.1]);
  const fused = async (method: MethodOptions, prompt: string) => {
    const { run } = await beginRun({ method, members: [likesA(), likesB()], prompt });
    return Object.fromEntries([...byStringOf(await run.step())].map(([string, p]) => [string, Number(p.toFixed(5))]));
  };
  const product = (share: number) => {
    const scores = { a: 0.8 ** share * 0.1 ** (1 - share), b: 0.1 ** share * 0.8 ** (1 - share), "<end>": 0.1 };
    const sum = scores.a + scores.b + scores["<end>"];
    return Object.fromEntries(
      Object.entries(scores).map(([string, score]) => [string, Number((score / sum).toFixed(5))]),
    );
  };

  it.each([false, true])("weights by the perplexity of the prompt (compat: %s)", async (compat) => {
    // Of the targets a a b, member a foretells two: ℓ_b − ℓ_a = ln 8 / 3.
    expect(await fused({ name: "packllm", compat }, "aaab")).toEqual(product(1 / (1 + Math.exp(-Math.log(8) / 3))));
    expect(await fused({ name: "packllm", compat, tau: 0.25 }, "aaab")).toEqual(
      product(1 / (1 + Math.exp((-Math.log(8) / 3) * 4))),
    );
    expect(await fused({ name: "packllm", compat }, "a")).toEqual(product(0.5));
  });

  it.each([false, true])("searches weights (compat: %s)", async (compat) => {
    expect(await fused({ name: "packllm", variant: "opt", compat }, "aaaa")).toEqual(product(1));
    expect(await fused({ name: "packllm", variant: "opt", compat }, "bbbb")).toEqual(product(0));
  });

  it("keeps the prompt's weights, or computes them anew", async () => {
    const shares = async (refresh: number) => {
      const { run } = await beginRun({
        method: { name: "packllm", refresh, reference: "a" },
        members: [likesA(), likesB()],
        prompt: "aaaa",
        greedy: false,
      });
      const found: number[] = [];
      for (let step = 0; step < 4; step++) {
        const distribution = await run.step();
        found.push(byStringOf(distribution).get("a") ?? 0);
        const entries = Array.from({ length: distribution.size }, (_, entry) => entry);
        await run.accept(
          entries.find((entry) => Buffer.from(distribution.bytesOf(entry)).toString() === "b") as number,
        );
      }
      return found;
    };
    const kept = await shares(0);
    expect(new Set(kept).size).toBe(1);
    const anew = await shares(2);
    expect(anew[1]).toBe(anew[0]);
    expect(anew[2]).toBeLessThan(anew[1]);
    expect(anew[3]).toBe(anew[2]);
  });

  it("traces what members say also where their weights were just computed anew", async () => {
    const ensemble = await createEnsemble({
      members: [randomMember(1, bytePairVocabulary()), randomMember(2, sentencePieceVocabulary())],
      method: { name: "packllm", refresh: 1 },
    });
    const { trace } = await ensemble.generate("Hello", { maxTokens: 4, trace: true });
    expect(trace?.length).toBeGreaterThan(1);
    for (const { members } of trace ?? []) expect(members.map(({ heard }) => heard)).toEqual([true, true]);
    await ensemble.dispose();
  });

  it("speaks in the tokens of the member that foretells best, or of the one named", async () => {
    const words = makeVocabulary([token("ab"), token("a"), token("b"), end]);
    const wordy = new ScriptedMember({ name: "wordy", vocabulary: words, script: () => [2, 1, 0, 0] });
    const strings = async (reference: string) => {
      const members = [member("letters", () => [0.5, 0.4, 0.1]), wordy];
      const { run } = await beginRun({ method: { name: "packllm", reference }, members, prompt: "bb" });
      return [...byStringOf(await run.step()).keys()].sort();
    };
    expect(await strings("letters")).toEqual(["<end>", "a", "b"]);
    expect(await strings("wordy")).toEqual(["<end>", "a", "ab", "b"]);
    expect(await strings("auto")).toEqual(["<end>", "a", "b"]);
  });

  it.each(["sim", "opt"] as const)(
    "with compat feeds each member the tokens that stand for the reference's (%s)",
    async (variant) => {
      const members = [randomMember(1, bytePairVocabulary()), randomMember(2, sentencePieceVocabulary())];
      const method = { name: "packllm", compat: true, variant, reference: 0 } as const;
      const { run } = await beginRun({ method, members, prompt: "the dog" });
      for (let step = 0; step < 5; step++) {
        const { best } = await run.step();
        await run.accept(best);
      }
      const [own, others] = await Promise.all(members.map((one) => one.cachedTokens()));
      expect(others.length).toBe(own.length);
      expect(textOfTokens(members[1].vocabulary, others).toString()).toContain("the dog");
    },
  );

  it.each([
    [{ name: "fusion", weights: "perplexity-search" }, /one sequence of tokens.*Use the alignment "mined"/],
    [
      { name: "fusion", rule: "contrast", weights: "perplexity" },
      /uses roles, so the weights "perplexity" do not apply/,
    ],
    [{ name: "fusion", alignment: "relative", schedule: "gate" }, /"relative" does not work with the schedule "gate"/],
    [
      { name: "fusion", alignment: "relative", weights: "perplexity-search" },
      /"relative" does not work with the weights/,
    ],
    [{ name: "fusion", alignment: "relative", rule: "product" }, /embeddings/],
    [{ name: "fusion", alignment: "similarity", rule: "contrast" }, /divides by.*"similarity".*"top-union"/],
    [{ name: "packllm", reference: "owl" }, /reference member "owl"/],
    [{ name: "packllm", variant: "opt", tau: 2 }, /"tau" of packllm.*only with variant "sim"/],
  ] as [MethodOptions, RegExp][])("%j: what is wrong", async (method, message) => {
    await expect(beginRun({ method, members: [likesA(), likesB()] })).rejects.toThrow(message);
  });
});
