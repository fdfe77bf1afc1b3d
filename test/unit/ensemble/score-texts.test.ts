/** Texts under members and methods. */
import { describe, expect, it } from "vitest";
import { loadMembers } from "../../../src/ensemble/members.js";
import { scoreTexts } from "../../../src/ensemble/score-texts.js";
import { bytePairVocabulary, byteVocabulary, randomMember } from "../../../src/laws/scripted-members.js";
import type { Member } from "../../../src/member/member.js";

const TEXTS = ["the cat and the dog", "wörld"];
const BYTES = TEXTS.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
const pair = () => [randomMember(1, bytePairVocabulary()), randomMember(2, byteVocabulary())];

/** In the member's tokens, one by one. The vocabularies have no beginning-of-text token. */
async function bitsByHand(member: Member, texts: readonly string[]): Promise<number> {
  let bits = 0;
  for (const text of texts) {
    const ids = await member.tokenize(Buffer.from(text));
    const tokens = member.vocabulary.endTokens.slice(0, 1);
    await member.begin({ text: new Uint8Array(), parseSpecial: false, addBos: false, tokens });
    for (const id of ids) {
      bits -= (member.output.logits[id] - member.output.logNormaliser) / Math.LN2;
      member.append({ kind: "tokens", ids: [id] });
      await member.advance();
    }
  }
  return bits;
}

describe("scoreTexts", () => {
  it("sums a member's own tokens, and divides by the bytes", async () => {
    await using members = await loadMembers({ members: pair().slice(0, 1) });
    const expected = (await bitsByHand(pair()[0], TEXTS)) / BYTES;
    const scores = await scoreTexts(members, TEXTS);
    expect(scores).toMatchObject({ texts: 2, bytes: BYTES });
    expect(scores.bitsPerByte).toBeCloseTo(expected, 6);
    expect(scores.members).toEqual([{ name: "random-1", bitsPerByte: scores.bitsPerByte }]);
    expect(Object.keys(scores)).toEqual(["texts", "bytes", "tokens", "bitsPerByte", "members"]);
  });

  it("sums over tokenisations by bytes, which is never less probable", async () => {
    await using members = await loadMembers({ members: pair().slice(0, 1) });
    const exact = { name: "bytes", beam: 64, threshold: 0 } as const;
    const byBytes = await scoreTexts(members, TEXTS, { method: exact });
    const inTokens = await scoreTexts(members, TEXTS);
    expect(byBytes.bitsPerByte).toBeLessThan(inTokens.bitsPerByte);
  });

  it("has each member's own figure by bytes, and what its beam dropped, from the run of all", async () => {
    const alone: number[] = [];
    for (const member of pair()) {
      await using only = await loadMembers({ members: [member] });
      alone.push((await scoreTexts(only, TEXTS, { method: "bytes" })).bitsPerByte);
    }
    await using members = await loadMembers({ members: pair() });
    const together = await scoreTexts(members, TEXTS, { method: { name: "bytes", rule: "product" } });
    for (const [index, { bitsPerByte, discarded }] of together.members.entries()) {
      expect(bitsPerByte).toBeCloseTo(alone[index], 9);
      expect(discarded).toBeGreaterThanOrEqual(0);
      expect(discarded).toBeLessThan(0.2);
    }
  });

  it("has members alone beside a method of tokens, longer texts than the context in windows", async () => {
    const long = "the cat and the dog and ".repeat(20);
    const small = () => [
      randomMember(1, bytePairVocabulary(), { contextSize: 64 }),
      randomMember(2, byteVocabulary(), { contextSize: 64 }),
    ];
    await using members = await loadMembers({ members: small() });
    const scores = await scoreTexts(members, [long], { method: { name: "gac" } });
    expect(scores.members.map(({ name }) => name)).toEqual(["random-1", "random-2"]);
    for (const { bitsPerByte } of [scores, ...scores.members]) expect(bitsPerByte).toBeGreaterThan(0);
    expect(Number.isFinite(scores.bitsPerByte)).toBe(true);
  });

  it("tells how far it is, and can be cancelled", async () => {
    await using members = await loadMembers({ members: pair() });
    const seen: string[] = [];
    await scoreTexts(members, TEXTS, { onProgress: (done, total, scorer) => seen.push(`${done}/${total} ${scorer}`) });
    expect(seen).toEqual(["1/2 bytes", "2/2 bytes"]);
    seen.length = 0;
    const method = "gac";
    await scoreTexts(members, TEXTS, {
      method,
      onProgress: (done, total, scorer) => seen.push(`${done}/${total} ${scorer}`),
    });
    expect(seen).toEqual(["1/6 random-1", "2/6 random-1", "3/6 random-2", "4/6 random-2", "5/6 gac", "6/6 gac"]);
    await expect(scoreTexts(members, TEXTS, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
  });

  it("refuses texts of nothing", async () => {
    await using members = await loadMembers({ members: pair() });
    await expect(scoreTexts(members, [])).rejects.toMatchObject({ code: "invalid-text" });
    await expect(scoreTexts(members, ["a", ""])).rejects.toThrow(/number 2/);
  });
});
