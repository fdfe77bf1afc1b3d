/** A member that may also write the control tokens of its marks, against the softmax over all that it may say. */
import { describe, expect, it } from "vitest";
import { likeliestText, MarkedRun, MarkTokens } from "../../../src/decoding/thinking/marked-run.js";
import type { Marks } from "../../../src/decoding/thinking/marks.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { byteKey, makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";

const NO_BYTES = new Uint8Array();
const control = (text: string) => ({ bytes: NO_BYTES, text, class: TokenClass.control });
/** a, b, ab; [T], [T]+, an unrelated control token, [T] once more, an end with a text, and one without. */
const vocabulary = makeVocabulary([
  ...["a", "b", "ab"].map((string) => ({ bytes: Buffer.from(string) })),
  ...["[T]", "[T]+", "<other>", "[T]"].map(control),
  { bytes: NO_BYTES, text: "<end>", class: TokenClass.end },
  { bytes: NO_BYTES, text: "", class: TokenClass.end },
]);
const [A, , , OPEN, LONGER, OTHER, AGAIN, END, BARE_END] = Array.from({ length: vocabulary.size }, (_, id) => id);
const MARKS: readonly Marks[] = [{ open: "[T]", close: "[T]+", closing: "a[T]+<end>" } as Marks];

const saying = (logits: number[]) =>
  new ScriptedMember({ name: "one", vocabulary, script: () => Float32Array.from(logits) });

async function stepOf(logits: number[], greedy: boolean) {
  const member = saying(logits);
  const context = {
    voices: [{ member, weight: 1 }],
    ...{ greedy, traceTop: 0, advance: async () => await member.advance() },
  };
  const run = new MarkedRun(context as never, MarkTokens.of(vocabulary, MARKS).ids);
  await run.prepare();
  await member.begin({ text: Buffer.from("b"), parseSpecial: false, addBos: false });
  const said = await run.step();
  const shares = new Map<string, number>();
  for (let entry = 0; entry < said.size; entry++) {
    const text = entry === said.endEntry ? "END" : byteKey(said.bytesOf(entry));
    if (said.probabilities[entry] > 0) shares.set(text, (shares.get(text) ?? 0) + said.probabilities[entry]);
  }
  return { shares, best: said.best === said.endEntry ? "END" : byteKey(said.bytesOf(said.best)), run, member, said };
}

describe("the distribution", () => {
  const logits = [2, 1, 1.5, 1.8, 0.5, 3, -1, 0.3, -0.2];

  it("is the softmax over texts, the end and the marks", async () => {
    const all = { a: [0], b: [1], ab: [2], "[T]": [OPEN], "[T]+": [LONGER], END: [END, BARE_END] };
    const weights = Object.entries(all).map(
      ([text, ids]) => [text, ids.reduce((sum, id) => sum + Math.exp(logits[id]), 0)] as const,
    );
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
    const { shares } = await stepOf(logits, false);
    expect([...shares.keys()].sort()).toEqual(Object.keys(all).sort());
    for (const [text, weight] of weights) expect(shares.get(text)).toBeCloseTo(weight / total, 6);
  });

  it.each([true, false])("has the likeliest as its best, mark or not (greedy: %s)", async (greedy) => {
    const best = async (changes: Record<number, number>) =>
      (
        await stepOf(
          logits.map((z, id) => changes[id] ?? z),
          greedy,
        )
      ).best;
    expect(await best({})).toBe("a");
    expect(await best({ [OPEN]: 2.1 })).toBe("[T]");
    expect(await best({ [LONGER]: 2.2, [OPEN]: 2.1 })).toBe("[T]+");
    expect(await best({ [END]: 4 })).toBe("END");
    // Never a control token that marks nothing.
    expect(await best({ [OTHER]: 9, [AGAIN]: 9 })).toBe("a");
  });

  it("takes a mark back as its token", async () => {
    const { run, member, said } = await stepOf([...logits.slice(0, OPEN), 9, ...logits.slice(OPEN + 1)], true);
    await run.accept(said.best);
    await member.advance();
    expect(Array.from(await member.cachedTokens()).at(-1)).toBe(OPEN);
  });
});

describe("mark tokens", () => {
  it("are control tokens of the marks' texts, the first of each text, found once for the same marks", () => {
    const tokens = MarkTokens.of(vocabulary, MARKS);
    expect(tokens.ids).toEqual([OPEN, LONGER]);
    expect(MarkTokens.of(vocabulary, MARKS)).toBe(tokens);
    expect(MarkTokens.of(vocabulary, [...MARKS])).not.toBe(tokens);
    expect(MarkTokens.of(vocabulary, [{ open: "<think>", close: "x", closing: "x" } as Marks]).ids).toEqual([]);
  });

  it.each<[string, number[]]>([
    ["a[T]+<end>", [A, LONGER, END]],
    ["[T][T]+ab", [OPEN, LONGER, 2]],
    ["a", [A]],
    // Not among the marks: letters, which this vocabulary has not.
    ["a[T]b", [A, OPEN, 1]],
  ])("write %s", async (text, ids) => {
    const member = saying(new Array<number>(vocabulary.size).fill(0));
    await member.prepare({ top: 1 });
    await member.begin({ text: Buffer.from("b"), parseSpecial: false, addBos: false });
    MarkTokens.of(vocabulary, MARKS).write(member, text);
    await member.advance();
    expect(Array.from(await member.cachedTokens()).slice(1)).toEqual(ids);
  });
});

describe("marks that a vocabulary has no tokens for", () => {
  it("are written as letters", async () => {
    const member = saying(new Array<number>(vocabulary.size).fill(0));
    await member.prepare({ top: 1 });
    await member.begin({ text: Buffer.from("b"), parseSpecial: false, addBos: false });
    const tokens = MarkTokens.of(vocabulary, [{ open: "aba", close: "b", closing: "b" }]);
    expect(tokens.ids).toEqual([]);
    tokens.write(member, "abab");
    expect(Array.from(await member.cachedTokens()).slice(1)).toEqual([2, 2]);
  });
});

describe("a member that tells only its likeliest tokens", () => {
  const telling = async (top: number, logits: number[]) => {
    const offers = { logits: false, topDepth: 3 };
    const member = new ScriptedMember({ name: "one", vocabulary, script: () => logits, offers });
    await member.prepare({ top });
    await member.begin({ text: Buffer.from("b"), parseSpecial: false, addBos: false });
    return member;
  };
  const logits = Array.from({ length: vocabulary.size }, (_, id) => (id === OPEN ? 9 : id === A ? 3 : 0));

  it("would write its likeliest text, or does not tell", async () => {
    expect(Buffer.from(likeliestText(await telling(2, logits), [OPEN])!).toString()).toBe("a");
    expect(likeliestText(await telling(0, logits), [OPEN])).toBeUndefined();
  });

  it("writes its marks as text only", async () => {
    const member = await telling(2, logits);
    const advance = async () => await member.advance();
    const context = { voices: [{ member, weight: 1 }], greedy: true, traceTop: 0, advance };
    const run = new MarkedRun(context as never, [OPEN]);
    await run.prepare();
    await member.begin({ text: Buffer.from("b"), parseSpecial: false, addBos: false });
    const said = await run.step();
    for (let entry = 0; entry < said.size; entry++) expect(byteKey(said.bytesOf(entry))).not.toBe("[T]");
    expect(byteKey(said.bytesOf(said.best))).toBe("a");
  });
});

describe("what a member would write next", () => {
  const next = async (changes: Record<number, number>, top: number) => {
    const member = saying(Array.from({ length: vocabulary.size }, (_, id) => changes[id] ?? 0));
    await member.prepare({ top });
    await member.begin({ text: Buffer.from("b"), parseSpecial: false, addBos: false });
    const text = likeliestText(member, [OPEN, LONGER]);
    return text && Buffer.from(text).toString();
  };

  it.each([0, 3])("is its likeliest text, its mark, or nothing where it would end (%d top tokens)", async (top) => {
    expect(await next({ [A]: 3, [OPEN]: 2 }, top)).toBe("a");
    expect(await next({ [A]: 3, [LONGER]: 4 }, top)).toBe("[T]+");
    expect(await next({ 2: 1, [OTHER]: 9 }, top)).toBe("ab");
    expect(await next({ [BARE_END]: 5, [OPEN]: 2 }, top)).toBeUndefined();
    // The lowest among equals, and a text before a mark.
    expect(await next({ 0: 1, 1: 1, [OPEN]: 1 }, top)).toBe("a");
  });
});
