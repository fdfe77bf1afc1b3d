/** The mixture-like ensemble draws from the mixture, and asks one member a step. */
import { describe, expect, it } from "vitest";
import { createEnsemble } from "../../../src/index.js";
import { bytePairVocabulary, randomMember, sentencePieceVocabulary } from "../../../src/laws/scripted-members.js";
import { END, PROMPT, walk } from "../../../src/laws/walk.js";

const bpe = bytePairVocabulary();
const sp = sentencePieceVocabulary();
const make = () => [randomMember(1, sp), randomMember(2, bpe)];

describe("me", () => {
  it("draws its first piece as often as gac's mean says", async () => {
    const weights = [0.3, 0.7];
    const [{ byString }] = (await walk({ method: { name: "gac" }, members: make(), weights, greedy: false, steps: 1 }))
      .steps;
    const members = make().map((member, index) => Object.assign(member, { weight: weights[index] }));
    await using ensemble = await createEnsemble({ members, method: { name: "me" } });
    const draws = 6000;
    const counts = new Map<string, number>();
    for (let seed = 0; seed < draws; seed++) {
      const { pieces } = await ensemble.generate(PROMPT, { temperature: 1, seed, maxTokens: 1, logProbs: true });
      const [{ text, bytes, end }] = pieces!;
      const string = end
        ? END
        : bytes === undefined
          ? Buffer.from(text).toString("latin1")
          : Buffer.from(bytes, "hex").toString("latin1");
      counts.set(string, (counts.get(string) ?? 0) + 1);
    }
    // χ² over the strings expected often enough, the rest together.
    let statistic = 0;
    let freedom = 0;
    let [restExpected, restCount] = [0, 0];
    for (const [string, probability] of byString) {
      const expected = draws * probability;
      const count = counts.get(string) ?? 0;
      if (expected < 8) {
        restExpected += expected;
        restCount += count;
        continue;
      }
      statistic += (count - expected) ** 2 / expected;
      freedom++;
    }
    statistic += (restCount - restExpected) ** 2 / restExpected;
    expect(freedom).toBeGreaterThan(20);
    // The mean is `freedom`, the standard deviation √(2 · freedom).
    expect(statistic).toBeLessThan(freedom + 4 * Math.sqrt(2 * freedom));
  });

  it("has one member decode at each step, which then reads all that it missed", async () => {
    await using ensemble = await createEnsemble({ members: make(), method: { name: "me" } });
    const { trace, usage } = await ensemble.generate(PROMPT, { temperature: 1, seed: 5, maxTokens: 30, trace: true });
    const heard = trace!.slice(1).map(({ members }) => members.filter((member) => member.heard).length);
    expect(heard.every((count) => count <= 1)).toBe(true);
    expect(
      new Set(trace!.flatMap(({ members }) => members.filter(({ heard }) => heard).map(({ name }) => name))).size,
    ).toBe(2);
    expect(usage.steps).toBe(trace!.length);
  });

  it("repeats a seed, at temperature 0 too, where the draws of members still count", async () => {
    await using ensemble = await createEnsemble({ members: make(), method: { name: "me" } });
    const texts = new Set<string>();
    for (const seed of [1, 2, 3, 4]) {
      const { text } = await ensemble.generate(PROMPT, { seed, maxTokens: 12 });
      expect((await ensemble.generate(PROMPT, { seed, maxTokens: 12 })).text).toBe(text);
      texts.add(text);
    }
    expect(texts.size).toBeGreaterThan(1);
  });

  it("scores a text by the mixture", async () => {
    await using me = await createEnsemble({ members: make(), method: { name: "me" } });
    await using gac = await createEnsemble({ members: make(), method: { name: "gac" } });
    const text = " cats do";
    expect((await me.score(PROMPT, text)).logProb).toBe((await gac.score(PROMPT, text)).logProb);
  });
});
