/** Members that fail in the middle of an answer: who goes on, under which weights, behind what. */
import { describe, expect, it } from "vitest";
import { beginBehind, without } from "../../../src/decoding/member-failure.js";
import { loadMembers } from "../../../src/ensemble/members.js";
import type { ErrorCode } from "../../../src/errors.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import type { MemberPrompt } from "../../../src/member/member.js";
import { createEnsemble } from "../../../src/systems.js";
import { type Failing, loadFailing } from "../../support/failing.js";

describe("a member that fails", () => {
  const member = (seed: number) => randomMember(seed, sentencePieceVocabulary(seed), { contextSize: 64 });
  const advances = (at: number, code?: ErrorCode): Failing => ({ call: "advance", at, code });

  it("may be followed by others, until one is left, and the last one's failure is the answer's", async () => {
    const three = (at: number) =>
      loadFailing([member(1), member(2), member(3)], [advances(1), advances(2), advances(at)]);
    await using members = await three(99);
    const ensemble = await createEnsemble({ members, method: "gac", onMemberFailure: "continue" });
    const { dropped, trace } = await ensemble.generate("Hello", { maxTokens: 6, trace: true });
    expect(dropped!.map(({ name }) => name)).toEqual(["random-1", "random-2"]);
    expect(trace!.at(-1)!.members.map(({ heard }) => heard)).toEqual([false, false, true]);
    await using doomed = await three(3);
    const ending = await createEnsemble({ members: doomed, method: "gac", onMemberFailure: "continue" });
    await expect(ending.generate("Hello", { maxTokens: 20 })).rejects.toMatchObject({
      code: "member-failed",
      details: { member: "random-3" },
    });
  });

  it("is dropped for logits that are no numbers, and not for a full context", async () => {
    await using sick = await loadFailing([member(1), member(2)], [undefined, advances(1, "invalid-logits")]);
    const ensemble = await createEnsemble({ members: sick, method: "unite", onMemberFailure: "continue" });
    const { dropped } = await ensemble.generate("Hello", { maxTokens: 6 });
    expect(dropped).toMatchObject([{ name: "random-2", code: "invalid-logits" }]);
    await using full = await loadFailing([member(1), member(2)], [undefined, advances(1, "context-overflow")]);
    const ends = await createEnsemble({ members: full, method: "unite", onMemberFailure: "continue" });
    const result = await ends.generate("Hello", { maxTokens: 6 });
    expect([result.finishReason, result.dropped]).toEqual(["length", undefined]);
  });

  it("is what `onMemberFailure` is about, which takes two words", async () => {
    await using members = await loadMembers({ members: [member(1), member(2)] });
    const wrong = createEnsemble({ members, onMemberFailure: "carry on" as never });
    await expect(wrong).rejects.toMatchObject({ code: "invalid-option" });
  });
});

const vocabulary = bytePairVocabulary();
const SPECIAL = "<|im_start|>";
const special = Array.from({ length: vocabulary.size }, (_, id) => id).find((id) => vocabulary.textOf(id) === SPECIAL)!;
const prompted = (text: string, others: Partial<MemberPrompt> = {}): MemberPrompt => {
  return { text: Buffer.from(text), parseSpecial: true, addBos: false, ...others };
};

/** Begin with the prompt, as an answer does, then behind prompt and text. */
async function begun(prompt: MemberPrompt, text: Uint8Array) {
  const member = randomMember(1, vocabulary);
  await member.prepare({ top: 0 });
  const { promptTokens: before } = await member.begin(prompt);
  const { promptTokens, decodedTokens } = await beginBehind(member, prompt, text, new AbortController().signal);
  expect(member.hasOutput).toBe(true);
  return { held: Array.from(await member.cachedTokens()), before, promptTokens, decodedTokens, member };
}

describe("a member that goes on behind what was said", () => {
  it("reads prompt and text as one, and decodes what its cache has not", async () => {
    const { held, before, promptTokens, decodedTokens, member } = await begun(
      prompted("the dog"),
      Buffer.from("s the"),
    );
    expect(held).toEqual(Array.from(await member.tokenize(Buffer.from("the dogs the"))));
    expect([promptTokens, decodedTokens]).toEqual([held.length, held.length - before]);
  });

  it("reads a special token that was said as letters, and the prompt's own as the prompt has it", async () => {
    const one = await begun(prompted(`${SPECIAL}a`), Buffer.from(SPECIAL));
    expect(one.held.filter((id) => id === special)).toEqual([special]);
    expect(one.held[0]).toBe(special);
    expect(Buffer.concat(one.held.map((id) => vocabulary.bytesOf(id))).toString()).toBe(`a${SPECIAL}`);
    // Of two in the prompt, the second is a user's words.
    const letters = [SPECIAL.length, 2 * SPECIAL.length];
    const two = await begun(prompted(SPECIAL + SPECIAL, { letters }), Buffer.from("the"));
    expect(two.held.filter((id) => id === special)).toEqual([special]);
    expect(Buffer.concat(two.held.map((id) => vocabulary.bytesOf(id))).toString()).toBe(`${SPECIAL}the`);
  });

  it.each(["a", ""])("reads a character that is not whole yet behind the others: %j and half an é", async (whole) => {
    const text = Buffer.concat([Buffer.from(whole), Buffer.of(0xc3)]);
    const { held, before, promptTokens, decodedTokens } = await begun(prompted("the"), text);
    expect(Buffer.concat(held.map((id) => vocabulary.bytesOf(id)))).toEqual(Buffer.concat([Buffer.from("the"), text]));
    // The half is no part of what it began with; its last token is always decoded again.
    expect(promptTokens).toBe(held.length - 1);
    expect(decodedTokens).toBe(whole === "" ? 2 : held.length - before);
  });

  it.each(["", "dogs"])("keeps a prompt that is given as tokens, with %j behind them", async (text) => {
    const tokens = [special, ...Array.from(await randomMember(1, vocabulary).tokenize(Buffer.from("a")))];
    const { held, promptTokens, decodedTokens, member } = await begun(prompted("else", { tokens }), Buffer.from(text));
    const behind = Array.from(await member.tokenize(Buffer.from(`a${text}`)));
    expect(held).toEqual([special, ...behind]);
    // The last token of a prompt that it holds is decoded again, then the text.
    expect([promptTokens, decodedTokens]).toEqual([2, 1 + (held.length - 2)]);
  });
});

describe("the weights of those that are left", () => {
  const voices = (...weights: number[]) =>
    weights.map((weight, index) => ({ member: randomMember(index, vocabulary), weight }));

  it("are what they were to one another, and sum to 1", () => {
    const all = voices(0.2, 0.5, 0.3);
    expect(without(all[1], all).map(({ weight }) => weight)).toEqual([expect.closeTo(0.4), expect.closeTo(0.6)]);
    expect(without(all[1], all).map(({ member }) => member.name)).toEqual(["random-0", "random-2"]);
  });

  it("are equal where they had none", () => {
    const all = voices(0, 1, 0);
    expect(without(all[1], all).map(({ weight }) => weight)).toEqual([0.5, 0.5]);
  });
});
