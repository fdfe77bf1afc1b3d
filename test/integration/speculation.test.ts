/** Speculation changes how much is decoded, never what is said: every kind of method, greedy and drawn, on real members. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fuse } from "../../src/ensemble/ensemble.js";
import { createEnsemble, LlamafuseError, loadMembers, type Members } from "../../src/index.js";

const PROMPT = "one two three. one two three. one two three. Once upon a time there was a one two";
/** Of the members, what they say of a piece in other batches: Q8_0 weights round by so many nats. */
const ROUNDING = 0.02;

let members: Members;
beforeAll(async () => {
  members = await loadMembers({ members: ["robin", "wren"], gpu: false, schedule: "in-turn" });
});
afterAll(() => members.dispose());

const METHODS = [
  "gac",
  "unite",
  "product",
  "packllm",
  "core",
  "eva",
  "me",
  { name: "gac", gate: "threshold" },
] as const;

describe.each(METHODS.map((method) => [JSON.stringify(method), method] as const))("%s", (_, method) => {
  it("says with guesses what it says without", async () => {
    const ensemble = await fuse(members, method);
    for (const temperature of [0, 0.8]) {
      const options = { temperature, maxTokens: 48, seed: 7, logProbs: true } as const;
      const plain = await ensemble.generate(PROMPT, options);
      const fast = await ensemble.generate(PROMPT, { ...options, speculation: "auto" });
      expect(plain.timings.speculation).toBeUndefined();
      expect(fast.text).toBe(plain.text);
      expect(fast.finishReason).toBe(plain.finishReason);
      for (const [index, { logProb }] of fast.pieces!.entries())
        expect(Math.abs(logProb - plain.pieces![index].logProb)).toBeLessThan(ROUNDING);
    }
  });
});

it.each(["bytes", "smc", "abe"] as const)("leaves out %s, whose members decode several texts", async (method) => {
  const ensemble = await fuse(members, method);
  const options = { maxTokens: 40, seed: 7 };
  const plain = await ensemble.generate(PROMPT, options);
  // The second one would be long enough for a guess to be tried.
  for (let request = 0; request < 2; request++) {
    const { text, timings } = await ensemble.generate(PROMPT, { ...options, speculation: "auto" });
    expect(text).toBe(plain.text);
    expect(timings.speculation).toBeUndefined();
  }
});

it("reads a text that repeats itself ahead, and counts it", async () => {
  const ensemble = await fuse(members, "gac");
  const total = { guesses: 0, guessedBytes: 0, saidBytes: 0, steps: 0 };
  // Nothing is guessed before some steps have been timed, and little of all time may be lost.
  for (let answers = 0; answers < 20 && total.saidBytes === 0; answers++) {
    const { timings, usage } = await ensemble.generate(PROMPT, { maxTokens: 64, speculation: "auto" });
    const counts = timings.speculation!;
    expect(counts.saidBytes).toBeLessThanOrEqual(counts.guessedBytes);
    expect(counts.steps).toBeLessThan(usage.steps);
    for (const [key, count] of Object.entries(counts)) total[key as keyof typeof total] += count;
  }
  expect(total.guesses).toBeGreaterThan(0);
  expect(total.saidBytes).toBeGreaterThan(0);
});

it("refuses what it does not know", async () => {
  const ensemble = await fuse(members, "gac");
  const work = ensemble.generate(PROMPT, { speculation: "always" as "auto" });
  await expect(work).rejects.toThrow(LlamafuseError);
  await expect(work).rejects.toThrow(/speculation is "always"; allowed is "auto" or false/);
  await expect(
    createEnsemble({ members: ["robin"], method: "me", request: { speculation: true as never } }),
  ).rejects.toThrow(/speculation/);
});
