/**
 * A runner for Vitest that calls each test once as it is, to see which faults it reaches, and then again for each of them
 * that no test has noticed yet, with the fault switched on. See run.mjs.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type RunnerTestCase, TestRunner } from "vitest";

/** What instrumented code reads and writes. */
interface Switches {
  activeMutant?: string;
  currentTestId?: string;
  /** Times that code asked which fault is on, and the most before it gives up. */
  calls: number;
  mostCalls: number;
  /** When it gives up, too, as Date.now() has it. */
  latest: number;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}

/** Asked so much more often than without a fault, code runs in an endless loop; a test that takes so much longer waits for ever. */
const MOST_TIMES = 10;
const FEWEST_CALLS = 20_000;
/** A promise that a fault keeps from settling: one that takes so long, and so many times what it takes without a fault. */
const LEAST_MS = 5000;
const MOST_MS = 60_000;

/** Without a fault. */
const ENDLESS = { mostCalls: Number.POSITIVE_INFINITY, latest: Number.POSITIVE_INFINITY };

const shared = globalThis as unknown as { __stryker__?: Switches; outcomes?: Map<string, "noticed" | "unnoticed"> };
const switches = (shared.__stryker__ ??= { calls: 0, ...ENDLESS });
/** What is known already: a fault that ended this process before is known to be noticed. */
const known = existsSync("outcomes.json") ? JSON.parse(readFileSync("outcomes.json", "utf8")) : {};
const outcomes = (shared.outcomes ??= new Map(Object.entries(known)));
/** Fault → names of the test files that are asked about it; null for all. */
const drawn = new Map<string, string[] | null>(JSON.parse(readFileSync("mutants.json", "utf8")));

export default class MutationRunner extends TestRunner {
  async runTask(test: RunnerTestCase): Promise<void> {
    const call = TestRunner.getTestFn(test);
    switches.currentTestId = test.id;
    try {
      await call();
    } finally {
      switches.currentTestId = undefined;
    }
    const name = path.basename(test.file.name, ".test.ts");
    const reached = Object.keys(switches.mutantCoverage?.perTest[test.id] ?? {});
    const asked = reached.filter((id) => {
      const tests = drawn.get(id);
      return tests !== undefined && tests?.includes(name) !== false && outcomes.get(id) !== "noticed";
    });
    if (asked.length === 0) return;
    switches.calls = 0;
    const started = performance.now();
    // A test that fails when it is called twice says nothing.
    if (!(await holds(call, MOST_MS))) {
      console.log(`not repeatable: ${test.name}`);
      return;
    }
    const longest = Math.min(MOST_MS, Math.max(LEAST_MS, MOST_TIMES * (performance.now() - started)));
    const mostCalls = MOST_TIMES * switches.calls + FEWEST_CALLS;
    for (const id of asked) {
      // Whoever watches knows which fault the process ends at, or does not come back from.
      writeFileSync("active.json", JSON.stringify(id));
      Object.assign(switches, { activeMutant: id, calls: 0, mostCalls, latest: Date.now() + longest });
      outcomes.set(id, (await holds(call, longest)) ? "unnoticed" : "noticed");
      Object.assign(switches, { activeMutant: undefined, ...ENDLESS });
    }
    writeFileSync("active.json", "null");
    this.#save();
  }

  override onAfterRunFiles(): void {
    super.onAfterRunFiles();
    this.#save();
  }

  #save(): void {
    const found: Record<string, string> = Object.fromEntries(outcomes);
    for (const id of Object.keys(switches.mutantCoverage?.static ?? {}))
      if (drawn.has(id) && found[id] === undefined) found[id] = "static";
    writeFileSync("outcomes.json", JSON.stringify(found));
  }
}

/** Whether the test passes in this time. */
async function holds(call: () => unknown, longestMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("late")), longestMs);
  });
  try {
    await Promise.race([call(), late]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
