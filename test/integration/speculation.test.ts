/** Speculation changes how much is decoded, never what is said: every kind of method, greedy and drawn, on real members. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { SpeculationRecord } from "../../src/decoding/speculation.js";
import type { ChosenPiece } from "../../src/decoding/trace.js";
import { fuse } from "../../src/ensemble/ensemble.js";
import { createEnsemble, type GenerateResult, LlamafuseError, loadMembers, type Members } from "../../src/index.js";
import { RandomGenerator } from "../../src/random.js";

const PROMPTS = ["Once upon a time", "Question: What is 12 plus 12?\n"];
const PROMPT = PROMPTS[0];
/** What llama.cpp says of a piece in other batches differs by so many nats at most, with Q8_0 weights; a product adds two. */
const ROUNDING = 0.05;

let members: Members;
beforeAll(async () => {
  members = await loadMembers({ members: ["robin", "wren"], gpu: false, schedule: "in-turn" });
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => members.dispose());

const METHODS = [
  "gac",
  "unite",
  "product",
  "packllm",
  "core",
  "eva",
  "me",
  "safe",
  "deepen",
  { name: "gac", gate: "threshold" },
] as const;

describe.each(METHODS.map((method) => [JSON.stringify(method), method] as const))("%s", (_, method) => {
  it("says with guesses at every chance what it says without", async () => {
    vi.spyOn(SpeculationRecord.prototype, "mayTry").mockReturnValue(true);
    const ensemble = await fuse(members, method);
    for (const temperature of [0, 0.8]) {
      for (const prompt of PROMPTS) {
        const options = { temperature, maxTokens: 48, seed: 7, logProbs: true } as const;
        const plain = await ensemble.generate(prompt, options);
        const fast = await ensemble.generate(prompt, { ...options, speculation: "auto" });
        expect(plain.timings.speculation).toBeUndefined();
        expect(fast.timings.speculation!.steps).toBeGreaterThan(0);
        expectSame(fast.pieces!, plain.pieces!, temperature === 0);
      }
    }
  });
});

/** The same pieces and log-probabilities, as far as no choice was between two that are equal within rounding. */
function expectSame(fast: readonly ChosenPiece[], plain: readonly ChosenPiece[], isGreedy: boolean): void {
  for (const [index, piece] of plain.entries()) {
    const { logProb } = fast[index];
    const isDrawnOtherwise = !isGreedy && fast[index].text !== piece.text;
    if (!isDrawnOtherwise) expect(Math.abs(logProb - piece.logProb)).toBeLessThan(ROUNDING);
    // Behind a tie the texts are two.
    if (fast[index].text !== piece.text) return;
  }
  expect(fast.length).toBe(plain.length);
}

it.each([false, true])(
  "leaves members sound among cancels, kept prompts and other methods (isolate: %j)",
  async (isolate) => {
    vi.spyOn(SpeculationRecord.prototype, "mayTry").mockReturnValue(true);
    await using company = await loadMembers({
      members: isolate ? ["robin", "wren"].map((model) => ({ model, isolate })) : ["robin", "wren"],
      gpu: false,
      schedule: "in-turn",
    });
    const ensembles = [await fuse(company, "gac"), await fuse(company, "product"), await fuse(company, "bytes")];
    const random = new RandomGenerator(5);
    const pick = <T>(items: readonly T[]) => items[Math.floor(random.next() * items.length)];
    const plain = new Map<string, readonly ChosenPiece[]>();
    for (let request = 0; request < 30; request++) {
      const ensemble = pick(ensembles);
      const prompt = pick(["Once upon a time", "Once upon a time there was a girl", "Question: What is 12 plus 12?\n"]);
      const options = { temperature: pick([0, 0.8]), seed: 3, maxTokens: 30, logProbs: true } as const;
      const key = JSON.stringify([ensembles.indexOf(ensemble), prompt, options.temperature]);
      if (!plain.has(key)) plain.set(key, (await ensemble.generate(prompt, options)).pieces!);
      const controller = new AbortController();
      const fast = {
        ...options,
        speculation: "auto",
        reusePrompt: pick([true, false]),
        signal: controller.signal,
      } as const;
      const answer = ensemble.stream(prompt, fast);
      let left = pick([1, 3, 7, 40, 40]);
      let next = await answer.next();
      for (; !next.done; next = await answer.next()) if (--left === 0) controller.abort();
      const { pieces, finishReason } = next.value as GenerateResult;
      const expected = plain.get(key)!;
      if (finishReason === "aborted") expect(pieces!.length).toBeLessThan(30);
      expectSame(
        pieces!,
        finishReason === "aborted" ? expected.slice(0, pieces!.length) : expected,
        options.temperature === 0,
      );
    }
  },
);

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

it("guesses by itself once it knows what a step takes, and counts it", async () => {
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
