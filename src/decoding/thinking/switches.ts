/** The switches that chat templates have for thinking: variables by which a template turns it on and off. */
import type { Member, MemberFacts } from "../../member/member.js";
import { renderTemplate } from "../chat-template.js";

interface Switch {
  /** What the variable is where thinking is on; undefined leaves it to the template. */
  on?: unknown;
  off: unknown;
  /** Whether a template that has the variable knows this value. */
  isKnown?(template: string): boolean;
}

const SWITCHES: Readonly<Record<string, Switch>> = {
  enable_thinking: { on: true, off: false },
  thinking: { on: true, off: false },
  thinking_budget: { off: 0 },
  reasoning_effort: { off: "none", isKnown: (template) => /["']none["']/.test(template) },
};

export type Variables = Readonly<Record<string, unknown>>;

/** The template's switches on or off, but for those that the caller has set. */
export function switched(facts: MemberFacts, to: "on" | "off", given: Variables): Record<string, unknown> {
  const template = facts.chatTemplate ?? "";
  const entries = Object.entries(SWITCHES)
    .filter(([name, { isKnown }]) => new RegExp(`\\b${name}\\b`).test(template) && (isKnown?.(template) ?? true))
    .map(([name, values]): [string, unknown] => [name, values[to]])
    .filter(([name, value]) => value !== undefined && !(name in given));
  return Object.fromEntries(entries);
}

/** What the caller's variables say of thinking; undefined where they set none of the switches. */
export function switchedBy(given: Variables): "on" | "off" | undefined {
  const set = Object.keys(SWITCHES).filter((name) => name in given);
  if (set.length === 0) return undefined;
  return set.some((name) => given[name] === SWITCHES[name].off) ? "off" : "on";
}

const able = new WeakMap<MemberFacts, boolean>();

/** Whether the template can turn thinking off: a conversation reads otherwise then. */
export function canSwitchOff(member: Pick<Member, "name" | "facts">): boolean {
  let isAble = able.get(member.facts);
  if (isAble === undefined) {
    const off = switched(member.facts, "off", {});
    const text = Object.keys(off).length === 0 ? undefined : rendered(member, off);
    isAble = text !== undefined && text !== rendered(member, switched(member.facts, "on", {}));
    able.set(member.facts, isAble);
  }
  return isAble;
}

function rendered(member: Pick<Member, "name" | "facts">, variables: Variables): string | undefined {
  try {
    return renderTemplate([{ role: "user", content: "Question" }], member, { variables, now: new Date(0) }).value;
  } catch {
    return undefined;
  }
}
