import { describe, expect, it } from "vitest";
import { randomMember, sentencePieceVocabulary } from "../../../../src/laws/scripted-members.js";
import { ScriptedMember } from "../../../../src/member/scripted/scripted-member.js";
import { makeVocabulary, TokenClass } from "../../../../src/vocabulary/vocabulary.js";

const vocabulary = makeVocabulary([
  ...["d", "o", "g", "do", "dog"].map((word) => ({ bytes: Buffer.from(word) })),
  { bytes: new Uint8Array(), class: TokenClass.end, text: "</s>" },
]);
const flat = () => new Float32Array(vocabulary.size);
const prompt = (text: string, parseSpecial = false) => ({ text: Buffer.from(text), parseSpecial, addBos: true });

describe("scripted member", () => {
  it("rolls back to the first token that the longer text changes", async () => {
    const seen: number[][] = [];
    const script = ({ tokens }: { tokens: readonly number[] }) => {
      seen.push([...tokens]);
      return flat();
    };
    const member = new ScriptedMember({ vocabulary, script });
    await member.begin(prompt("od"));
    member.append({ kind: "text", bytes: Buffer.from("o") });
    await member.advance();
    member.append({ kind: "text", bytes: Buffer.from("g") });
    await member.advance();
    expect(seen).toEqual([
      [1, 0],
      [1, 3],
      [1, 4],
    ]);
    expect(member.output.decodedTokens).toBe(1);
  });

  it("lets the script see the text without special tokens", async () => {
    let seen = "";
    const script = ({ text }: { text: Uint8Array }) => {
      seen = Buffer.from(text).toString();
      return flat();
    };
    const member = new ScriptedMember({ vocabulary, script });
    await member.begin(prompt("do</s>g", true));
    expect(seen).toBe("dog");
    expect(Array.from(await member.cachedTokens())).toEqual([3, 5, 2]);
  });

  it("names itself and the token when a script gives NaN or too few logits", async () => {
    const broken = (logits: number[]) => new ScriptedMember({ name: "faulty", vocabulary, script: () => logits });
    await expect(broken([0, 0, Number.NaN, 0, 0, 0]).begin(prompt("do"))).rejects.toMatchObject({
      code: "invalid-logits",
      message: expect.stringContaining('"faulty"'),
      details: { token: 2 },
    });
    await expect(broken([0, 0, Number.POSITIVE_INFINITY, 0, 0, 0]).begin(prompt("do"))).rejects.toMatchObject({
      code: "invalid-logits",
    });
    await expect(broken([0]).begin(prompt("do"))).rejects.toMatchObject({ code: "member-failed" });
  });

  it("refuses what it cannot do, and keeps its text", async () => {
    const member = new ScriptedMember({ vocabulary, script: flat });
    await member.begin(prompt("do"));
    expect(() => member.append({ kind: "text", bytes: Buffer.from("x") })).toThrow(/byte 0x78/);
    expect(() => member.append({ kind: "tokens", ids: [99] })).toThrow(/Token id 99/);
    expect(Array.from(await member.cachedTokens())).toEqual([3]);
    expect(member.output.decodedTokens).toBe(1);
    member.append({ kind: "text", bytes: Buffer.from("g") });
    expect(() => member.output).toThrow(/before advance/);
    await expect(member.lookup([Buffer.from("d")])).rejects.toMatchObject({ code: "member-failed" });
    await expect(member.prepare({ top: 0, projection: { map: new Int32Array(2), size: 1 } })).rejects.toMatchObject({
      code: "invalid-option",
    });
  });

  it("puts the tokenizer's space at fragment starts only, whatever the feedback", async () => {
    const sp = sentencePieceVocabulary();
    const word = (text: string) => sp.idsOf(text).at(-1) as number;
    for (const feedback of [
      { kind: "text", bytes: Buffer.from("the") },
      { kind: "piece", bytes: Buffer.from("the") },
      { kind: "tokens", ids: [word(" the")] },
    ] as const) {
      const member = randomMember(1, sp);
      await member.begin(prompt("cat</s>", true));
      expect(member.atFragmentStart).toBe(true);
      const before = Array.from(await member.cachedTokens());
      member.append(feedback);
      expect(member.atFragmentStart).toBe(false);
      expect(Array.from(await member.cachedTokens())).toEqual([...before, word(" the")]);
      member.append({ kind: "text", bytes: Buffer.from(" dog") });
      expect(Array.from(await member.cachedTokens())).toEqual([...before, word(" the"), word(" dog")]);
    }
  });

  it("prefers a character's own token to its byte token, and falls back on bytes", async () => {
    const member = randomMember(1, sentencePieceVocabulary());
    const ids = Array.from(await member.tokenize(Buffer.from("aß")));
    expect(ids.map((id) => member.vocabulary.textOf(id))).toEqual(["▁", "a", "<0xC3>", "<0x9F>"]);
  });
});
