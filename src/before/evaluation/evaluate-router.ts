/** One router, fitted and evaluated on every split. */
import { pauseFit } from "../fitting/fit-steps.js";
import { routerNamed } from "../registry.js";
import type { FitOptions } from "../router.js";
import type { SettingResults } from "./setting-results.js";
import type { Split } from "./splits.js";
import { type FittedPart, queriesOf, sweep } from "./sweep.js";

export interface RouterRun {
  results: SettingResults;
  /** Milliseconds to fit a training part, mean over the splits. */
  fitMs: number;
  /** Milliseconds to decide on an embedded query, mean. */
  decideMs: number;
}

export interface RouterChoice {
  name: string;
  options?: Record<string, unknown>;
}

/** Decisions that are timed, after as many to warm up. */
const TIMED_DECISIONS = 200;

export async function evaluateRouter(
  { name, options }: RouterChoice,
  splits: readonly Split[],
  { seed, signal }: FitOptions,
): Promise<RouterRun> {
  const parts: FittedPart[] = [];
  let fitMs = 0;
  for (const [index, { train, test }] of splits.entries()) {
    await pauseFit({ signal }, index / splits.length);
    const router = routerNamed(name, options);
    const started = performance.now();
    await router.fit(train, { seed, signal });
    fitMs += performance.now() - started;
    parts.push({ router, table: test.table, queries: queriesOf(test.table, test.embeddings) });
  }
  await pauseFit({ signal }, 1);
  const decideMs = timeDecisions(parts[0]);
  return { results: sweep(parts), fitMs: fitMs / splits.length, decideMs };
}

function timeDecisions({ router, queries }: FittedPart): number {
  const count = Math.min(TIMED_DECISIONS, queries.length);
  for (let i = 0; i < count; i++) router.decide(queries[i]);
  const started = performance.now();
  for (let i = 0; i < count; i++) router.decide(queries[i]);
  return (performance.now() - started) / count;
}
