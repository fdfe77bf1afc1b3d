import { describe, expect, it } from "vitest";
import { type Answer, AnswerCache, type AnswerRequest, type Respondent } from "../../../src/answers/answer-cache.js";
import { Ledger } from "../../../src/answers/ledger.js";
import type { NamedMethod } from "../../../src/ensemble/system.js";

const GREEDY: AnswerRequest = { prompt: "Why?", generation: { maxTokens: 8, stop: [] }, seed: 1 };
const SAMPLED: AnswerRequest = { ...GREEDY, generation: { ...GREEDY.generation, temperature: 1 } };
const MEMBERS = [
  { name: "a", identity: "hash of a", weight: 2 },
  { name: "b", identity: "hash of b" },
];
const PAIR: Respondent = { method: { name: "gac" }, members: [0, 1] };

/** A cache over models that answer with what they were asked, and a count of how often they were. */
function cacheOf({ ledger = new Ledger<Answer>(), members = MEMBERS, version = "1" } = {}) {
  const asked: { respondent: Respondent; seed: number }[] = [];
  const cache = new AnswerCache(
    ledger,
    members,
    async (respondent, _request, seed) => {
      asked.push({ respondent, seed });
      await new Promise((resolve) => setImmediate(resolve));
      return { text: `${seed}`, finishReason: "stop", steps: 1, tokens: [3], seconds: 0.1, promptSeconds: 0 };
    },
    version,
  );
  return { cache, asked };
}

describe("the answer cache", () => {
  it("asks a member once for one answer, also where many ask at once", async () => {
    const { cache, asked } = cacheOf();
    const answers = await Promise.all([1, 2, 3].map(() => cache.answerOf(0, GREEDY)));
    answers.push(await cache.answerOf(0, { ...GREEDY }));
    expect(asked).toHaveLength(1);
    expect(asked[0].respondent).toEqual({ method: { name: "single" }, members: [0] });
    expect(new Set(answers).size).toBe(1);
  });

  it("gives samples seeds of their own, and greedy samples none", async () => {
    const { cache, asked } = cacheOf();
    const sampled = [];
    for (const sample of [0, 1, 2]) sampled.push((await cache.answerOf(0, SAMPLED, sample)).text);
    expect(new Set(sampled).size).toBe(3);
    for (const sample of [0, 1, 2]) await cache.answerOf(0, GREEDY, sample);
    expect(asked).toHaveLength(4);
    expect((await cache.answerOf(0, SAMPLED, 2)).text).toBe(sampled[2]);
    expect(asked).toHaveLength(4);
  });

  it("knows in the next run what the ledger holds", async () => {
    const ledger = new Ledger<Answer>();
    const first = await cacheOf({ ledger }).cache.answer(PAIR, SAMPLED, 1);
    const { cache, asked } = cacheOf({ ledger });
    expect([cache.has(PAIR, SAMPLED, 1), cache.has(PAIR, SAMPLED, 2)]).toEqual([true, false]);
    expect(await cache.answer(PAIR, SAMPLED, 1)).toEqual(first);
    expect(asked).toHaveLength(0);
  });

  it.each<[string, Parameters<typeof cacheOf>[0], Respondent, AnswerRequest]>([
    ["the method's options", {}, { ...PAIR, method: { name: "gac", gate: "threshold" } as NamedMethod }, GREEDY],
    ["what a file that an option names holds", {}, { ...PAIR, files: { router: "hash" } }, GREEDY],
    ["the members", {}, { ...PAIR, members: [1, 0] }, GREEDY],
    ["a member's file", { members: [{ name: "a", identity: "another", weight: 2 }, MEMBERS[1]] }, PAIR, GREEDY],
    ["a weight", { members: [{ ...MEMBERS[0], weight: 1 }, MEMBERS[1]] }, PAIR, GREEDY],
    ["the release", { version: "2" }, PAIR, GREEDY],
    ["the prompt", {}, PAIR, { ...GREEDY, prompt: [{ role: "user", content: "Why?" }] }],
    ["the choices", {}, PAIR, { ...GREEDY, choices: [" a", " b"] }],
    ["the seed", {}, PAIR, { ...GREEDY, seed: 2 }],
    ["the sampling", {}, PAIR, SAMPLED],
  ])("takes nothing from a run in which %s differed", async (_, other, respondent, request) => {
    const ledger = new Ledger<Answer>();
    await cacheOf({ ledger }).cache.answer(PAIR, GREEDY);
    const { cache, asked } = cacheOf({ ledger, ...other });
    expect(cache.has(respondent, request)).toBe(false);
    await cache.answer(respondent, request);
    expect(asked).toHaveLength(1);
  });

  it("does not take a name or, for a member alone, a weight for a difference", async () => {
    const ledger = new Ledger<Answer>();
    await cacheOf({ ledger }).cache.answerOf(0, GREEDY);
    const renamed = [{ name: "x", identity: "hash of a", weight: 7 }, MEMBERS[1]];
    expect(cacheOf({ ledger, members: renamed }).cache.has({ method: { name: "single" }, members: [0] }, GREEDY)).toBe(
      true,
    );
  });

  it("keeps no answer that was cut short, and no error", async () => {
    let outcome: () => Answer = () => ({ ...cut, finishReason: "aborted" });
    const cut = { text: "half", steps: 1, tokens: [1], seconds: 0, promptSeconds: 0 };
    const cache = new AnswerCache(new Ledger<Answer>(), MEMBERS, async () => outcome(), "1");
    expect((await cache.answerOf(0, GREEDY)).finishReason).toBe("aborted");
    expect(cache.has({ method: { name: "single" }, members: [0] }, GREEDY)).toBe(false);
    outcome = () => {
      throw new Error("out of luck");
    };
    await expect(cache.answerOf(0, GREEDY)).rejects.toThrow("out of luck");
    outcome = () => ({ ...cut, finishReason: "stop" });
    expect((await cache.answerOf(0, GREEDY)).finishReason).toBe("stop");
  });
});
