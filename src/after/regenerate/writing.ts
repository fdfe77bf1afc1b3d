/** What a member that writes reads: the question with the answers of others, in the conversation's place. */
import { z } from "zod";
import { contentText, isContinued } from "../../decoding/messages.js";
import type { ChatMessage, PromptInput } from "../../decoding/prompt.js";
import { fill } from "../prompts/prompts.js";
import type { Candidate } from "../select/candidate.js";
import { memberNamed } from "../select/judges.js";
import type { RegenerationContext } from "./define-regeneration.js";

export const writerOption = z.string().min(1).optional().meta({
  description: "The member that writes the answer.",
  usual: "the one of the largest weight, the first of equals",
});

export function writingPrompt(prompt: string, who = "the writer is") {
  return z
    .string()
    .min(1)
    .default(prompt)
    .meta({
      description: `What ${who} asked, with {question} and {answers} filled in.`,
      usual: "as docs/regeneration.md shows",
    });
}

/** Its index: the named one, else the heaviest; of those left, where it failed. Error: invalid-option. */
export function writerOf(
  name: string | undefined,
  { members, alive }: Pick<RegenerationContext, "members" | "alive">,
): number {
  const named = name === undefined ? -1 : memberNamed(name, members);
  return alive.includes(named) ? named : heaviestOf(members, alive);
}

export function heaviestOf(members: RegenerationContext["members"], alive: readonly number[]): number {
  return alive.reduce((best, each) => (members[each].weight > members[best].weight ? each : best));
}

/** The first of each text. */
export function different<Each extends Pick<Candidate, "text">>(candidates: readonly Each[]): Each[] {
  const known = new Map<string, Each>();
  for (const candidate of candidates) if (!known.has(candidate.text)) known.set(candidate.text, candidate);
  return Array.from(known.values());
}

/** The answers one below the other, behind their numbers. */
export function numbered(texts: readonly string[]): string {
  return texts.map((text, index) => `${index + 1}. ${text.trim()}`).join("\n\n");
}

/** The conversation; a prompt that is a text is asked as a user. */
export function conversationOf({
  prompt,
  question,
}: Pick<RegenerationContext, "prompt" | "question">): readonly ChatMessage[] {
  return isText(prompt) ? [{ role: "user", content: question }] : prompt;
}

/**
 * The prompt filled in, in the place of what the user said last; other messages stay. `begun`: how the answer begins, before what
 * the conversation has begun it with.
 */
export function asked(
  template: string,
  context: Pick<RegenerationContext, "prompt" | "question">,
  answers: string,
  begun = "",
): ChatMessage[] {
  const content = fill(template, { question: context.question, answers });
  const messages = conversationOf(context);
  const place = messages.findLastIndex(({ role }) => role === "user");
  const after = place < 0 ? [] : messages.slice(place + 1);
  const rest = isContinued(after) ? after.slice(0, -1) : after;
  const own = after.length > rest.length ? contentText(after[after.length - 1]) : "";
  const start = [begun, own].filter((text) => text !== "").join(" ");
  const reply: ChatMessage[] = start === "" ? [] : [{ role: "assistant", content: start }];
  return [...messages.slice(0, Math.max(0, place)), { role: "user", content }, ...rest, ...reply];
}

/** Prompts with the answers numbered, all of them in the first. */
export function promptsFrom(
  context: Pick<RegenerationContext, "prompt" | "question">,
  template: string,
  answers: readonly Candidate[],
  textOf = (text: string) => text,
): ChatMessage[][] {
  return evershorter(answers, (some) => asked(template, context, numbered(some.map(({ text }) => textOf(text)))));
}

interface WritingFrom {
  writer?: string;
  prompt: string;
  /** The best first: the last are left out where the writer's context does not hold all. */
  answers: readonly Candidate[];
  /** What is read of an answer. Default: all. */
  textOf?: (text: string) => string;
}

/** Have a member write an answer from these. */
export function writeFrom(context: RegenerationContext, { writer, prompt, answers, textOf }: WritingFrom) {
  return context.write({ writer: writerOf(writer, context), prompts: promptsFrom(context, prompt, answers, textOf) });
}

/** The highest first, in their order where they are equal. */
export function byScore<Each>(candidates: readonly Each[], scores: ArrayLike<number>): Each[] {
  const order = Array.from(candidates.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  return order.map((index) => candidates[index]);
}

/** The same prompt behind which an answer has come so far. */
export function behind(prompt: PromptInput, text: string): PromptInput {
  if (text.trim() === "" || isText(prompt)) return prompt;
  const last = prompt[prompt.length - 1];
  return isContinued(prompt)
    ? [...prompt.slice(0, -1), { ...last, content: contentText(last) + text }]
    : [...prompt, { role: "assistant", content: text }];
}

/** One prompt with all answers, one without the last of them, and so on, for contexts that do not hold all. */
export function evershorter<Each, Prompt>(
  answers: readonly Each[],
  promptOf: (answers: readonly Each[]) => Prompt,
): Prompt[] {
  return answers.map((_, left) => promptOf(answers.slice(0, answers.length - left)));
}

function isText(prompt: PromptInput): prompt is string | Uint8Array {
  return typeof prompt === "string" || prompt instanceof Uint8Array;
}
