/**
 * How models mark their thoughts. Marks are texts, whatever the vocabulary makes of them: control tokens (`[THINK]`),
 * user-defined ones (`<think>` of Qwen3) or letters (a fine-tuning's own). They are found in two ways:
 *
 * - In the template: a conversation is rendered whose answer has a thought; what stands right before and behind the
 *   thought is its mark, if it is a tag.
 * - In a list of those that published models write, which a template need not mention.
 */
import type { Member, MemberFacts } from "../../member/member.js";
import { renderTemplate } from "../chat-template.js";
import type { ChatMessage } from "../messages.js";

export interface Marks {
  /** What begins a thought, and what ends it. */
  readonly open: string;
  readonly close: string;
  /** What is written to end a thought that the member does not end: `close`, with what the model expects around it. */
  readonly closing: string;
  /** What the member writes before its answer, and behind it the answer. */
  readonly answer?: string;
  /** What stands before `open` and `answer` where another message of the same turn precedes them. */
  readonly turn?: string;
}

/** gpt-oss's format "harmony": a turn of several messages, each in a channel; the answer is the message in "final". */
const CHANNELS = { turn: "<|start|>assistant", answer: "<|channel|>final<|message|>" } as const;

/** As chat templates and llama.cpp's common/chat.cpp have them. */
const KNOWN: readonly Marks[] = [
  tagged("<think>", "</think>"),
  tagged("<thought>", "</thought>"),
  tagged("<seed:think>", "</seed:think>"),
  tagged("<mm:think>", "</mm:think>"),
  { open: "[THINK]", close: "[/THINK]", closing: "[/THINK]" },
  { open: "<|inner_prefix|>", close: "<|inner_suffix|>", closing: "<|inner_suffix|>" },
  {
    open: "<|START_THINKING|>",
    close: "<|END_THINKING|>",
    closing: "<|END_THINKING|>",
    answer: "<|START_RESPONSE|>",
    turn: "",
  },
  { open: "<|channel>thought", close: "<channel|>", closing: "\n<channel|>" },
  { open: "<|think|>", close: "<|end|>", closing: "<|end|>", answer: "<|content|>", turn: "<|begin|>assistant" },
  { open: "<|channel|>analysis<|message|>", close: "<|end|>", closing: "<|end|>", ...CHANNELS },
  { open: "<|channel|>commentary<|message|>", close: "<|end|>", closing: "<|end|>", ...CHANNELS },
  {
    open: "Here are my reasoning steps:",
    close: "[BEGIN FINAL RESPONSE]",
    closing: "\n[BEGIN FINAL RESPONSE]\n",
  },
];

function tagged(open: string, close: string): Marks {
  return { open, close, closing: `\n${close}\n\n` };
}

const THOUGHT = "Thought0about1this";
const ANSWER = "Answer2to3this";
/** What stands before the thought, and between it and the answer. */
const AROUND = new RegExp(`^(.*?)${THOUGHT}(.*?)${ANSWER}`, "s");
/** `<think>`, `<|START_THINKING|>`, `[THINK]` */
const TAG = /<[^<>\s]{1,40}>|\[[^[\]\s]{1,40}\]/;
const TAG_BEFORE = new RegExp(`(?:${TAG.source})$`);
const TAG_BEHIND = new RegExp(`^\\s*(${TAG.source})`);
/** What stands between a thought and its answer is written to end a thought, if it is no longer than this. */
const LONGEST_CLOSING = 60;

const found = new WeakMap<MemberFacts, readonly Marks[]>();

/** Every way in which this member may mark thoughts, the template's own first. */
export function marksOf(member: Pick<Member, "name" | "facts">): readonly Marks[] {
  const known = found.get(member.facts);
  if (known !== undefined) return known;
  const own = inTemplate(member);
  const others = own === undefined ? KNOWN : KNOWN.filter(({ open }) => open !== own.open);
  const marks = own === undefined ? KNOWN : [{ ...KNOWN.find(({ open }) => open === own.open), ...own }, ...others];
  found.set(member.facts, marks);
  return marks;
}

function inTemplate(member: Pick<Member, "name" | "facts">): Marks | undefined {
  const [, before, between] = AROUND.exec(renderedAnswer(member, THOUGHT) ?? "") ?? [];
  if (before === undefined) return undefined;
  const open = TAG_BEFORE.exec(before.trimEnd())?.[0];
  const close = TAG_BEHIND.exec(between)?.[1];
  if (open === undefined || close === undefined) return undefined;
  // A tag that stands before an answer without a thought as well is the turn's.
  const plain = renderedAnswer(member);
  if (plain?.slice(0, plain.indexOf(ANSWER)).trimEnd().endsWith(open)) return undefined;
  return { open, close, closing: between.length <= LONGEST_CLOSING ? between : close };
}

/** An answer as the template writes it, with a thought under each of the names that templates read. */
function renderedAnswer(member: Pick<Member, "name" | "facts">, thought?: string): string | undefined {
  const thoughts = thought && { reasoning_content: thought, reasoning: thought, thinking: thought };
  const messages = [
    { role: "user", content: "Question" } as const,
    { role: "assistant", content: ANSWER, ...thoughts },
  ];
  const variables = { add_generation_prompt: false, enable_thinking: true, thinking: true };
  try {
    return renderTemplate(messages as ChatMessage[], member, { variables, now: new Date(0) }).value;
  } catch {
    // A template that refuses this conversation says nothing of thoughts.
    return undefined;
  }
}
