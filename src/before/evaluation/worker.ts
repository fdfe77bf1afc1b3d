/** A thread of the pool that fits and evaluates routers: one task is one router on all splits. */
import { workerData } from "piscina";
import { LlamafuseError } from "../../errors.js";
import { evaluateRouter, type RouterChoice } from "./evaluate-router.js";
import { type PlainRun, type PlainSplit, plainRun, splitFrom } from "./transfer.js";

export interface EvaluationJob {
  router: RouterChoice;
  seed: number;
}

/** An error crosses threads as data. */
export type EvaluationReply = { run: PlainRun } | { error: ReturnType<LlamafuseError["toJSON"]> };

const splits = (workerData as PlainSplit[]).map(splitFrom);

export default async function runJob({ router, seed }: EvaluationJob): Promise<EvaluationReply> {
  try {
    return { run: plainRun(await evaluateRouter(router, splits, { seed })) };
  } catch (error) {
    if (error instanceof LlamafuseError) return { error: error.toJSON() };
    throw error;
  }
}
