/** Methods of spans on members whose texts are known: what is written, judged, chosen, counted and refused. */
import { describe, expect, it } from "vitest";
import { createEnsemble, type FusionChoice } from "../../../../src/index.js";
import { refusal } from "../../../support/refusal.js";
import { type Speech, scriptedSpeaker } from "../../../support/speaker.js";

/** Says these pieces, one after the other, behind "say:", and then ends. */
const speech = (name: string, ...pieces: string[]): Speech => {
  const chain = ["say:", ...pieces];
  const next = Object.fromEntries(pieces.map((piece, index) => [chain[index], piece]));
  return { name, pieces: [...new Set(chain)], next };
};
const talk = (method: FusionChoice, speeches: readonly Speech[]) =>
  createEnsemble({ members: speeches.map((each) => scriptedSpeaker(each)), method });

const METHODS = ["cool-fusion", "sweetspan", "specfuse", "adafuse"] as const;
const LINES = [" one", "\n", "\t two", "  three", " four", " five", "\n\n"];

describe.each(METHODS)("%s", (name) => {
  it("says what its members agree on to the last byte, and ends where they do", async () => {
    const ensemble = await talk(name, [speech("a", ...LINES), speech("b", ...LINES)]);
    const { text, finishReason, usage } = await ensemble.generate("say:", { temperature: 0, maxTokens: 50 });
    expect(text).toBe(LINES.join(""));
    expect(finishReason).toBe("stop");
    expect(usage.tokens ?? usage.steps).toBe(LINES.length + 1);
    await ensemble.dispose();
  });

  it("says no more tokens than asked for, and streams what generate gives", async () => {
    const ensemble = await talk(name, [speech("a", ...LINES), speech("b", ...LINES)]);
    const { text, finishReason } = await ensemble.generate("say:", { temperature: 0, maxTokens: 4 });
    expect([text, finishReason]).toEqual([LINES.slice(0, 4).join(""), "length"]);
    let streamed = "";
    for await (const chunk of ensemble.stream("say:", { temperature: 0, maxTokens: 50 })) streamed += chunk.text;
    expect(streamed).toBe(LINES.join(""));
    await ensemble.dispose();
  });

  it("gives nothing where its members only end, and one member alone is that member", async () => {
    const silent = await talk(name, [speech("a"), speech("b")]);
    expect(await silent.generate("say:", { temperature: 0 })).toMatchObject({ text: "", finishReason: "stop" });
    await silent.dispose();
    const alone = await talk(name, [speech("a", ...LINES)]);
    expect((await alone.generate("say:", { temperature: 0 })).text).toBe(LINES.join(""));
    await alone.dispose();
  });

  it("chooses among what was written, and lists the losers with all scores", async () => {
    const ensemble = await talk(name, [
      speech("a", " one", " two"),
      speech("b", " one", " two"),
      speech("c", " six", " ten"),
    ]);
    const { text, trace } = await ensemble.generate("say:", { temperature: 0, maxTokens: 20, trace: true });
    expect(text).toBe(" one two");
    const { candidates = [], favourite } = trace![0];
    expect(favourite).toEqual(expect.arrayContaining(["a", "b"]));
    expect(candidates.filter(({ isChosen }) => isChosen).length).toBe(1);
    const loser = candidates.find(({ writers }) => writers.includes("c"))!;
    expect(Object.keys(loser.scores).sort()).toEqual(["a", "b", "c"]);
    expect(JSON.parse(JSON.stringify(trace))).toEqual(trace);
    await ensemble.dispose();
  });

  it("refuses to score a given text, and penalties on repetition", async () => {
    const ensemble = await talk(name, [speech("a", " one"), speech("b", " one")]);
    expect(await refusal(() => ensemble.score("say:", " one"))).toMatchObject({ code: "invalid-option" });
    expect(await refusal(() => ensemble.generate("say:", { repetitionPenalty: 1.2 }))).toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining("repetitionPenalty"),
    });
    expect(await refusal(() => ensemble.generate("say:", { format: { regex: "a" } }))).toMatchObject({
      code: "invalid-option",
      message: expect.stringMatching(/a form of the answer \(format: .*unite, gac or bytes/),
    });
    await ensemble.dispose();
  });

  it("is cancelled between spans", async () => {
    const ensemble = await talk(name, [speech("a", ...LINES), speech("b", ...LINES)]);
    const cancel = new AbortController();
    const stream = ensemble.stream("say:", { temperature: 0, maxTokens: 50, signal: cancel.signal });
    await stream.next();
    cancel.abort();
    let last = await stream.next();
    while (!last.done) last = await stream.next();
    expect(last.value).toMatchObject({ finishReason: "aborted" });
    await ensemble.dispose();
  });
});

describe("cool-fusion", () => {
  it.each(["answers", "both"] as const)("chooses among whole answers: %s", async (granularity) => {
    const ensemble = await talk({ name: "cool-fusion", granularity }, [speech("a", ...LINES), speech("b", ...LINES)]);
    const { text, usage } = await ensemble.generate("say:", { temperature: 0, maxTokens: 50 });
    expect(text).toBe(LINES.join(""));
    expect(usage.steps).toBe(2);
    await ensemble.dispose();
  });
});

describe("specfuse", () => {
  it("lets the member go whose segments nobody else would write, and says how many took part", async () => {
    const many = Array.from({ length: 12 }, (_, index) => ` word${index}`);
    // It would rather say other words, and finds these likely as well.
    const odd = many.map((word) => word.replace("word", "odd"));
    const next = Object.fromEntries(
      many.flatMap((word, index) => {
        const follows = { [odd[index]]: 12, [word]: 11 };
        return (index === 0 ? ["say:"] : [many[index - 1], odd[index - 1]]).map((before) => [before, follows]);
      }),
    );
    const ensemble = await talk({ name: "specfuse", window: 2, exitShare: 0.9 }, [
      speech("a", ...many),
      speech("b", ...many),
      { name: "c", pieces: ["say:", ...many, ...odd], next },
    ]);
    const { text, report } = await ensemble.generate("say:", { temperature: 0, maxTokens: 40 });
    expect(text).toBe(many.join(""));
    expect(report!.ensemble.membersPerRound).toBeLessThan(3);
    await ensemble.dispose();
  });
});
