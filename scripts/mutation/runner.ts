/**
 * A runner for Vitest that calls each test once as it is, to see which faults it reaches, and then again for each of them
 * that no test has noticed yet, with the fault switched on. See run.mjs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { type RunnerTestCase, TestRunner } from "vitest";

/** What instrumented code reads and writes. */
interface Switches {
  activeMutant?: string;
  currentTestId?: string;
  hitCount?: number;
  hitLimit?: number;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}

/** A fault that is met this much more often than the code was before is an endless loop. */
const MOST_HITS = 20;
const FEWEST_HITS = 2000;
/** A promise that a fault keeps from settling. */
const LONGEST_MS = 5000;

const shared = globalThis as unknown as { __stryker__?: Switches; outcomes?: Map<string, "noticed" | "unnoticed"> };
const switches = (shared.__stryker__ ??= {});
const outcomes = (shared.outcomes ??= new Map());
const drawn = new Set<string>(JSON.parse(readFileSync("mutants.json", "utf8")));

export default class MutationRunner extends TestRunner {
  async runTask(test: RunnerTestCase): Promise<void> {
    const call = TestRunner.getTestFn(test);
    switches.currentTestId = test.id;
    try {
      await call();
    } finally {
      switches.currentTestId = undefined;
    }
    const reached = switches.mutantCoverage?.perTest[test.id] ?? {};
    // A test that fails when it is called twice says nothing.
    if (!(await holds(call))) {
      console.log(`not repeatable: ${test.name}`);
      return;
    }
    for (const [id, hits] of Object.entries(reached)) {
      if (!drawn.has(id) || outcomes.get(id) === "noticed") continue;
      Object.assign(switches, { activeMutant: id, hitCount: 0, hitLimit: MOST_HITS * hits + FEWEST_HITS });
      outcomes.set(id, (await holds(call)) ? "unnoticed" : "noticed");
      Object.assign(switches, { activeMutant: undefined, hitCount: undefined, hitLimit: undefined });
    }
  }

  override onAfterRunFiles(): void {
    super.onAfterRunFiles();
    const found = Object.fromEntries(outcomes);
    for (const id of Object.keys(switches.mutantCoverage?.static ?? {}))
      if (drawn.has(id) && found[id] === undefined) found[id] = "static";
    writeFileSync("outcomes.json", JSON.stringify(found));
  }
}

/** Whether the test passes. */
async function holds(call: () => unknown): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("late")), LONGEST_MS);
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
