/** The guard: what its weights promise, and who goes on alone. */
import { describe, expect, it } from "vitest";
import { Evidence, mixtureLoss, regretBound } from "../../../src/during/guard/evidence.js";
import { createEnsemble } from "../../../src/index.js";
import { randomNumbers } from "../../../src/laws/scripted-members.js";
import { refusal } from "../../support/refusal.js";
import { scriptedSpeaker } from "../../support/speaker.js";

describe("evidence", () => {
  it.each([0, 0.02, 0.3])("never loses more than its bound says, whatever members foresee: share %d", (share) => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomNumbers(seed);
      const members = 1 + Math.floor(random() * 5);
      const raw = Array.from({ length: members }, () => 0.05 + random());
      const sum = raw.reduce((total, value) => total + value, 0);
      const prior = raw.map((value) => value / sum);
      const options = { rate: 0.05 + 0.95 * random(), share, epsilon: 0.05 };
      const evidence = new Evidence(prior, options);
      const losses = prior.map(() => 0);
      let lost = 0;
      const pieces = 1 + Math.floor(random() * 60);
      for (let piece = 0; piece < pieces; piece++) {
        const logProbs = prior.map((_, index) => Math.log(random() ** (1 + index)));
        const own = evidence.lossesOf(logProbs);
        for (const [index, loss] of own.entries()) losses[index] += loss;
        lost += mixtureLoss(evidence.weights, own);
        evidence.observe(logProbs);
        expect(evidence.weights.reduce((total, weight) => total + weight, 0)).toBeCloseTo(1, 9);
      }
      expect(lost).toBeLessThanOrEqual(regretBound(losses, prior, pieces, options) + 1e-9);
    }
  });

  it("leaves the member alone that foresees all, after ln((1 − ε)(K − 1) / ε) / (η Δ) pieces", () => {
    const [rate, epsilon, gap] = [0.1, 0.01, 2];
    const evidence = new Evidence([1 / 3, 1 / 3, 1 / 3], { rate, share: 0, epsilon });
    const needed = Math.ceil(Math.log(((1 - epsilon) * 2) / epsilon) / (rate * gap));
    for (let piece = 1; piece <= needed; piece++) {
      expect(evidence.solo).toBeUndefined();
      evidence.observe([-gap, -0.0, -gap]);
    }
    expect(evidence.solo).toBe(1);
  });

  it("learns nothing from a piece that nobody finds possible", () => {
    const evidence = new Evidence([0.5, 0.5], { rate: 1, share: 0, epsilon: 0.01 });
    evidence.observe([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expect(evidence.weights).toEqual([0.5, 0.5]);
  });
});

describe("a guarded method", () => {
  const words = Array.from({ length: 30 }, (_, index) => ` w${index}`);
  const chain = (logit: (index: number) => number) =>
    Object.fromEntries(words.map((word, index) => [index === 0 ? "say:" : words[index - 1], { [word]: logit(index) }]));
  const pieces = ["say:", ...words];
  // One foresees what is said; the other is led along and finds nothing likely.
  const members = () => [
    scriptedSpeaker({ name: "knows", pieces, next: chain(() => 12) }),
    scriptedSpeaker({ name: "guesses", pieces, next: chain(() => 1) }),
  ];

  it.each(["gac", "unite", "cool-fusion"])(
    "%s goes on with the member that foresees the answer, alone",
    async (name) => {
      const ensemble = await createEnsemble({ members: members(), method: { name: "guard", method: name, rate: 0.5 } });
      const { text, report, usage } = await ensemble.generate("say:", { temperature: 0, maxTokens: 60 });
      expect(text).toBe(words.join(""));
      expect(report!.guard.soloFrom).toBeGreaterThan(0);
      expect(report!.guard.knows).toBeGreaterThan(0.99);
      expect(usage.memberTokens.guesses).toBeLessThan(usage.memberTokens.knows);
      await ensemble.dispose();
    },
  );

  it("answers like the method where no member is better, and refuses to guard itself or what is no method", async () => {
    const twins = [1, 2].map((each) => scriptedSpeaker({ name: `m${each}`, pieces, next: chain(() => 12) }));
    const ensemble = await createEnsemble({ members: twins, method: { name: "guard", method: "gac" } });
    const { text, report } = await ensemble.generate("say:", { temperature: 0, maxTokens: 60 });
    expect([text, report!.guard.soloFrom]).toEqual([words.join(""), -1]);
    await ensemble.dispose();
    for (const method of ["guard", "no-such-method"])
      expect(
        await refusal(() => createEnsemble({ members: members(), method: { name: "guard", method } })),
      ).toMatchObject({ code: "invalid-option" });
  });
});
