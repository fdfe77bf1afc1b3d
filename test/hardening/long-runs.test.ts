/** The short form of long-runs.ts: nothing grows with loads, requests or the length of an answer. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import { expect, it } from "vitest";

interface Held {
  mappings?: number;
  heapMiB: number;
}

/** The figures of one run; the garbage of the program itself has been collected in each. */
function run(...options: string[]): Record<string, Record<string, Held>> {
  const script = path.join(import.meta.dirname, "long-runs.ts");
  const text = execFileSync(process.execPath, ["--import", "tsx", script, ...options], { encoding: "utf8" });
  return JSON.parse(text) as Record<string, Record<string, Held>>;
}

it("keeps mappings and memory as they are over loads and requests", { timeout: 300_000 }, () => {
  const { loadCycles, shortRequests } = run("--cycles", "20", "--requests", "2000", "--collect");
  // A thread that ended for each load would leave three mappings a member: 60 in the last ten cycles.
  const [before, after] = [loadCycles["10"], loadCycles["20"]];
  if (before.mappings !== undefined) expect(after.mappings! - before.mappings).toBeLessThan(30);
  expect(after.heapMiB - before.heapMiB).toBeLessThan(2);
  // Six KiB a request, as once, would be nine MiB.
  expect(shortRequests["2000"].heapMiB - shortRequests["500"].heapMiB).toBeLessThan(2);
});

it("keeps memory as it is over an answer of two thousand tokens", { timeout: 300_000 }, () => {
  const { longAnswer } = run("--tokens", "2000");
  const stretches = Object.values(longAnswer) as (Held & { steps: number })[];
  expect(stretches.at(-1)!.steps).toBe(2000);
  expect(stretches.at(-1)!.heapMiB - stretches[2].heapMiB).toBeLessThan(4);
});
