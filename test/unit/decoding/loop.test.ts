/** The fused loop on members that say what the test wants: how answers end, what is counted, what a stream yields. */
import { describe, expect, it } from "vitest";
import { lastPieces, logNormaliserOf } from "../../../src/decoding/fused-logits.js";
import type { GenerateOptions } from "../../../src/decoding/request.js";
import { LlamafuseError } from "../../../src/errors.js";
import type { ScriptState } from "../../../src/member/scripted/options.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { createEnsemble } from "../../../src/systems.js";
import { byteKey, makeVocabulary, TokenClass } from "../../../src/vocabulary/vocabulary.js";
import { refusal } from "../../support/refusal.js";
import { distributionOf } from "./distributions.js";

const LETTERS = [..."abcxyz", "<", ">"];
const END = LETTERS.length + 3;
/** Letters, an é in two halves, an ä as a whole, and an end. */
const vocabulary = makeVocabulary([
  ...LETTERS.map((letter) => ({ bytes: Buffer.from(letter) })),
  { bytes: Buffer.of(0xc3) },
  { bytes: Buffer.of(0xa9) },
  { bytes: Buffer.from("ä") },
  { bytes: new Uint8Array(), class: TokenClass.end },
]);
const PROMPT = "xx";

interface Says {
  name?: string;
  /** Tokens by their place behind the prompt: letters, bytes 0xc3 and 0xa9 as "1" and "2", the end as "$". */
  words: string;
  contextSize?: number;
  parameters?: number;
  hear?: (state: ScriptState) => void;
}

const idOf = (sign: string | undefined) =>
  sign === undefined || sign === "$"
    ? END
    : sign === "1"
      ? LETTERS.length
      : sign === "2"
        ? LETTERS.length + 1
        : vocabulary.idOf(byteKey(Buffer.from(sign)));

function saying({ name = "one", words, contextSize, parameters, hear }: Says): ScriptedMember {
  return new ScriptedMember({
    name,
    vocabulary,
    contextSize,
    costs: parameters === undefined ? undefined : { parameters },
    script: (state) => {
      hear?.(state);
      const wanted = idOf(words[state.tokens.length - PROMPT.length]);
      return Float32Array.from({ length: vocabulary.size }, (_, id) => (id === wanted ? 9 : 0));
    },
  });
}

async function answer(says: Says | Says[], options: GenerateOptions = {}) {
  let loaded = false;
  const members = (Array.isArray(says) ? says : [says]).map((each) =>
    saying({ ...each, hear: (state) => loaded && each.hear?.(state) }),
  );
  await using ensemble = await createEnsemble({ members, method: members.length > 1 ? "unite" : "single" });
  loaded = true;
  const chunks: string[] = [];
  const stream = ensemble.stream(PROMPT, options);
  let next = await stream.next();
  for (; !next.done; next = await stream.next()) chunks.push(next.value.text);
  const held = await Promise.all(members.map((member) => member.cachedTokens()));
  return { ...next.value, chunks, held: held.map((tokens) => tokens.length - PROMPT.length) };
}

describe("an answer", () => {
  it("ends with the members' end, which goes back to nobody", async () => {
    const { text, finishReason, usage, chunks, held } = await answer({ words: "abc$" });
    expect([text, finishReason, usage.steps]).toEqual(["abc", "stop", 4]);
    expect(chunks).toEqual(["a", "b", "c"]);
    expect(held).toEqual([3]);
  });

  it("ends after maxTokens steps, the last of which goes back to nobody", async () => {
    const { text, finishReason, usage, held } = await answer({ words: "abcabc" }, { maxTokens: 4 });
    expect([text, finishReason, usage.steps, held]).toEqual(["abca", "length", 4, [3]]);
  });

  it("is stopped by the end in its last step, not cut by its length", async () => {
    expect(await answer({ words: "ab$" }, { maxTokens: 3 })).toMatchObject({ finishReason: "stop", text: "ab" });
    expect(await answer({ words: "ab$" }, { maxTokens: 2 })).toMatchObject({ finishReason: "length", text: "ab" });
  });

  it("of no tokens asks nobody", async () => {
    let asked = 0;
    const member = saying({ words: "abc", hear: () => asked++ });
    await using ensemble = await createEnsemble({ members: [member], schedule: "parallel" });
    asked = 0;
    const { text, finishReason, usage, cost, seed } = await ensemble.generate(PROMPT, { maxTokens: 0, seed: 4 });
    expect([text, finishReason, asked, seed]).toEqual(["", "length", 0, 4]);
    expect(usage).toEqual({ promptTokens: 0, memberPromptTokens: { one: 0 }, steps: 0, memberTokens: { one: 0 } });
    expect(cost).toEqual({ tokens: 0, parameterTokens: 0 });
  });

  it("ends before a stop string, and shows nothing that may become one", async () => {
    const { text, finishReason, chunks, usage } = await answer({ words: "ab<>cab" }, { stop: ["<>"] });
    expect([text, finishReason, usage.steps, chunks]).toEqual(["ab", "stop", 4, ["a", "b"]]);
    const held = await answer({ words: "ab<c<" }, { stop: ["<>"], maxTokens: 5 });
    // What was held back appears with what follows it, or at the end.
    expect([held.text, held.finishReason, held.chunks]).toEqual(["ab<c<", "length", ["a", "b", "<c", "<"]]);
  });

  it("shows whole characters, and half a one at its end as what it is", async () => {
    expect(await answer({ words: "a12b$" })).toMatchObject({ text: "aéb", chunks: ["a", "é", "b"] });
    expect(await answer({ words: "aä1" }, { maxTokens: 3 })).toMatchObject({
      text: "aä\ufffd",
      chunks: ["a", "ä", "\ufffd"],
    });
  });

  it("is what there is when its signal fires", async () => {
    const controller = new AbortController();
    const words = "abcabc";
    const hear = ({ tokens }: ScriptState) => {
      if (tokens.length === PROMPT.length + 3) controller.abort();
    };
    const { text, finishReason, usage } = await answer({ words, hear }, { signal: controller.signal });
    expect([finishReason, text, usage.steps]).toEqual(["aborted", "abca", 4]);
    const fired = await answer({ words }, { signal: AbortSignal.abort() });
    expect([fired.finishReason, fired.text]).toEqual(["aborted", ""]);
  });

  it("ends where a context is full, and is an error where the prompt does not fit", async () => {
    const { text, finishReason, usage } = await answer({ words: "abcabcabc", contextSize: 7 });
    expect([text, finishReason, usage.steps]).toEqual(["abcabc", "length", 6]);
    const member = saying({ words: "abc", contextSize: 6 });
    await using ensemble = await createEnsemble({ members: [member] });
    const error = await refusal(() => ensemble.generate("xxxxxxx"));
    expect(error.code).toBe("context-overflow");
    expect((await ensemble.generate("xx", { maxTokens: 1 })).text).toBe("a");
  });

  it("does not hide what goes wrong in a member", async () => {
    const hear = ({ tokens }: ScriptState) => {
      if (tokens.length === PROMPT.length + 2) throw new LlamafuseError("member-failed", "broken");
    };
    const member = saying({ words: "abc", hear });
    await using ensemble = await createEnsemble({ members: [member], schedule: "parallel" });
    expect((await refusal(() => ensemble.generate(PROMPT))).message).toBe("broken");
  });
});

describe("what is counted", () => {
  it("is each member's prompt and what it decoded behind it, and parameters by tokens", async () => {
    const { usage, cost, method, seed } = await answer(
      [
        { words: "abab", name: "one", parameters: 10 },
        { words: "abab", name: "two", parameters: 3 },
      ],
      { maxTokens: 4, seed: 77 },
    );
    // Three of the four choices were fed back and decoded.
    expect(usage).toEqual({
      promptTokens: 4,
      memberPromptTokens: { one: 2, two: 2 },
      steps: 4,
      memberTokens: { one: 3, two: 3 },
    });
    expect(cost).toEqual({ tokens: 10, parameterTokens: 5 * 10 + 5 * 3 });
    expect([method, seed]).toEqual(["unite", 77]);
  });

  it("is a seed that can be given again where none was", async () => {
    const first = await answer({ words: "abc$" }, { temperature: 2 });
    const again = await answer({ words: "abc$" }, { temperature: 2, seed: first.seed });
    expect(again.text).toBe(first.text);
    expect(Number.isInteger(first.seed)).toBe(true);
  });
});

describe("what is counted where a member drops out", () => {
  /** Its call to `begin` or `advance` with this number, from when it is loaded, fails, and all behind it. */
  const without = async (call: "begin" | "advance", failing: number) => {
    const members = ["one", "two"].map((name) => saying({ name, words: "abcabc" }));
    await using ensemble = await createEnsemble({ members, method: "unite", onMemberFailure: "continue" });
    const [, member] = members;
    const real = member[call].bind(member) as (...given: unknown[]) => Promise<never>;
    let calls = 0;
    member[call] = async (...given: unknown[]) => {
      if (calls++ >= failing) throw new LlamafuseError("member-failed", "It stopped.", { member: "two" });
      return await real(...given);
    };
    return await ensemble.generate("xx", { maxTokens: 4 });
  };

  it("before the first step is its prompt for those that read it", async () => {
    const { usage, dropped, text } = await without("begin", 0);
    expect([text, dropped]).toEqual([
      "abca",
      [{ name: "two", step: 0, code: "member-failed", message: "It stopped." }],
    ]);
    expect(usage).toEqual({
      promptTokens: 2,
      memberPromptTokens: { one: 2, two: 0 },
      steps: 4,
      memberTokens: { one: 3, two: 0 },
    });
  });

  it("later is what the others read again, as tokens behind the prompt", async () => {
    // A scripted member's begin advances it; the second piece is not taken up any more.
    const { usage, dropped, text } = await without("advance", 2);
    expect([text, dropped]).toMatchObject(["abca", [{ name: "two", step: 2 }]]);
    expect(usage.memberPromptTokens).toEqual({ one: 2, two: 2 });
    // The first piece, the last token again where the other one failed, and the third piece.
    expect(usage.memberTokens).toEqual({ one: 3, two: 1 });
  });
});

describe("logits of a fused distribution", () => {
  const member = async (logit: number) => {
    const made = new ScriptedMember({ vocabulary, script: () => new Float32Array(vocabulary.size).fill(logit) });
    await made.prepare({ top: 0 });
    await made.begin({ text: Buffer.from("abc"), parseSpecial: false, addBos: false });
    return made;
  };
  const lnZ = (logit: number) => logit + Math.log(vocabulary.size);

  it("are its own, or the members' by their weights, of those that have an output, or as before", async () => {
    const voices = [
      { member: await member(3), weight: 0.5 },
      { member: await member(-6), weight: 0.25 },
    ];
    const distribution = distributionOf([1]);
    expect(logNormaliserOf({ ...distribution, logNormaliser: 7 }, voices, 1)).toBe(7);
    expect(logNormaliserOf(distribution, voices, 1)).toBeCloseTo((2 * lnZ(3) + lnZ(-6)) / 3, 6);
    voices[0].member.append({ kind: "text", bytes: Buffer.from("a") });
    expect(logNormaliserOf(distribution, voices, 1)).toBeCloseTo(lnZ(-6), 6);
    voices[1].member.append({ kind: "text", bytes: Buffer.from("a") });
    expect(logNormaliserOf(distribution, voices, 1)).toBe(1);
  });

  it("look back on as many pieces as are there, bytes where they are text", async () => {
    const made = await member(0);
    made.append({ kind: "tokens", ids: [END] });
    await made.advance();
    const pieces = async (count: number) =>
      (await lastPieces(made, count)).map((piece) =>
        typeof piece === "number" ? piece : Buffer.from(piece).toString(),
      );
    expect(await pieces(2)).toEqual(["c", END]);
    expect(await pieces(9)).toEqual(["a", "b", "c", END]);
  });
});

describe("a penalty", () => {
  // a leads by half a logit of nine: divided by 1.1 it is behind, times 1.1 on ln p (below 0) it would still lead.
  const favouring = (name: string) =>
    new ScriptedMember({
      name,
      vocabulary,
      script: () => Float32Array.from({ length: vocabulary.size }, (_, id) => [9, 8.5][id] ?? 0),
    });
  const first = async (names: string[], prompt: string, options: GenerateOptions) => {
    const method = names.length > 1 ? "gac" : "single";
    await using ensemble = await createEnsemble({ members: names.map(favouring), method });
    return (await ensemble.generate(prompt, { maxTokens: 1, ...options })).text;
  };

  it.each([[["one"]], [["one", "two"]]])(
    "falls on the members' logits of what stands in the prompt: %j",
    async (names) => {
      expect(await first(names, "xa", { repetitionPenalty: 1.1 })).toBe("b");
      expect(await first(names, "xa", {})).toBe("a");
      expect(await first(names, "xx", { repetitionPenalty: 1.1 })).toBe("a");
      // Only as far back as the window.
      expect(await first(names, "axx", { repetitionPenalty: 1.1, repetitionWindow: 2 })).toBe("a");
      expect(await first(names, "axx", { repetitionPenalty: 1.1, repetitionWindow: 3 })).toBe("b");
    },
  );

  it("falls on what was said before, too", async () => {
    await using ensemble = await createEnsemble({ members: [favouring("one")] });
    const { text } = await ensemble.generate("xx", { maxTokens: 4, repetitionPenalty: 1.1, repetitionWindow: 1 });
    expect(text).toBe("abab");
  });
});

describe("what is reported", () => {
  it("is a trace and pieces only where they were asked for", async () => {
    const plain = await answer({ words: "ab$" });
    for (const key of ["trace", "pieces", "dropped", "report", "reasoning"]) expect(plain).not.toHaveProperty(key);
    expect(plain.usage).not.toHaveProperty("reasoningTokens");
    const { trace, pieces, chunks } = await answer({ words: "a12$" }, { trace: 2, logProbs: true });
    expect(trace!.map(({ index, chosen }) => [index, chosen.text, chosen.end ?? false])).toEqual([
      [0, "a", false],
      [1, "\ufffd", false],
      [2, "\ufffd", false],
      [3, "", true],
    ]);
    expect(pieces!.map(({ text, bytes, end }) => [text, bytes, end])).toEqual([
      ["a", undefined, undefined],
      ["\ufffd", "c3", undefined],
      ["\ufffd", "a9", undefined],
      ["", undefined, true],
    ]);
    // With a trace every step is shown, also where it completes no character.
    expect(chunks).toEqual(["a", "", "é", ""]);
    for (const { members, fused } of trace!) expect([members[0].candidates.length, fused.length]).toEqual([2, 2]);
  });
});
