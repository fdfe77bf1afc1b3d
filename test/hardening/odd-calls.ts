/** Asks every public call with odd values. By hand: `npx tsx test/hardening/odd-calls.ts --count 1000`. */
import { isDeepStrictEqual } from "node:util";
import { LlamafuseError } from "../../src/errors.js";
import { oddValue, PLAIN_COUNT } from "./odd-values.js";
import { type PublicCall, publicCalls } from "./public-calls.js";
import { addToResults, pieceOptions } from "./results.js";

export interface OddReport {
  calls: number;
  values: number;
  /** How many were answered, or refused with which code. */
  outcomes: Record<string, number>;
  /** Call → the first raw error, and for how many values. */
  rawErrors: Record<string, string>;
  hangs: string[];
  slowestMs: number;
  seconds: number;
}

const HANG_MS = 60_000;

/** `count`: values for each call, beginning at another one for each, so that few values a call are many in all. */
export async function askOddly({
  count,
  start = 0,
  only = "",
  notice = () => {},
}: {
  count: number;
  start?: number;
  only?: string;
  notice?: (line: string) => void;
}): Promise<OddReport> {
  const setting = await publicCalls();
  const calls = setting.calls.filter(({ name }) => name.startsWith(only));
  const report: OddReport = {
    calls: calls.length,
    values: 0,
    outcomes: { answered: 0 },
    rawErrors: {},
    hangs: [],
    slowestMs: 0,
    seconds: 0,
  };
  const began = performance.now();
  const before = await setting.stillWell();
  for (const [place, call] of calls.entries()) {
    const callBegan = performance.now();
    const raw: string[] = [];
    for (let at = 0; at < count; at++) {
      const index = count < PLAIN_COUNT ? (place * count + start + at) % (PLAIN_COUNT + 20) : start + at;
      const started = performance.now();
      const outcome = await outcomeOf(call, index);
      report.values++;
      report.slowestMs = Math.max(report.slowestMs, Math.round(performance.now() - started));
      if (outcome === "hung") report.hangs.push(`${call.name} ${index}`);
      else if (outcome.startsWith("RAW")) raw.push(`value ${index}: ${outcome}`);
      else report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
    }
    if (raw.length > 0) report.rawErrors[call.name] = `${raw.length} times, as ${raw[0]}`;
    notice(`${call.name}: ${Math.round(performance.now() - callBegan)} ms ${report.rawErrors[call.name] ?? ""}`);
  }
  if (!isDeepStrictEqual(await setting.stillWell(), before)) report.rawErrors.afterwards = "something has changed";
  await setting.dispose();
  report.seconds = Math.round((performance.now() - began) / 1000);
  return report;
}

async function outcomeOf(call: PublicCall, index: number): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const hung = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, HANG_MS, "hung");
  });
  try {
    return await Promise.race([hung, (async () => call.call(oddValue(index, call.names)))().then(() => "answered")]);
  } catch (error) {
    if (error instanceof LlamafuseError) return `refused: ${error.code}`;
    return `RAW: ${(error as Error)?.stack?.split("\n").slice(0, 4).join(" | ") ?? String(error)}`;
  } finally {
    clearTimeout(timer);
  }
}

if (process.argv[1] === import.meta.filename) {
  const { count, start } = pieceOptions(1000);
  addToResults("oddCalls", "npx tsx test/hardening/odd-calls.ts", await askOddly({ count, start }));
}
