import { describe, expect, it } from "vitest";
import { models, run } from "./run.js";

const members = (models ?? []).flatMap((file) => ["-m", file]);

describe.skipIf(models === undefined)("llamafuse bench speed", () => {
  it("measures each member alone and fused by each method", async () => {
    const args = ["bench", "speed", ...members, "-M", "gac", "-M", "unite:k=5", "--rounds", "2", "-n", "12", "--json"];
    const ended = await run(args);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const { tables, settings } = JSON.parse(ended.stdout) as {
      tables: { rows: Record<string, { median: number; low: number; high: number; count: number }>[] }[];
      settings: unknown;
    };
    expect(settings).toMatchObject({ rounds: 2, maxTokens: 12 });
    expect(tables[0].rows.map(({ who }) => who)).toEqual(["robin alone", "wren alone", "gac", "unite k=5"]);
    for (const row of tables[0].rows) {
      for (const { median, low, high, count } of [row.firstTokenMs, row.tokensPerSecond]) {
        expect(count).toBe(2);
        expect(low).toBeGreaterThan(0);
        expect(median).toBeGreaterThanOrEqual(low);
        expect(high).toBeGreaterThanOrEqual(median);
      }
      expect(row.fileMiB).toBeGreaterThan(0);
    }
  });

  it.each<[string, string[], RegExp]>([
    ["a member that is not there", ["speed", "-m", "nowhere.gguf"], /nowhere\.gguf/],
    ["a wrong method", ["speed", "-M", "gacc"], /gacc.*gac/],
    ["no rounds", ["speed", "--rounds", "0"], /rounds is 0/],
    ["members of a bench that has its own", ["fused", ...members], /bench fused has no --member/],
    ["a set that no bench has", ["fused", "--set", "nativ"], /nativ.*native/],
  ])("refuses %s in one line", async (_, args, message) => {
    const ended = await run(["bench", ...args]);
    expect(ended.code).not.toBe(0);
    expect(ended.stdout).toBe("");
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.trimEnd()).not.toContain("\n");
  });
});
