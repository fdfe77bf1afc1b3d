import { describe, expect, test } from "vitest";
import { checkStopStrings, StopRules } from "../../../src/decoding/stop-rules.js";
import { RandomGenerator } from "../../../src/random.js";

/** The definition: the first end at which some stop string is complete, and the longest such stop string. */
function naive(text: string, stops: readonly string[]): { text: string; stop: string | undefined } {
  for (let end = 1; end <= text.length; end++) {
    const complete = stops.filter((stop) => text.slice(0, end).endsWith(stop));
    if (complete.length === 0) continue;
    const stop = complete.reduce((a, b) => (b.length > a.length ? b : a));
    return { text: text.slice(0, end - stop.length), stop };
  }
  return { text, stop: undefined };
}

/** How much of a text's end must be held back: the longest end that begins a stop string. */
function unsettled(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let length = 1; length < stop.length; length++) {
      if (text.endsWith(stop.slice(0, length))) longest = Math.max(longest, length);
    }
  }
  return longest;
}

describe("stop strings against a search of the whole text", () => {
  test.each([
    ["two letters", ["a", "b"], 12],
    ["three letters", ["a", "b", "c"], 30],
    ["characters of one to four bytes", ["a", "é", "你", "😀"], 20],
  ])("%s, random stops, random chunks", (_, alphabet, maxLength) => {
    const random = new RandomGenerator(7);
    const below = (limit: number) => Math.floor(random.next() * limit);
    const word = (length: number) => Array.from({ length }, () => alphabet[below(alphabet.length)]).join("");
    let stopped = 0;
    for (let round = 0; round < 20_000; round++) {
      const stops = Array.from({ length: below(4) }, () => word(1 + below(5)));
      const text = word(below(maxLength));
      const expected = naive(text, stops);
      const rules = new StopRules(stops);
      const characters = Array.from(text);
      let shown = "";
      let stop: string | undefined;
      for (let at = 0; at < characters.length; ) {
        const size = 1 + below(4);
        const output = rules.push(characters.slice(at, at + size).join(""));
        at += size;
        shown += output.text;
        stop = output.stop;
        const given = characters.slice(0, at).join("");
        if (stop === undefined && given.length - shown.length !== unsettled(given, stops)) {
          expect.fail(`after ${given} with ${stops}: shown ${shown}`);
        }
      }
      if (stop === undefined) shown += rules.flush();
      else stopped++;
      if (shown !== expected.text || stop !== expected.stop) {
        expect.fail(`${text} with ${stops} gave ${shown} and ${stop}; expected ${JSON.stringify(expected)}`);
      }
    }
    expect(stopped).toBeGreaterThan(2000);
  });
});

describe("stop rules", () => {
  test("a stop string over three chunks is held back and never shown", () => {
    const rules = new StopRules("\nUser:");
    expect(rules.push("Hello.\n")).toEqual({ text: "Hello.", stop: undefined });
    expect(rules.push("Us")).toEqual({ text: "", stop: undefined });
    expect(rules.push("er: next")).toEqual({ text: "", stop: "\nUser:" });
    expect(rules.push("more")).toEqual({ text: "", stop: "\nUser:" });
    expect(rules.flush()).toBe("");
  });

  test("what looked like a stop string and was none appears", () => {
    const rules = new StopRules(["\nUser:"]);
    expect([rules.push("a\nUs").text, rules.push("eful").text, rules.push("\n").text, rules.flush()]).toEqual([
      "a",
      "\nUseful",
      "",
      "\n",
    ]);
  });

  test("the stop string that is complete first wins, and of several at once the longest", () => {
    expect(new StopRules(["abc", "b"]).push("abc")).toEqual({ text: "a", stop: "b" });
    expect(new StopRules(["c", "bc", "x"]).push("abcx")).toEqual({ text: "a", stop: "bc" });
  });

  test("without stop strings everything appears at once", () => {
    const rules = new StopRules();
    expect(rules.push("abc")).toEqual({ text: "abc", stop: undefined });
    expect(rules.flush()).toBe("");
  });

  test("what is no whole stop string yet is all that is held back", () => {
    const rules = new StopRules(["aab", "c"]);
    // Two letters of three; a third "a" frees the first.
    expect(rules.push("xaa")).toEqual({ text: "x", stop: undefined });
    expect(rules.push("a")).toEqual({ text: "a", stop: undefined });
    expect(rules.push("b")).toEqual({ text: "", stop: "aab" });
    // Behind a stop string nothing is held, though its end could begin another.
    expect(new StopRules(["ab", "bc"]).push("xab")).toEqual({ text: "x", stop: "ab" });
  });

  test("stop strings are a list without duplicates, and none by default", () => {
    expect(checkStopStrings()).toEqual([]);
    expect(checkStopStrings("a")).toEqual(["a"]);
    expect(checkStopStrings(["b", "a", "b"])).toEqual(["b", "a"]);
  });

  test.each([
    [[""], ""],
    [["ok", ""], ""],
    ["", ""],
    [["\uD800"], "\uD800"],
    [[7], 7],
    [7, 7],
  ])("%j is refused", (stop, found) => {
    expect(() => new StopRules(stop as string[])).toThrow(
      expect.objectContaining({
        code: "invalid-option",
        details: { option: "stop", found, allowed: "non-empty strings" },
      }),
    );
  });
});
