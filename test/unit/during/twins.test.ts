/** Several tokens with the same bytes: which of them goes back to the member, and what they are worth together. */
import { describe, expect, it } from "vitest";
import type { MethodGiven } from "../../../src/during/methods.js";
import { randomMember, twinVocabulary } from "../../../src/laws/scripted-members.js";
import { beginRun } from "../../../src/laws/walk.js";
import { ScriptedMember } from "../../../src/member/scripted/scripted-member.js";
import { createEnsemble } from "../../../src/systems.js";
import { TokenClass } from "../../../src/vocabulary/vocabulary.js";

const vocabulary = twinVocabulary();
/** " the" twice. */
const [FIRST, SECOND] = vocabulary.idsOf(" the");
const OTHER = vocabulary.idOf("cat");

/** ln of these tokens' probabilities, in which nothing else is likely. */
function logits(probabilities: Record<number, number>): Float32Array {
  return Float32Array.from({ length: vocabulary.size }, (_, id) => Math.log(probabilities[id] ?? 1e-9));
}

/** The likelier twin is the one that the first step says, the other one at the next. */
const turning = (name: string, likelierFirst = SECOND) =>
  randomMember(1, vocabulary, {
    name,
    script: ({ tokens }) => {
      const likelier = tokens.length % 2 === PROMPT.length % 2 ? likelierFirst : FIRST + SECOND - likelierFirst;
      const rarer = FIRST + SECOND - likelier;
      return logits({ [likelier]: 0.45, [rarer]: 0.2, [OTHER]: 0.35 });
    },
  });

const PROMPT = "ab";

async function fedBack(method: MethodGiven, members: ScriptedMember[], greedy: boolean, steps = 2) {
  const { run } = await beginRun({ method, members, greedy, prompt: PROMPT });
  const shares: number[] = [];
  for (let step = 0; step < steps; step++) {
    const { size, bytesOf, probabilities } = await run.step();
    let chosen = -1;
    for (let entry = 0; entry < size; entry++) {
      const isTwin = Buffer.from(bytesOf(entry)).toString() === " the";
      if (isTwin && (chosen < 0 || probabilities[entry] > probabilities[chosen])) chosen = entry;
    }
    shares.push(probabilities[chosen]);
    await run.accept(chosen);
  }
  const [first] = members;
  return { ids: Array.from(await first.cachedTokens()).slice(-steps), shares };
}

describe.each([true, false])("where a step is greedy: %s", (greedy) => {
  it("single feeds back the token itself, with its own probability", async () => {
    const { ids, shares } = await fedBack("single", [turning("one")], greedy);
    expect(ids).toEqual([SECOND, FIRST]);
    for (const share of shares) expect(share).toBeCloseTo(0.45, 5);
  });

  it("deepen feeds back the likeliest of the tokens, with the probability of both", async () => {
    // At a learning rate of 0 the main member's own distribution stands.
    const method = { name: "deepen", learningRate: 0, feedback: "token" } as const;
    const { ids, shares } = await fedBack(method, [turning("main"), turning("other")], greedy);
    expect(ids).toEqual([SECOND, FIRST]);
    for (const share of shares) expect(share).toBeCloseTo(0.65, 5);
  });

  it("members of one vocabulary exchange the token itself", async () => {
    const members = [turning("one"), turning("two")];
    const { ids } = await fedBack({ name: "purify" }, members, greedy);
    expect(ids).toEqual([SECOND, FIRST]);
    expect(Array.from(await members[1].cachedTokens()).slice(-2)).toEqual([SECOND, FIRST]);
  });

  it("a switch hands over the speaker's token", async () => {
    const router = { needs: {}, score: () => 0 };
    const members = [turning("small", FIRST), turning("large", SECOND)];
    const { ids } = await fedBack({ name: "citer", router }, members, greedy, 1);
    expect(ids).toEqual([SECOND]);
  });

  it.each(["piece", "text"] as const)(
    "gac adds them up, and feedback by %s takes the tokenizer's own",
    async (feedback) => {
      const { ids, shares } = await fedBack({ name: "gac", feedback }, [turning("one"), turning("two")], greedy);
      expect(ids).toEqual([FIRST, FIRST]);
      for (const share of shares) expect(share).toBeCloseTo(0.65, 5);
    },
  );
});

it("a draft is fed back as it was drafted", async () => {
  const members = [turning("drafter"), turning("verifier")];
  const { ids } = await fedBack({ name: "safe", draft: 2 }, members, true);
  expect(ids).toEqual([SECOND, FIRST]);
});

it("a lookup names the likeliest of them, with the logit of all", async () => {
  const member = turning("one");
  await member.prepare({ top: 1 });
  await member.begin({ text: Buffer.from(PROMPT), parseSpecial: false, addBos: true });
  const [found] = await member.lookup([Buffer.from(" the")]);
  expect([found.id, found.own]).toEqual([SECOND, true]);
  expect(found.logit).toBeCloseTo(Math.log(0.65), 5);
});

it("a scored text takes the likeliest of them, on either side", async () => {
  for (const likelier of [FIRST, SECOND]) {
    const rarer = FIRST + SECOND - likelier;
    const member = new ScriptedMember({
      vocabulary,
      script: () => logits({ [likelier]: 0.5, [rarer]: 0.3, [OTHER]: 0.2 }),
    });
    await using ensemble = await createEnsemble({ members: [member] });
    const { logProb, pieces } = await ensemble.score(PROMPT, " the the");
    expect(pieces.map(({ text }) => text)).toEqual([" the", " the"]);
    expect(logProb).toBeCloseTo(2 * Math.log(0.5), 4);
    const tokens = await member.cachedTokens();
    expect(tokens.at(-1)).toBe(likelier);
    expect(tokens.every((id) => vocabulary.classOf(id) === TokenClass.text)).toBe(true);
  }
});
