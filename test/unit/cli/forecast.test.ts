import { describe, expect, it } from "vitest";
import { durationOf, Forecast } from "../../../src/cli/forecast.js";

/** The lines told of a run that gives an answer every so many milliseconds. */
function linesOf(total: number, msPerAnswer: number, { known = 0, ledger = undefined as string | undefined } = {}) {
  const lines: string[] = [];
  let now = 0;
  const forecast = new Forecast(
    { questions: "--limit", ledger },
    () => now,
    (line) => lines.push(line),
  );
  for (let done = known; done <= total; done++, now += msPerAnswer) forecast.update({ done, total, known });
  return lines;
}

describe("the forecast of a run", () => {
  it("says once how long a long run takes, and how to shorten it", () => {
    expect(linesOf(3000, 250)).toEqual([
      "llamafuse: about 12 minutes for 2970 more answers (4 a second). --limit asks fewer questions; with --ledger FILE a stopped run continues.\n",
    ]);
    expect(linesOf(3000, 250, { ledger: "runs.jsonl" })[0]).toContain("the ledger keeps what is answered");
  });

  it("waits for answers of all contenders, but not longer than a minute", () => {
    expect(linesOf(20, 61_000)[0]).toMatch(/^llamafuse: about 19 minutes for 19 more answers/);
  });

  it("counts only answers that were asked now", () => {
    expect(linesOf(3000, 250, { known: 1000 })[0]).toMatch(/^llamafuse: about 8 minutes for 1970 more answers/);
  });

  it("says nothing of a short run", () => {
    expect(linesOf(200, 250)).toEqual([]);
  });

  it("writes durations as people say them", () => {
    expect([60_000, 75 * 60_000, 150 * 60_000].map(durationOf)).toEqual(["1 minute", "75 minutes", "2.5 hours"]);
  });
});
