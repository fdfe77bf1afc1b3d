/** How a member may think before it answers a conversation. */
import type { Member } from "../../member/member.js";
import type { Text } from "../jinja/text.js";
import { likeliestText, MarkTokens } from "./marked-run.js";
import { type Marks, marksOf } from "./marks.js";

export interface ThinkingPlan {
  /** Tokens of a thought at most; with 0 it is closed as soon as it is begun. */
  budget: number;
  marks: readonly Marks[];
  /** The mark that the prompt ends with: the template has begun the thought. */
  opened?: Marks;
}

/** The plan for a rendered conversation. */
export function planOf(member: Pick<Member, "name" | "facts">, rendered: Text, budget: number): ThinkingPlan {
  const marks = marksOf(member);
  const end = rendered.value.trimEnd().length;
  const opened = marks.find(({ open }) => {
    const start = end - open.length;
    // A message that says "<think>" begins no thought.
    return start >= 0 && rendered.value.startsWith(open, start) && !rendered.cut(start, end).isContent;
  });
  return { budget, marks, opened };
}

/** What a thought may begin with, and an answer where it begins with a mark. As bytes, one a character. */
export function beginnings(marks: readonly Marks[]): { text: string; open?: Marks; answer?: string }[] {
  const answers = new Set(marks.flatMap(({ answer }) => answer ?? []));
  return [
    ...marks.map((open) => ({ text: asKey(open.open), open })),
    ...Array.from(answers, (answer) => ({ text: asKey(answer), answer })),
  ];
}

/** Whether the member, which has just read its prompt, begins a thought or something else that is no text. */
export function mayThink(member: Member, { marks, opened }: ThinkingPlan): boolean {
  if (opened !== undefined) return true;
  const text = likeliestText(member, MarkTokens.of(member.vocabulary, marks).ids);
  if (text === undefined) return false;
  const said = Buffer.from(text).toString("latin1").trimStart();
  // Many answers begin with a blank line; only a member that knows a mark is asked what comes behind it.
  if (said === "") return knowsMarks(member, marks);
  return beginnings(marks).some((each) => agree(said, each.text));
}

function knowsMarks({ vocabulary, facts }: Member, marks: readonly Marks[]): boolean {
  return marks.some(
    ({ open, close }) => vocabulary.idsOf(asKey(open)).length > 0 || (facts.chatTemplate ?? "").includes(close),
  );
}

/** Whether one begins with the other. */
export function agree(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function asKey(text: string): string {
  return Buffer.from(text).toString("latin1");
}
