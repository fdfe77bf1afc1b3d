import { describe, expect, it } from "vitest";
import type { MethodOptions } from "../../../src/during/methods.js";
import { AgreeingRule, agreeing, LinearRule } from "../../../src/during/rules/agreeing.js";
import { CoreRule } from "../../../src/during/rules/core.js";
import { LogLinearRule } from "../../../src/during/rules/log-linear.js";
import { MeanRule } from "../../../src/during/rules/mean.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import { beginRun, byStringOf } from "../../../src/laws/walk.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";

const strings = ["", "a", "b", "ab"];
const stepOf = (...distributions: number[][]) => ({
  size: distributions[0].length,
  endEntry: 0,
  distributions: distributions.map((values) => Float64Array.from(values)),
  bytesOf: (entry: number) => Buffer.from(strings[entry]),
});
const rounded = (values: Float64Array, size: number) =>
  Array.from(values.subarray(0, size), (p) => Number(p.toFixed(6)));

describe("masses", () => {
  it("make no difference to any rule", () => {
    const plain = stepOf([0.5, 0.25, 0.125, 0.125], [0.25, 0.25, 0.25, 0.25]);
    const scaled = { ...stepOf([0.25, 0.125, 0.0625, 0.0625], [0.125, 0.125, 0.125, 0.125]), masses: [0.5, 0.5] };
    for (const make of [
      () => new MeanRule(),
      () => new LogLinearRule({ floor: 0.2 }),
      () => new LogLinearRule({ coefficients: [1.5, -0.5], head: { voice: 0, alpha: 0.3 } }),
      () => new CoreRule({ score: "rbf", task: "generation", main: 1 }),
    ]) {
      const [one, other] = [plain, scaled].map((step) => make().fuse(step, [0.5, 0.5], [0, 1]));
      expect(other.best).toBe(one.best);
      expect(rounded(other.probabilities, 4)).toEqual(rounded(one.probabilities, 4));
    }
  });
});

describe("log-linear pooling", () => {
  it("is the normalised product of powers", () => {
    const { probabilities, best } = new LogLinearRule().fuse(
      stepOf([0.1, 0.7, 0.2], [0.1, 0.2, 0.7]),
      [0.5, 0.5],
      [0, 1],
    );
    const products = [0.1, Math.sqrt(0.14), Math.sqrt(0.14)];
    const sum = products.reduce((a, b) => a + b);
    expect(rounded(probabilities, 3)).toEqual(products.map((value) => Number((value / sum).toFixed(6))));
    expect(best).toBe(1);
  });

  it("says only what all can say, unless there is a floor", () => {
    const step = stepOf([0, 0.5, 0.5, 0], [0.25, 0, 0.75, 0]);
    expect(rounded(new LogLinearRule().fuse(step, [0.5, 0.5], [0, 1]).probabilities, 4)).toEqual([0, 0, 1, 0]);
    const floored = new LogLinearRule({ floor: 0.01 }).fuse(step, [0.5, 0.5], [0, 1]).probabilities;
    const products = [0.01 * 0.25, 0.5 * 0.01, 0.5 * 0.75, 0.01 * 0.01].map(Math.sqrt);
    const sum = products.reduce((a, b) => a + b);
    expect(rounded(floored, 4)).toEqual(products.map((value) => Number((value / sum).toFixed(6))));
  });

  it("refuses members that have nothing in common, and leaves out those of weight 0", () => {
    const step = stepOf([0, 1], [1, 0]);
    expect(() => new LogLinearRule().fuse(step, [0.5, 0.5], [0, 1])).toThrow(
      expect.objectContaining({ code: "incompatible-members", message: expect.stringContaining("top-union") }),
    );
    expect(rounded(new LogLinearRule().fuse(step, [1, 0], [0, 1]).probabilities, 2)).toEqual([0, 1]);
  });

  it("divides by what the amateur says, among what the expert finds plausible", () => {
    const step = stepOf([0.04, 0.5, 0.4, 0.06], [0.01, 0.7, 0.2, 0.09]);
    const rule = new LogLinearRule({ coefficients: [1.5, -0.5], head: { voice: 0, alpha: 0.1 } });
    const { probabilities, best } = rule.fuse(step, [], [0, 1]);
    const scores = [0, 0.5 ** 1.5 / 0.7 ** 0.5, 0.4 ** 1.5 / 0.2 ** 0.5, 0.06 ** 1.5 / 0.09 ** 0.5];
    const sum = scores.reduce((a, b) => a + b);
    expect(rounded(probabilities, 4)).toEqual(scores.map((value) => Number((value / sum).toFixed(6))));
    expect(best).toBe(2);
  });
});

describe("agreement", () => {
  it("leaves out a member that says nothing, and is no agreement with it", () => {
    const nothing = [0, 0, 0, 0];
    expect(agreeing([[0.2, 0.5, 0.3, 0], nothing, nothing], 4, 2)).toEqual([false, false, false]);
    const { probabilities, best } = new AgreeingRule(2).fuse(stepOf([0, 0.5, 0.3, 0.2], nothing, nothing), [
      1 / 3,
      1 / 3,
      1 / 3,
    ]);
    expect(best).toBe(1);
    expect(rounded(probabilities, 4)).toEqual([0, 0.5, 0.3, 0.2]);
  });

  it("is an error where nobody who counts says anything", () => {
    expect(() => new LinearRule().fuse(stepOf([0, 1, 0, 0], [0, 0, 0, 0]), [0, 1])).toThrowError(
      expect.objectContaining({ code: "incompatible-members" }),
    );
  });
});

describe("consistency", () => {
  const options = { score: "rbf", task: "generation", main: 0 } as const;

  it("gives the numbers of the sheet", () => {
    const rule = new CoreRule(options);
    rule.fuse({ ...stepOf([0.6, 0.3, 0.1, 0], [0.2, 0.5, 0, 0.3]), endEntry: -1 }, [0.5, 0.5], [0, 1]);
    expect(Array.from(rule.scores[0], (s) => Number(s.toFixed(6)))).toEqual([0.807369, 1.031342, 1.161289, 0]);
    expect(Array.from(rule.scores[1], (s) => Number(s.toFixed(6)))).toEqual([0.825159, 1.054067, 1.186878, 0.933895]);
    expect(rule.weights).toEqual([0.5, 0.5]);
  });

  it("leaves main its own distribution where main ends, or where the two best strings are prefixes", () => {
    const fuse = (...distributions: number[][]) =>
      new CoreRule(options).fuse(stepOf(...distributions), [0.5, 0.5], [0, 1]);
    // Main ends with 0.4; the others outvote it and are not heard.
    expect(fuse([0.4, 0.35, 0.15, 0.1], [0, 1, 0, 0])).toMatchObject({ best: 0 });
    // "a" and "ab".
    const { best, probabilities } = fuse([0.1, 0.4, 0.15, 0.35], [0, 0, 0, 1]);
    expect([best, ...rounded(probabilities, 4)]).toEqual([1, 0.1, 0.4, 0.15, 0.35]);
    // "a" and "b" are none.
    expect(fuse([0.1, 0.4, 0.35, 0.15], [0, 0, 1, 0]).best).toBe(2);
  });

  it("counts members by their given weights too", () => {
    const rule = new CoreRule({ ...options, main: -1 });
    const step = { ...stepOf([0.4, 0.6], [0.6, 0.4]), endEntry: -1 };
    rule.fuse(step, [0.5, 0.5], [0, 1]);
    expect(rule.weights[0]).toBeCloseTo(0.5, 12);
    rule.fuse(step, [0.75, 0.25], [0, 1]);
    expect(rule.weights[0]).toBeCloseTo(0.75, 12);
  });
});

describe("methods with roles", () => {
  const vocabulary = makeVocabulary([
    { bytes: Buffer.from("a") },
    { bytes: Buffer.from("b") },
    { bytes: new Uint8Array(), class: TokenClass.end },
  ]);
  const member = (name: string, probabilities: number[]) =>
    new ScriptedMember({ name, vocabulary, script: () => probabilities.map(Math.log) });
  const fused = async (method: MethodOptions, ...members: ScriptedMember[]) => {
    const { run } = await beginRun({ method, members, prompt: "a" });
    return Object.fromEntries([...byStringOf(await run.step())].map(([string, p]) => [string, Number(p.toFixed(5))]));
  };

  it.each(["top-union", "union", "one-vocabulary"] as const)("are the published formulas on %s", async (alignment) => {
    const amateur = member("amateur", [0.6, 0.3, 0.1]);
    const expert = member("expert", [0.45, 0.5, 0.05]);
    const scores = { a: 0.45 ** 1.5 / 0.6 ** 0.5, b: 0.5 ** 1.5 / 0.3 ** 0.5 };
    const sum = scores.a + scores.b;
    const contrast = { name: "contrast", alignment, expert: "expert", amateur: "amateur", alpha: 0.2 } as const;
    expect(await fused(contrast, amateur, expert)).toEqual({
      a: Number((scores.a / sum).toFixed(5)),
      b: Number((scores.b / sum).toFixed(5)),
    });
    const base = member("base", [0.5, 0.25, 0.25]);
    const shifted = [0.5 * (0.45 / 0.6) ** 2, 0.25 * (0.5 / 0.3) ** 2, 0.25 * (0.05 / 0.1) ** 2];
    const total = shifted.reduce((a, b) => a + b);
    const proxy = { name: "proxy", alignment, base: 2, expert: "expert", antiExpert: "amateur", strength: 2 } as const;
    const [a, b, end] = shifted.map((value) => Number((value / total).toFixed(5)));
    expect(await fused(proxy, amateur, expert, base)).toEqual({ a, b, "<end>": end });
  });

  it.each([
    [
      { name: "contrast" },
      3,
      /contrast takes 2 members \(the first is expert, the second is amateur\) and was given 3: random-1, .*such as unite/,
    ],
    [{ name: "proxy" }, 2, /takes 3 members \(the first is base, the second is expert, the third is antiExpert\)/],
    [{ name: "cds" }, 3, /cds takes 2 members \(the first is aligned, the second is knowledge\)/],
    [{ name: "citer", router: "router.json" }, 3, /citer takes 2 members \(the first is small, the second is large\)/],
    [{ name: "fusion", rule: "contrast" }, 3, /The rule "contrast" takes 2 members.*use the rule "mean"/],
    [{ name: "contrast", expert: 1 }, 2, /"random-2" cannot be both expert and amateur/],
    [{ name: "contrast", expert: "owl" }, 2, /expert member "owl".*Known: random-1, random-2/],
    [{ name: "contrast", alignment: "union" }, 2, /divides by.*Use the alignment "top-union"/],
    [
      { name: "product", alignment: "one-vocabulary" },
      2,
      /The alignment "one-vocabulary" needs members with one vocabulary.*or the alignment "top-union"/,
    ],
    [{ name: "core", main: 7 }, 2, /Member 7 does not exist/],
  ] as [MethodOptions, number, RegExp][])("%j on %i members: what is wrong", async (method, count, message) => {
    const vocabularies = [bytePairVocabulary(), sentencePieceVocabulary(), bytePairVocabulary(1)];
    const members = vocabularies.slice(0, count).map((one, index) => randomMember(index + 1, one));
    await expect(beginRun({ method, members })).rejects.toThrow(message);
  });
});
