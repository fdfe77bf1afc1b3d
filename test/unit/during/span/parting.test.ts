/** Where members part: the divergence of a word, and the span that ends before it. */
import { describe, expect, it } from "vitest";
import { divergence, partsAt, readingUpTo } from "../../../../src/during/span/parting.js";
import { createEnsemble } from "../../../../src/index.js";
import { type Speech, scriptedSpeaker } from "../../../support/speaker.js";

describe("divergence", () => {
  it("is nothing where members agree, and a bit where one is sure and the other sure of something else", () => {
    expect(divergence([0.3, 0.3, 0.3])).toBeCloseTo(0, 12);
    expect(divergence([1, 0])).toBe(1);
    expect(divergence([0.9, 0.2])).toBeCloseTo(0.8813 / 1, 0);
    expect(divergence([0, 0])).toBe(0);
  });
});

describe("a text", () => {
  const bytes = Buffer.from(" one two three");
  const reading = (...words: number[]) => ({ logProbs: words.map(Math.log), logits: [1, 2, 3], ends: [4, 8, 14] });

  it("parts before the first word behind its first of which members differ", () => {
    expect(partsAt(bytes, [reading(0.9, 0.9, 0.9), reading(0.1, 0.9, 0.1)], 0.2)).toBe(8);
    expect(partsAt(bytes, [reading(0.9, 0.9, 0.9), reading(0.1, 0.8, 0.8)], 0.2)).toBe(14);
    expect(partsAt(bytes, [reading(0.9, 0.9, 0.9), reading(0.9, 0.1, 0.1)], 1)).toBe(14);
  });

  it("is read up to there", () => {
    expect(readingUpTo(reading(0.9, 0.8, 0.7), 8)).toEqual({
      logProbs: [Math.log(0.9), Math.log(0.8)],
      logits: [1, 2],
      ends: [4, 8],
    });
  });
});

describe("spans", () => {
  const pieces = ["say:", " one", " two", " red", " blue", " end"];
  const speech = (name: string, color: string): Speech => ({
    name,
    pieces,
    next: { "say:": " one", " one": " two", " two": color, " red": " end", " blue": " end" },
  });

  it("end where members part, and begin again there with all of them", async () => {
    const members = [speech("a", " red"), speech("b", " blue"), speech("c", " red")].map((each) =>
      scriptedSpeaker(each),
    );
    const ensemble = await createEnsemble({ members, method: { name: "spans", until: "parting" } });
    const { text, trace } = await ensemble.generate("say:", { temperature: 0, maxTokens: 20, trace: true });
    expect(text).toBe(" one two red end");
    const [first, second] = trace!;
    expect([first.chosen.text, first.candidates!.length]).toEqual([" one two", 1]);
    expect(first.candidates![0].writers).toEqual(["a", "b", "c"]);
    expect(second.candidates!.map(({ text: each }) => each)).toEqual([" red end", " blue end"]);
    await ensemble.dispose();
  });
});
