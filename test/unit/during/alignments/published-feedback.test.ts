import { describe, expect, it } from "vitest";
import { PublishedMembers, standForEnds } from "../../../../src/during/alignments/published-feedback.js";
import { PublishedUnion } from "../../../../src/during/alignments/published-strings.js";
import { TopSpace } from "../../../../src/during/alignments/top-union/alignment.js";
import { MeanRule } from "../../../../src/during/rules/mean.js";
import { primaryDecides } from "../../../../src/during/schedules/gate.js";
import { MixtureKeys } from "../../../../src/during/token/unite/mixture.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../../../src/laws/scripted-members.js";
import { textOfTokens } from "../../../../src/laws/text-of-tokens.js";

it("the gate opens only above its threshold", () => {
  expect([0.49, 0.5, 0.51].map((largest) => primaryDecides(largest, 0.5))).toEqual([false, false, true]);
});

it("the heaviest end string stands for the end, and takes the others' mass where a draw decides", () => {
  const greedy = Float64Array.of(0.1, 0.2, 0.3, 0.4);
  expect(standForEnds(greedy, [0, 2], true)).toBe(2);
  expect(Array.from(greedy)).toEqual([0.1, 0.2, 0.3, 0.4]);
  const drawn = Float64Array.of(0.25, 0.125, 0.5, 0.125);
  expect(standForEnds(drawn, [0, 2], false)).toBe(2);
  expect(Array.from(drawn)).toEqual([0, 0.125, 0.75, 0.125]);
  expect(standForEnds(drawn, [], false)).toBe(-1);
});

it("equal masses go to the string that comes first in the union dictionary", async () => {
  const hex = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const pieces = [...hex, "▁a", "▁b"];
  const dictionary = new PublishedUnion([pieces, pieces]);
  const feedback = { byteTable: new Map(), probe: "", endStrings: new Set<string>(), endId: 0, encode: () => [] };
  // Each member prefers the other string, and the second one is proposed first.
  const logits = [
    pieces.map((piece) => (piece === "▁b" ? 2 : piece === "▁a" ? 1 : -9)),
    pieces.map((piece) => (piece === "▁a" ? 2 : piece === "▁b" ? 1 : -9)),
  ];
  const keys = new MixtureKeys(
    dictionary,
    logits.map((own) => ({ feedback, logitsOf: (ids) => ids.map((id) => own[id]) })),
  );
  const space = new TopSpace(keys, 2, 1);
  const step = await space.align([
    { member: 0, ids: [257], logits: [2], count: 1 },
    { member: 1, ids: [256], logits: [2], count: 1 },
  ]);
  const fused = new MeanRule().fuse(step, [0.5, 0.5]);
  step.conclude?.(fused);
  expect(fused.probabilities[0]).toBe(fused.probabilities[1]);
  expect(dictionary.strings[space.union.keys[fused.best]]).toBe(" a");
});

describe("published feedback on members", () => {
  const members = () => [randomMember(1, sentencePieceVocabulary()), randomMember(2, bytePairVocabulary())];

  it("appends each member's own tokens for a string", async () => {
    const [sp, bpe] = members();
    const published = new PublishedMembers([sp, bpe]);
    for (const member of [sp, bpe]) await member.begin({ text: Buffer.from("the"), parseSpecial: false, addBos: true });
    await published.accept(published.union.entryOf(" dog"));
    await published.accept(published.union.entryOf("z"));
    for (const member of [sp, bpe]) {
      expect(textOfTokens(member.vocabulary, await member.cachedTokens()).toString()).toBe("the dogz");
    }
  });

  it("knows every member's end string and the common ones, and ends each member with its own token", async () => {
    const [sp, bpe] = members();
    const published = new PublishedMembers([sp, bpe]);
    const strings = published.endEntries.map((entry) => published.union.strings[entry]);
    expect(strings.sort()).toEqual(["</s>", "<|endoftext|>", "<|im_end|>"]);
    for (const member of [sp, bpe]) await member.begin({ text: Buffer.from("the"), parseSpecial: false, addBos: true });
    await published.accept(published.union.entryOf("<|im_end|>"));
    const last = async (member: typeof sp) => member.vocabulary.textOf((await member.cachedTokens()).at(-1) as number);
    expect([await last(sp), await last(bpe)]).toEqual(["</s>", "<|endoftext|>"]);
  });
});
