/** One router, fitted and judged on every split. */
import { routerNamed } from "../registry.js";
import type { Outcomes } from "./outcomes.js";
import type { Split } from "./splits.js";
import { type Judged, queriesOf, sweep } from "./sweep.js";

export interface RouterRun {
  outcomes: Outcomes;
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

export async function judgeOne(
  { name, options }: RouterChoice,
  splits: readonly Split[],
  seed: number,
): Promise<RouterRun> {
  const judged: Judged[] = [];
  let fitMs = 0;
  for (const { train, test } of splits) {
    const router = routerNamed(name, options);
    const started = performance.now();
    await router.fit(train, { seed });
    fitMs += performance.now() - started;
    judged.push({ router, table: test.table, queries: queriesOf(test.table, test.embeddings) });
  }
  const decideMs = timeDecisions(judged[0]);
  return { outcomes: sweep(judged), fitMs: fitMs / splits.length, decideMs };
}

function timeDecisions({ router, queries }: Judged): number {
  const count = Math.min(TIMED_DECISIONS, queries.length);
  for (let i = 0; i < count; i++) router.decide(queries[i]);
  const started = performance.now();
  for (let i = 0; i < count; i++) router.decide(queries[i]);
  return (performance.now() - started) / count;
}
