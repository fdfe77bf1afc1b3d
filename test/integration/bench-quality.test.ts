/** `bench quality` on the native models: every method has a row or a reason, and a second run says the same. */
import { describe, expect, it } from "vitest";
import { benchQuality } from "../../bench/quality.js";
import type { BenchTable } from "../../bench/report.js";
import { methodInfos } from "../../src/index.js";

const TIMINGS = new Set(["stepsPerSecond", "ofBare"]);

function timeless(tables: readonly BenchTable[]): string {
  return JSON.stringify(
    tables.map(({ title, rows }) => ({
      title,
      rows: rows.map((row) => Object.fromEntries(Object.entries(row).filter(([key]) => !TIMINGS.has(key)))),
    })),
  );
}

describe("bench quality", () => {
  it("gives every method a row, is the same table with the same seed, and measures speed", async () => {
    const first = await benchQuality({ limit: 2 });
    // The teams with sampled rows and with a trained switching model.
    const again = ["experts", "siblings"];
    const second = await benchQuality({ limit: 2, sets: again });
    const isAgain = (text: string) => again.some((team) => text.startsWith(team));
    expect(timeless(second.tables)).toBe(timeless(first.tables.filter(({ title }) => isAgain(title))));
    expect(second.notes).toEqual(first.notes.filter(isAgain));
    const rows = first.tables.flatMap(({ rows: own }) => own);
    const named = new Set(rows.map(({ who }) => String(who).replace(/[ ,].*/, "")));
    for (const { name } of methodInfos) if (name !== "single") expect(named).toContain(name);
    for (const { who, ofBare } of rows) {
      const isMethod = !/ alone$|^oracle$/.test(String(who));
      expect(ofBare === null, `${who}`).toBe(!isMethod);
      if (isMethod) expect(ofBare).toBeGreaterThan(0);
    }
    expect(first.notes).toContainEqual(expect.stringMatching(/^experts: purify does not apply: .*one vocabulary/));
  }, 900_000);
});
