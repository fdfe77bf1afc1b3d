/** A thread of the pool that fits and judges routers: one task is one router on all splits. */
import { workerData } from "piscina";
import { LlamafuseError } from "../../errors.js";
import { judgeOne, type RouterChoice } from "./judge-one.js";
import { type PlainRun, type PlainSplit, plainRun, splitFrom } from "./transfer.js";

export interface JudgeTask {
  router: RouterChoice;
  seed: number;
}

/** An error crosses threads as data. */
export type JudgeAnswer = { run: PlainRun } | { error: ReturnType<LlamafuseError["toJSON"]> };

const splits = (workerData as PlainSplit[]).map(splitFrom);

export default async function judgeTask({ router, seed }: JudgeTask): Promise<JudgeAnswer> {
  try {
    return { run: plainRun(await judgeOne(router, splits, { seed })) };
  } catch (error) {
    if (error instanceof LlamafuseError) return { error: error.toJSON() };
    throw error;
  }
}
