/** Texts under members and methods. */
import { describe, expect, it } from "vitest";
import { loadMembers } from "../../../src/ensemble/members.js";
import { scoreTexts } from "../../../src/ensemble/score-texts.js";
import { bytePairVocabulary, byteVocabulary, randomMember } from "../../../src/laws/scripted-members.js";
import type { Member } from "../../../src/member/member.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { createEnsemble } from "../../../src/systems.js";
import { makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";

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

  it("begins behind the beginning-of-text token where there is one, alone and with others", async () => {
    const vocabulary = makeVocabulary(
      [
        ...Array.from({ length: 256 }, (_, byte) => ({ bytes: Uint8Array.of(byte) })),
        ...[" the", "cat", "the", "ld"].map((word) => ({ bytes: Buffer.from(word) })),
        { bytes: new Uint8Array(), class: TokenClass.end },
        { bytes: new Uint8Array(), class: TokenClass.control, text: "<s>" },
      ],
      { bos: 261 },
    );
    // A control token is never said, so that a method's distribution is the member's own.
    const made = (name: string) =>
      new ScriptedMember({
        ...{ name, vocabulary },
        script: ({ tokens }) =>
          Float32Array.from({ length: vocabulary.size }, (_, id) =>
            id === vocabulary.bos ? -50 : ((id * 7 + tokens.length * 5 + tokens[0]) % 11) / 2,
          ),
      });
    const member = made("alone");
    let expected = 0;
    for (const text of TEXTS) {
      const [beginning, ...ids] = await member.tokenize(Buffer.from(text), { addBos: true });
      expect(beginning).toBe(vocabulary.bos);
      for (const [place, id] of ids.entries()) {
        const tokens = [beginning, ...ids.slice(0, place)];
        await member.begin({ text: new Uint8Array(), parseSpecial: false, addBos: false, tokens });
        expected -= (member.output.logits[id] - member.output.logNormaliser) / Math.LN2;
      }
    }
    await using members = await loadMembers({ members: [made("one"), made("two")] });
    const scores = await scoreTexts(members, TEXTS, { method: "gac" });
    for (const { bitsPerByte } of [scores, ...scores.members]) expect(bitsPerByte).toBeCloseTo(expected / BYTES, 6);
  });

  const LONG = "the dogs ä and the cat o".repeat(6);

  it.each([16, 17])(
    "reads a text that is longer than a context of %d in windows, each behind half a context",
    async (size) => {
      const make = (contextSize?: number) => randomMember(1, bytePairVocabulary(), { contextSize });
      await using members = await loadMembers({ members: [make(size)] });
      const member = make();
      const ids = Array.from(await member.tokenize(Buffer.from(LONG)));
      expect(ids.length).toBeGreaterThan(3 * size);
      const [beginning] = member.vocabulary.endTokens;
      let expected = 0;
      for (let place = 0, context = 0, end = size - 1; place < ids.length; place++) {
        if (place === end) {
          context = end - Math.floor((size - 1) / 2);
          end = context + size - 1;
        }
        const tokens = [beginning, ...ids.slice(context, place)];
        await member.begin({ text: new Uint8Array(), parseSpecial: false, addBos: false, tokens });
        expected -= (member.output.logits[ids[place]] - member.output.logNormaliser) / Math.LN2;
      }
      const scores = await scoreTexts(members, [LONG]);
      expect(scores.bitsPerByte).toBeCloseTo(expected / Buffer.byteLength(LONG), 6);
    },
  );

  it("does so with a method too, and cuts no character", async () => {
    const size = 64;
    const room = size - 4;
    const make = () => [
      randomMember(1, bytePairVocabulary(), { contextSize: size }),
      randomMember(2, byteVocabulary(), { contextSize: size }),
    ];
    const bytes = Buffer.from(LONG);
    const isInside = (at: number) => (bytes[at] & 0xc0) === 0x80;
    const method = { name: "gac" } as const;
    await using members = await loadMembers({ members: make() });
    const bitsOf = async (text: string) =>
      (await scoreTexts(members, [text], { method })).bitsPerByte * Buffer.byteLength(text);
    await using ensemble = await createEnsemble({ members: make(), method });
    let expected = 0;
    let inside = 0;
    // Of the two, the one that reads bytes is full first.
    for (let from = 0, context = 0; from < bytes.length; ) {
      let end = Math.min(bytes.length, context + room);
      for (; isInside(end); end--) inside++;
      const text = bytes.toString("utf8", from, end);
      if (from === 0) expected += await bitsOf(text);
      else expected -= (await ensemble.score(bytes.toString("utf8", context, from), text)).logProb / Math.LN2;
      context = end - Math.floor((end - context) / 2);
      for (; isInside(context); context++) inside++;
      from = end;
    }
    expect(inside).toBeGreaterThan(0);
    expect(await bitsOf(LONG)).toBeCloseTo(expected, 6);
    const { members: alone } = await scoreTexts(members, [LONG], { method });
    expect(alone.map(({ name }) => name)).toEqual(["random-1", "random-2"]);
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
