/** Members at work side by side or one after another. */
import { toLlamafuseError } from "../errors.js";
import type { Member, MemberPrompt } from "../member/member.js";
import { settleAll } from "../settle-all.js";

/** `parallel`: all at once, each on its share of the cores; `in-turn`: one after another, each on all of them. */
export type Schedule = "parallel" | "in-turn";

/** Bring members up to date, all at once or one after another. */
export async function advanceAll(members: readonly Member[], schedule: Schedule): Promise<void> {
  await eachMember(members, schedule, (member) => member.advance());
}

/** Have members do something, all at once or one after another. Errors are thrown when all have come to rest. */
export async function eachMember<T>(
  members: readonly Member[],
  schedule: Schedule,
  work: (member: Member, index: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  const run = async (member: Member, index: number) => {
    try {
      results[index] = await work(member, index);
    } catch (error) {
      // Members are also other people's: scripts, and what keeps the contract.
      throw toLlamafuseError(error, `Member "${member.name}"`, { member: member.name });
    }
  };
  if (schedule === "parallel" && members.length > 1) await settleAll(members.map(run));
  else for (const [index, member] of members.entries()) await run(member, index);
  return results;
}

/** Prefill all members; the tokens of each one's prompt. Errors are thrown when all have come to rest. */
export async function beginAll(
  members: readonly Member[],
  prompts: readonly MemberPrompt[],
  schedule: Schedule,
  signal: AbortSignal,
): Promise<number[]> {
  const begun = await eachMember(members, schedule, (member, index) => member.begin(prompts[index], signal));
  return begun.map(({ promptTokens }) => promptTokens);
}
