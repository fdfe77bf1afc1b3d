import { describe, expect, it } from "vitest";
import { sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import { beginRun } from "../../../src/laws/walk.js";
import type { ScriptState } from "../../../src/member/scripted/options.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";

const text = (string: string) => ({ bytes: Buffer.from(string) });
const end = { bytes: new Uint8Array(), class: TokenClass.end, text: "</s>" };
const small = makeVocabulary([text("a"), text("b"), text("ab"), end]);
const other = makeVocabulary([end, text("ab"), text("c"), text("a"), text("b")]);

const member = (name: string, vocabulary: typeof small, script: (state: ScriptState) => number[]) =>
  new ScriptedMember({ name, vocabulary, script: (state) => script(state).map(Math.log) });

describe("gac", () => {
  it("adds up what different vocabularies say of the same bytes, by weight", async () => {
    const members = [
      member("one", small, () => [0.5, 0.2, 0.2, 0.1]),
      member("two", other, () => [0.3, 0.4, 0.1, 0.1, 0.1]),
    ];
    const { run } = await beginRun({ method: { name: "gac" }, members, weights: [0.75, 0.25], prompt: "a" });
    const { size, probabilities, bytesOf, best, endEntry } = await run.step();
    const found = Object.fromEntries(
      Array.from({ length: size }, (_, entry) => [
        Buffer.from(bytesOf(entry)).toString(),
        probabilities[entry].toFixed(4),
      ]),
    );
    expect(found).toEqual({ "": "0.1500", a: "0.4000", b: "0.1750", ab: "0.2500", c: "0.0250" });
    expect([best, endEntry]).toEqual([1, 0]);
  });

  it("asks the others only where the primary is unsure, and they catch up in one decode", async () => {
    const asked: number[] = [];
    // Sure for the first three steps.
    const primary = member("primary", small, ({ tokens }) =>
      tokens.length < 4 ? [0.9, 0.04, 0.03, 0.03] : [0.4, 0.3, 0.2, 0.1],
    );
    const second = member("second", other, ({ tokens }) => {
      asked.push(tokens.length);
      return [0.05, 0.05, 0.1, 0.1, 0.7];
    });
    const method = { name: "gac", gate: "threshold", threshold: 0.5, primary: "primary" } as const;
    const { run } = await beginRun({ method, members: [second, primary], prompt: "b" });
    const chosen: string[] = [];
    for (let step = 0; step < 5; step++) {
      const { best, bytesOf, probabilities } = await run.step();
      if (step < 3) expect(probabilities[best]).toBeCloseTo(0.9, 6);
      chosen.push(Buffer.from(bytesOf(best)).toString());
      await run.accept(best);
    }
    expect(chosen).toEqual(["a", "a", "a", "b", "b"]);
    expect(asked).toEqual([1, 4, 5]);
  });

  it("lets the primary decide only above the threshold", async () => {
    const members = [
      member("one", small, () => [0.5, 0.25, 0.125, 0.125]),
      member("two", other, () => [0.05, 0.05, 0.1, 0.1, 0.7]),
    ];
    const step = async (threshold: number) => {
      const { run } = await beginRun({ method: { name: "gac", gate: "threshold", threshold }, members, prompt: "a" });
      const { best, bytesOf } = await run.step();
      return Buffer.from(bytesOf(best)).toString();
    };
    expect(await step(0.49)).toBe("a");
    expect(await step(0.51)).toBe("b");
    expect(await step(1)).toBe("b");
  });

  it("leaves the tokenizer's space out of the first word behind a special token", async () => {
    const vocabulary = sentencePieceVocabulary();
    const [the] = vocabulary.idsOf(" the");
    const script = () => Float32Array.from({ length: vocabulary.size }, (_, id) => (id === the ? 9 : 0));
    const both = ["one", "two"].map((name) => new ScriptedMember({ name, vocabulary, script }));
    const begun = await beginRun({ method: { name: "gac" }, members: both, prompt: "" });
    const first = await begun.run.step();
    expect(Buffer.from(first.bytesOf(first.best)).toString()).toBe("the");
    await begun.run.accept(first.best);
    const second = await begun.run.step();
    expect(Buffer.from(second.bytesOf(second.best)).toString()).toBe(" the");
    expect(Array.from(await both[1].cachedTokens())).toEqual([vocabulary.bos, the]);
  });
});
