/** What the long forms share: they run in pieces, by hand, and their figures are summed in bench/results/soak.json. */
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { writeWholeSync } from "../../src/files.js";

const FILE = path.resolve(import.meta.dirname, "../../bench/results/soak.json");

/** `--count`, `--seed` and `--start` of a piece. */
export function pieceOptions(count: number): { count: number; seed: number; start: number } {
  const options = { count: { type: "string" }, seed: { type: "string" }, start: { type: "string" } } as const;
  const { values } = parseArgs({ options });
  return {
    count: Number(values.count ?? count),
    seed: Number(values.seed ?? 1),
    start: Number(values.start ?? 0),
  };
}

/** Add a piece's figures to those of the pieces before it. */
export function addToResults(name: string, command: string, piece: object): void {
  console.log(JSON.stringify(piece, null, 2));
  const all = JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Record<string, unknown>>;
  const before = all[name]?.command === command ? all[name] : {};
  all[name] = { command, machine: machine(), ...(merged(before, piece) as object) };
  writeWholeSync(FILE, `${JSON.stringify(all, null, 2)}\n`);
}

/** Put the figures of a whole run in the place of those of the last one. */
export function saveResult(name: string, command: string, report: object): void {
  const all = JSON.parse(readFileSync(FILE, "utf8")) as Record<string, unknown>;
  all[name] = { command, machine: machine(), ...report };
  writeWholeSync(FILE, `${JSON.stringify(all, null, 2)}\n`);
}

function machine(): string {
  return `${os.availableParallelism()} cores of ${os.cpus()[0].model}, load average ${os.loadavg()[1].toFixed(1)}, Node ${process.versions.node}`;
}

/** Counts are summed, the largest and slowest kept, lists put one behind the other; the seed stays what it is. */
export function merged(before: unknown, now: unknown, key = ""): unknown {
  if (before === undefined || key === "seed") return now;
  if (Array.isArray(now)) return [...(before as unknown[]), ...now];
  if (typeof now === "number")
    return /^(largest|slowest)/.test(key) ? Math.max(before as number, now) : (before as number) + now;
  if (typeof now !== "object" || now === null) return now;
  const sums: Record<string, unknown> = {};
  for (const each of new Set([...Object.keys(before as object), ...Object.keys(now)])) {
    const [old, fresh] = [before, now].map((one) => (one as Record<string, unknown>)[each]);
    sums[each] = fresh === undefined ? old : merged(old, fresh, each);
  }
  return sums;
}
