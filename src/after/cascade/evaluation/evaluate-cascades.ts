/**
 * Cascades judged as routers are (src/before/evaluation): a curve over the knob, the zero router, the oracle, and intervals
 * on queries that did not choose the settings. Routers can be judged beside them.
 */
import { checkEvaluationOptions } from "../../../before/evaluation/check-options.js";
import {
  type ComparisonOptions,
  compareRouters,
  type RouterComparison,
} from "../../../before/evaluation/compare-routers.js";
import { evaluateRouter, type RouterChoice, type RouterRun } from "../../../before/evaluation/evaluate-router.js";
import { makeResults } from "../../../before/evaluation/setting-results.js";
import type { Split, Splits } from "../../../before/evaluation/splits.js";
import { pauseFit } from "../../../before/fitting/fit-steps.js";
import { checkedCallback } from "../../../callbacks.js";
import { LlamafuseError } from "../../../errors.js";
import { checkWatching, readPlain } from "../../../read-options.js";
import type { CascadeFitData, Knob } from "../cascade.js";
import { queriesOf } from "../fitting/table-answers.js";
import type { TrainedCascade } from "../fitting/trained-cascade.js";
import { cascadeNamed } from "../registry.js";
import { runOnRow } from "./walk.js";

export interface CascadeChoice {
  name: string;
  options?: Record<string, unknown>;
}

export interface EvaluateCascadesOptions extends ComparisonOptions {
  /** Let cascades that can read embeddings of the queries. Default false: they judge by the answers alone. */
  useEmbeddings?: boolean;
  /** Routers to judge beside them. */
  routers?: readonly RouterChoice[];
  /** Cascades that cannot learn from these tables are skipped instead of an error. Default false. */
  skipUnfit?: boolean;
  signal?: AbortSignal;
  onProgress?: (done: number, all: number, name: string) => void;
}

export interface CascadesEvaluation extends RouterComparison {
  /** What these tables do not suit, and why. */
  skipped: { name: string; why: string }[];
}

/** Settings of a knob that are kept of several fits. */
const MOST_SETTINGS = 48;

/**
 * Fit each cascade on each split's training part and run it on the rest. Errors: invalid-option, those of a cascade's options
 * and fit (skipped with `skipUnfit` where the table is what does not suit), aborted.
 */
export async function evaluateCascades(
  choices: readonly CascadeChoice[],
  { splits, tested }: Splits,
  more: EvaluateCascadesOptions = {},
): Promise<CascadesEvaluation> {
  const options = readPlain("The options of evaluateCascades", more, "{ seed: 1 }");
  checkEvaluationOptions(options);
  checkWatching(options);
  const { seed = 1, routers = [], skipUnfit = false, useEmbeddings = false, signal } = options;
  const onProgress = checkedCallback(options.onProgress);
  const jobs = [
    ...choices.map((choice) => ({
      choice,
      run: () => evaluateCascade(choice, splits, { seed, signal, useEmbeddings }),
    })),
    ...routers.map((choice) => ({ choice, run: () => evaluateRouter(choice, splits, { seed, signal }) })),
  ];
  const runs = new Map<string, RouterRun>();
  const skipped: CascadesEvaluation["skipped"] = [];
  for (const [done, { choice, run }] of jobs.entries()) {
    const label = labelOf(choice);
    onProgress?.(done, jobs.length, label);
    try {
      runs.set(label, await run());
    } catch (error) {
      if (!skipUnfit || !(error instanceof LlamafuseError) || error.code !== "invalid-data") throw error;
      skipped.push({ name: label, why: error.message });
    }
  }
  onProgress?.(jobs.length, jobs.length, "");
  return { ...compareRouters(tested, runs, options), skipped };
}

/** The name; with its options where it has any. */
export function labelOf({ name, options = {} }: CascadeChoice): string {
  const given = Object.entries(options).map(([key, value]) => `${key}=${String(value)}`);
  return given.length === 0 ? name : `${name}:${given.join(",")}`;
}

async function evaluateCascade(
  { name, options }: CascadeChoice,
  splits: readonly Split[],
  { seed, signal, useEmbeddings }: { seed: number; signal?: AbortSignal; useEmbeddings: boolean },
): Promise<RouterRun> {
  const parts: { cascade: TrainedCascade; data: CascadeFitData }[] = [];
  let fitMs = 0;
  for (const [index, { train, test }] of splits.entries()) {
    await pauseFit({ signal }, index / splits.length);
    const cascade = cascadeNamed(name, options);
    const started = performance.now();
    await cascade.fit(useEmbeddings ? train : { table: train.table }, { seed, signal });
    fitMs += performance.now() - started;
    parts.push({ cascade, data: { table: test.table, ...(useEmbeddings && { embeddings: test.embeddings }) } });
  }
  const knobs: Knob[] = [{}, ...settingsOf(parts.map(({ cascade }) => cascade))];
  const queries = parts.reduce((sum, { data }) => sum + data.table.rows, 0);
  const results = makeResults(knobs, queries);
  const started = performance.now();
  let first = 0;
  for (const { cascade, data } of parts) {
    await pauseFit({ signal }, 1);
    for (const [row, query] of queriesOf(data).entries()) {
      for (const [setting, knob] of knobs.entries()) {
        const { quality, cost, kept } = runOnRow(cascade, data.table, row, query, knob);
        const at = setting * queries + first + row;
        results.quality.data[at] = quality;
        results.cost.data[at] = cost;
        results.answering[at] = kept;
      }
    }
    first += data.table.rows;
  }
  const decideMs = (performance.now() - started) / (queries * knobs.length);
  return { results, fitMs: fitMs / splits.length, decideMs };
}

/** Of every fit's settings, by rising value; a spread of them where there are many. */
function settingsOf(cascades: readonly TrainedCascade[]): Knob[] {
  const all = cascades.flatMap((cascade) => [...cascade.settings()]);
  const [key] = cascades[0].info.knobs;
  const values = Array.from(new Set(all.map((knob) => knob[key]!))).sort((a, b) => a - b);
  const count = Math.min(values.length, MOST_SETTINGS);
  const spread = Array.from({ length: count }, (_, at) => {
    return values[count === 1 ? 0 : Math.round((at * (values.length - 1)) / (count - 1))];
  });
  return spread.map((value) => ({ [key]: value }));
}
