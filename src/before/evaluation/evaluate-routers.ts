/** All routers on the same splits, each fitted and evaluated in a thread of a pool. */

import os from "node:os";
import { checkedCallback } from "../../callbacks.js";
import { LlamafuseError } from "../../errors.js";
import { onAbort } from "../../on-abort.js";
import { checkArgument, checkWatching, readPlain } from "../../read-options.js";
import { makeWorkerPool } from "../../worker-pool.js";
import { checkTable } from "../table/outcome-table.js";
import { checkEvaluationOptions, labelsOf, readChoices } from "./check-options.js";
import { type ComparisonOptions, compareRouters, type RouterComparison } from "./compare-routers.js";
import { evaluateRouter, type RouterChoice, type RouterRun } from "./evaluate-router.js";
import type { Splits } from "./splits.js";
import { plainSplit, runFrom } from "./transfer.js";
import type { EvaluationReply } from "./worker.js";

export interface EvaluateRoutersOptions extends ComparisonOptions {
  /** Threads that fit; 0 fits in this one. Default: as many as there are cores and routers. */
  threads?: number;
  /** Routers that cannot learn from these tables are skipped instead of an error. Default false. */
  skipUnfit?: boolean;
  signal?: AbortSignal;
  onProgress?: (done: number, all: number, name: string) => void;
}

export interface RoutersEvaluation extends RouterComparison {
  /** Routers that these tables do not suit, and why. */
  skipped: { name: string; why: string }[];
}

/**
 * Fit each router on each split's training part and evaluate it on the rest.
 *
 * Errors: invalid-option (threads, resamples, seed, the same router twice), those of a router's options and fit (skipped with `skipUnfit` where the table is what does not suit), aborted.
 *
 * ```ts
 * const splits = await splitOf(await readOutcomeTable("train.csv"), await readOutcomeTable("test.csv"));
 * const { baselines, routers } = await evaluateRouters([{ name: "knn" }], splits);
 * ```
 */
export async function evaluateRouters(
  given: readonly RouterChoice[],
  over: Splits,
  more: EvaluateRoutersOptions = {},
): Promise<RoutersEvaluation> {
  const options = readPlain("The options of evaluateRouters", more, "{ seed: 1 }");
  checkEvaluationOptions(options);
  checkWatching(options);
  const choices = readChoices(given);
  const { splits, tested } = readSplits(over);
  const { seed = 1, skipUnfit = false, signal } = options;
  const onProgress = checkedCallback(options.onProgress);
  const labels = labelsOf(choices);
  const threads = options.threads ?? Math.min(os.availableParallelism(), choices.length);
  const pool =
    threads === 0
      ? undefined
      : await makeWorkerPool("router-worker", {
          minThreads: threads,
          maxThreads: threads,
          workerData: splits.map(plainSplit),
        });
  // What computes is ended with its thread; every task that waits for it is rejected.
  const forget = signal && onAbort(signal, () => void pool?.destroy());
  const runs = new Map<string, RouterRun>();
  const skipped: RoutersEvaluation["skipped"] = [];
  let done = 0;
  const runOne = async (choice: RouterChoice): Promise<RouterRun | undefined> => {
    try {
      signal?.throwIfAborted();
      if (pool === undefined) return await evaluateRouter(choice, splits, { seed, signal });
      const answer: EvaluationReply = await pool.run({ router: choice, seed });
      if ("error" in answer) throw LlamafuseError.from(answer.error);
      return runFrom(answer.run);
    } catch (error) {
      if (signal?.aborted) throw new LlamafuseError("aborted", "The evaluation was stopped.");
      if (!skipUnfit || !(error instanceof LlamafuseError) || error.code !== "invalid-data") throw error;
      skipped.push({ name: choice.name, why: error.message });
      return undefined;
    } finally {
      onProgress?.(++done, choices.length, choice.name);
    }
  };
  try {
    const all = pool === undefined ? await inTurn(choices, runOne) : await Promise.all(choices.map(runOne));
    for (const [index, run] of all.entries()) if (run !== undefined) runs.set(labels[index], run);
  } finally {
    forget?.();
    await pool?.destroy();
  }
  return { ...compareRouters(tested, runs, options), skipped };
}

function readSplits(given: Splits): Splits {
  const over = readPlain("The splits", given, "what splitOf or foldsOf gives");
  checkTable(over.tested, "The table of the splits");
  checkArgument("The splits", over.splits, "what splitOf or foldsOf gives", () => {
    return Array.isArray(over.splits) && over.splits.every(({ train, test }) => train.table && test.embeddings);
  });
  return over;
}

async function inTurn<In, Out>(inputs: readonly In[], run: (input: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  for (const input of inputs) results.push(await run(input));
  return results;
}
