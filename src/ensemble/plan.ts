/**
 * How an ensemble's members share the cores: all at once, or one after another with more threads each.
 *
 * Balanced members on separate cores do best in parallel; a large member beside a small one does best when each gets
 * all cores in its turn; tiny models lose more to waking threads than these compute; and on a machine that is busy
 * with other work every extra thread can cost milliseconds. So the choice is measured, on the members themselves.
 */
import os from "node:os";
import { advanceAll, type Schedule } from "../decoding/schedule.js";
import { unknownName } from "../errors.js";
import type { Member, MemberPrompt } from "../member/member.js";

export type ScheduleChoice = Schedule | "auto";
export const SCHEDULE_CHOICES = ["auto", "parallel", "in-turn"] as const;

export interface Plan {
  schedule: Schedule;
  /** Threads of each member, in their order. */
  threads: number[];
  /** Milliseconds a step of each plan that was measured; empty where the choice was given. */
  measured: { schedule: Schedule; threads: number[]; msPerStep: number }[];
}

/** Steps timed per candidate, after one that warms it up. */
const TRIAL_STEPS = 4;
/** A candidate whose first step takes this much longer than the best one's is not tried further. */
const HOPELESS = 3;
/** Steps this long differ clearly in a single measurement. */
const LONG_STEP_MS = 250;
/** Below this a step of one thread a member is not worth dividing: waking the others costs as much. */
const WORTH_THREADS_MS = 2;

/** Choose and set the threads and the schedule. `given` holds the threads that the user fixed. */
export async function choosePlan(
  members: readonly Member[],
  choice: ScheduleChoice,
  given: readonly (number | undefined)[],
  signal?: AbortSignal,
): Promise<Plan> {
  if (!SCHEDULE_CHOICES.includes(choice)) throw unknownName("schedule", String(choice), SCHEDULE_CHOICES);
  // Whoever waits for a server takes nothing from the others, and they are best asked side by side.
  const near = members.filter(({ offers }) => offers.elsewhere !== true).length;
  const candidates =
    near < members.length && choice === "auto"
      ? [sideBySide(near, given)]
      : listCandidates(members.length, choice, given);
  const measured: Plan["measured"] = [];
  if (candidates.length > 1) {
    for (const member of members) await member.prepare({ top: 1 });
    for (const candidate of candidates) {
      const best = Math.min(...measured.map((trial) => trial.msPerStep));
      signal?.throwIfAborted();
      // One thread in turn cannot beat one thread each at once where a step is long.
      const isHopeless =
        candidate.schedule === "in-turn" &&
        measured.some(
          ({ schedule, threads, msPerStep }) =>
            schedule === "parallel" && threads.join() === candidate.threads.join() && msPerStep > WORTH_THREADS_MS,
        );
      if (isHopeless) continue;
      if (best < WORTH_THREADS_MS && candidate.threads.some((threads) => threads > 1)) continue;
      measured.push({ ...candidate, msPerStep: await timeSteps(members, candidate, best, signal) });
    }
  }
  const best = measured.length === 0 ? candidates[0] : measured.reduce((a, b) => (b.msPerStep < a.msPerStep ? b : a));
  await applyThreads(members, best.threads);
  return { schedule: best.schedule, threads: best.threads, measured };
}

function sideBySide(near: number, given: readonly (number | undefined)[]): { schedule: Schedule; threads: number[] } {
  const share = Math.max(1, Math.floor(os.availableParallelism() / Math.max(1, near)));
  return { schedule: "parallel", threads: given.map((fixed) => fixed ?? share) };
}

function listCandidates(
  count: number,
  choice: ScheduleChoice,
  given: readonly (number | undefined)[],
): { schedule: Schedule; threads: number[] }[] {
  const cores = os.availableParallelism();
  const share = Math.max(1, Math.floor(cores / count));
  const plans: { schedule: Schedule; threads: number[] }[] = [];
  const add = (schedule: Schedule, threads: number) => {
    if (choice !== "auto" && choice !== schedule) return;
    const plan = { schedule, threads: given.map((fixed) => fixed ?? threads) };
    if (!plans.some((other) => other.schedule === schedule && other.threads.join() === plan.threads.join()))
      plans.push(plan);
  };
  // One thread each first: where that is fast, the others are not tried.
  if (count > 1) add("parallel", 1);
  add("in-turn", 1);
  if (count > 1) add("parallel", share);
  add("in-turn", cores);
  // One member, asked to run in parallel: there is nothing beside it.
  return plans.length > 0 ? plans : [{ schedule: "in-turn", threads: given.map((fixed) => fixed ?? cores) }];
}

async function timeSteps(
  members: readonly Member[],
  candidate: { schedule: Schedule; threads: number[] },
  best: number,
  signal?: AbortSignal,
): Promise<number> {
  await applyThreads(members, candidate.threads);
  for (const member of members) await member.begin(trialPrompt(member), signal);
  const step = async () => {
    for (const member of members) member.append({ kind: "tokens", ids: [member.output.topIds[0]] });
    const started = performance.now();
    await advanceAll(members, candidate.schedule);
    return performance.now() - started;
  };
  const first = await step();
  if (first > HOPELESS * best || first > LONG_STEP_MS) return first;
  const times: number[] = [];
  for (let count = 0; count < TRIAL_STEPS; count++) times.push(await step());
  return times.sort((a, b) => a - b)[TRIAL_STEPS >> 1];
}

/** One token that every vocabulary has, so that the trial asks nothing of a tokenizer and fits any context. */
function trialPrompt({ vocabulary }: Member): MemberPrompt {
  let token = 0;
  while (token < vocabulary.size - 1 && vocabulary.bytesOf(token).length === 0) token++;
  return { text: new Uint8Array(), tokens: [token], parseSpecial: false, addBos: false };
}

/** Set the members' threads. */
export async function applyThreads(members: readonly Member[], threads: readonly number[]): Promise<void> {
  for (const [index, member] of members.entries()) await member.setThreads(threads[index]);
}
