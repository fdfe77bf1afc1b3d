import type { Member } from "./member.js";

/** Whether a value is a member, and not the options that one is loaded by. */
export function isMember(value: unknown): value is Member {
  const { kind, offers } = (value ?? {}) as Partial<Member>;
  return typeof kind === "string" && typeof offers === "object" && offers !== null;
}
