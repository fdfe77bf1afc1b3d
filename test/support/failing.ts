/** Members that fail on purpose, once they are loaded. */
import { loadMembers, type Members } from "../../src/ensemble/members.js";
import { type ErrorCode, LlamafuseError } from "../../src/errors.js";
import type { Member } from "../../src/member/member.js";

export interface Failing {
  call: "advance" | "begin";
  /** How often it goes well, from when it is armed. */
  at: number;
  code?: ErrorCode;
}

/** Members that fail only from here on: loading measures steps with them. */
const armed = new Set<Member>();

/** The same member, one of whose functions fails, and everything after it. */
function failing(member: Member, { call, at, code = "member-failed" }: Failing): Member {
  let calls = 0;
  let isDead = false;
  const fail = (): never => {
    isDead = true;
    throw new LlamafuseError(code, `Member "${member.name}" stopped: on purpose.`, { member: member.name });
  };
  return new Proxy(member, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== "function") return value;
      if (!armed.has(target)) return value.bind(target) as unknown;
      if (isDead && (name === "begin" || name === "advance")) return async () => fail();
      if (name === call && calls++ >= at) return async () => fail();
      return value.bind(target) as unknown;
    },
  });
}

/** Load members of which some fail, and let them. */
export async function loadFailing(
  members: readonly Member[],
  failures: readonly (Failing | undefined)[],
): Promise<Members> {
  const given = members.map((member, index) => {
    const failure = failures[index];
    return failure === undefined ? member : failing(member, failure);
  });
  const loaded = await loadMembers({ members: given, schedule: "in-turn" });
  for (const member of members) armed.add(member);
  return loaded;
}
