import { describe, expect, it } from "vitest";
import { type MethodOptions, methodInfos, methodNamed } from "../../../src/during/methods.js";
import { bytePairVocabulary, byteVocabulary, randomMember } from "../../../src/laws/scripted-members.js";
import { beginRun } from "../../../src/laws/walk.js";
import type { Member } from "../../../src/member/member.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";

const voices = (...members: Member[]) => members.map((member) => ({ member, weight: 1 / members.length }));
const context = (...members: Member[]) => ({
  voices: voices(...members),
  greedy: true,
  traceTop: 0,
  advance: async () => {},
});

/** As it comes from a command line or a JSON file. */
const unchecked = (options: unknown) => () => methodNamed(options as MethodOptions);

describe("methodNamed", () => {
  it.each([
    [{ name: "unit" }, /Unknown method "unit".*Did you mean "unite"/],
    [{ name: "constructor" }, /Unknown method "constructor"/],
    [{ name: "unite", kk: 3 }, /Unknown option of unite "kk".*Did you mean "k"/],
    [{ name: "unite", k: 0 }, /"k" of unite.*found 0/],
    [{ name: "unite", k: -3 }, /"k" of unite/],
    [{ name: "unite", k: 2.5 }, /"k" of unite/],
    [{ name: "unite", k: "10" }, /"k" of unite.*found "10"/],
    [{ name: "unite", k: Number.NaN }, /"k" of unite/],
    [{ name: "unite", feedback: "bytes" }, /"feedback" of unite/],
    [{ name: "unite", feedback: "text", compat: true }, /"feedback" of unite.*compat/],
    [{ name: "gac", threshold: 0.5 }, /"threshold" of gac.*only with gate/],
    [{ name: "gac", primary: 0 }, /"primary" of gac.*only with gate/],
    [{ name: "gac", gate: "threshold", threshold: 1.5 }, /"threshold" of gac.*found 1.5/],
    [{ name: "gac", feedback: "text", compat: true }, /"feedback" of gac/],
    [{ name: "product", alignment: "top" }, /"alignment" of product must be one of .*top-union.*found "top"/],
    [
      { name: "product", alignment: { name: "union", k: 3 } },
      /Unknown option of product "alignment.k": the alignment "union" takes alignment.feedback. k belongs to "top-union", "similarity"/,
    ],
    [{ name: "product", alignment: { name: "top-union", k: 0 } }, /"alignment.k" of product.*found 0/],
    [{ name: "fusion", rule: "median" }, /"rule" of fusion must be one of mean, product/],
    [{ name: "fusion", rule: { name: "product", floor: 2 } }, /"rule.floor" of fusion.*found 2/],
    [
      { name: "fusion", rule: { name: "mean", floor: 0.5 } },
      /Unknown option of fusion "rule.floor": the rule "mean" takes no options. floor belongs to "product"/,
    ],
    [{ name: "contrast", alpha: -1 }, /"alpha" of contrast/],
    [{ name: "safe", draft: 0 }, /"draft" of safe.*found 0/],
    [{ name: "safe", alignment: "mined" }, /"alignment" of safe must be one of top-union, union/],
    [
      { name: "core", alignment: { kk: 1 } },
      /Unknown option of core "alignment.kk": .*"top-union" takes alignment.k, alignment.feedback\.$/,
    ],
    [{ name: "purify", alpha: 0.3 }, /"beta" of purify goes together with alpha: give both or none of them\.$/],
    [{ name: "purify", temperature: 0 }, /"temperature" of purify must be above 0; found 0\.$/],
    [{ name: "purify", temperature: [1] }, /"temperature" of purify must have at least 2 values/],
    [{ name: "purify", temperature: "hot" }, /"temperature" of purify must be a number or a list, as 1,2; found "hot"/],
    [
      { name: "deepen", scores: 1 },
      /"scores" of deepen must be a number for each member, as scores.MEMBER=0.3; found 1/,
    ],
    [{ name: "deepen", main: true }, /"main" of deepen must be a text or a number; found true/],
    [{ name: "deepen", main: -1 }, /"main" of deepen must be at least 0; found -1/],
    [{ name: "unite", compat: "yes" }, /"compat" of unite must be true or false; found "yes"/],
    [{ name: "unite", feedback: "bytes" }, /"feedback" of unite must be one of text, piece; found "bytes"/],
    [{ name: "unite", variant: "probability" }, /"variant" of unite is used only with compat/],
    [{ name: "safe", sharpen: "none", lambda: 0.2 }, /"lambda" of safe is used only with sharpen "prefix"/],
    [{ name: "contrast", form: "difference", beta: 1 }, /"beta" of contrast is used only with form "scaled"/],
    [{ name: "fusion", rule: { name: "contrast", form: "difference", beta: 1 } }, /"rule.beta" of fusion is used only/],
    [{ name: "cds", classifier: "entity", threshold: 0.3 }, /"threshold" of cds is not used with classifier "entity"/],
    [{ name: "single", k: 1 }, /Unknown option of single "k"/],
  ])("refuses %j", (options, message) => {
    expect(unchecked(options)).toThrow(
      expect.objectContaining({ code: "invalid-option", message: expect.stringMatching(message) }),
    );
  });

  it.each([
    { name: "core", alignment: { k: 20 } },
    { name: "safe", alignment: { feedback: "piece" } },
    { name: "fusion", alignment: { k: 20 }, rule: {}, weights: {}, schedule: {} },
    { name: "purify", temperature: [1, 2] },
  ] as MethodOptions[])("takes the usual part where only options of it are given: %j", (options) => {
    expect(unchecked(options)).not.toThrow();
  });

  it("describes every method, and every option that it takes", () => {
    for (const { name, summary, source, options } of methodInfos) {
      expect(summary.length).toBeGreaterThan(10);
      expect(source).toMatch(/arXiv \d{4}\.\d{5}|doi 10\.|^-$/);
      // Each documented option exists: a wrong value for it is told from an unknown name.
      for (const option of Object.keys(options))
        expect(unchecked({ name, [option]: { wrong: true } })).toThrow(
          new RegExp(`"${option}(\\.wrong)?" of ${name}|of ${name} "${option}\\.wrong"`),
        );
    }
  });

  it("names the members where a primary is none of them", () => {
    const members = [randomMember(1, byteVocabulary()), randomMember(2, byteVocabulary())];
    const create = (primary: string | number) => () =>
      methodNamed({ name: "gac", gate: "threshold", primary }).create(context(...members));
    expect(create("random-3")).toThrow(/primary member "random-3".*Known: random-1, random-2/);
    expect(create(2)).toThrow(/Member 2 does not exist/);
    expect(create("random-2")).not.toThrow();
    expect(() => methodNamed({ name: "safe", drafter: "finch" }).create(context(...members))).toThrow(
      /drafter member "finch".*Known: random-1, random-2/,
    );
  });

  it("says what compat lacks, and that single takes one member", () => {
    const members = [randomMember(1, byteVocabulary()), randomMember(2, byteVocabulary())];
    expect(() => methodNamed({ name: "single" }).create(context(...members))).toThrow(
      expect.objectContaining({ code: "incompatible-members" }),
    );
    const { texts, textOffsets, ...withoutTexts } = byteVocabulary().data;
    const blind = Object.assign(Object.create(Object.getPrototypeOf(byteVocabulary())), byteVocabulary(), {
      data: withoutTexts,
    });
    const member = randomMember(3, blind);
    for (const name of ["gac", "unite"] as const) {
      expect(() => methodNamed({ name, compat: true } as MethodOptions).create(context(member, members[0]))).toThrow(
        /texts/,
      );
    }
  });
});

it.each([{ name: "gac" }, { name: "unite" }, { name: "gac", gate: "threshold" }] as MethodOptions[])(
  "a member with NaN logits is named by %j",
  async (method) => {
    const vocabulary = bytePairVocabulary();
    let calls = 0;
    const script = () => new Float32Array(vocabulary.size).fill(calls++ > 0 ? Number.NaN : 0);
    const members = [randomMember(1, vocabulary), new ScriptedMember({ name: "broken one", vocabulary, script })];
    const { run } = await beginRun({ method, members });
    const { best } = await run.step();
    await run.accept(best);
    await expect(run.step()).rejects.toMatchObject({
      code: "invalid-logits",
      message: expect.stringContaining("broken one"),
    });
  },
);

describe("what would do nothing is refused", () => {
  const members = () => [randomMember(1, bytePairVocabulary()), randomMember(2, bytePairVocabulary())];
  const [first, second] = members();
  const weighed = [
    { member: first, weight: 0.7 },
    { member: second, weight: 0.3 },
  ];

  it.each([
    [{ name: "fusion", rule: "minimum" }, /The rule "minimum" takes no notice of weights; found 0.7, 0.3/],
    [{ name: "purify", form: "max" }, /The form "max" of purify takes no notice of weights/],
    [{ name: "purify", alpha: 1, beta: 1 }, /purify with alpha and beta takes no notice of weights/],
  ] as [MethodOptions, RegExp][])("%j with weights", (options, message) => {
    expect(() => methodNamed(options).checkMembers(weighed)).toThrow(message);
    expect(() => methodNamed(options).checkMembers(voices(...members()))).not.toThrow();
  });

  const asked = (temperature: number, altering: readonly string[] = []) => ({
    ...context(...members()),
    greedy: temperature === 0 && altering.length === 0,
    temperature,
    altering,
    draw: () => 0,
  });

  it("abe searches at temperature 0, where penalties do not apply, and samples without beams and weights", () => {
    const search = methodNamed("abe").create(asked(0));
    const sample = methodNamed("abe").create(asked(1));
    expect(search.constructor).not.toBe(sample.constructor);
    expect(() => methodNamed("abe").create(asked(0, ["repetitionPenalty"]))).toThrow(
      /abe at temperature 0 searches .* where repetitionPenalty does not apply/,
    );
    expect(() => methodNamed({ name: "abe", beams: 3 }).create(asked(1))).toThrow(/beams of abe does nothing/);
    expect(() => methodNamed({ name: "abe", compat: true }).create(asked(1))).toThrow(/compat of abe does nothing/);
    expect(() => methodNamed("abe").create({ ...asked(1), voices: weighed })).toThrow(/abe does not use weights/);
  });

  it("contrast and proxy take the vocabulary that all share, else the union of the best", () => {
    const needs = (...of: Member[]) => methodNamed("contrast").create(context(...of));
    expect(() => needs(...members())).not.toThrow();
    expect(() => needs(randomMember(1, bytePairVocabulary()), randomMember(2, byteVocabulary()))).not.toThrow();
  });
});
