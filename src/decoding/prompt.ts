/**
 * What a user asks, as each member is to read it.
 *
 * - A **string** (or UTF-8 bytes) is continued as it is. Special tokens written in it (`<|im_start|>`) mean the tokens,
 *   as in llama.cpp's own tools: that is how a prompt in a model's own format is written by hand. With
 *   `parseSpecial: false` they are letters.
 * - **Messages** are rendered with each member's own chat template (see chat-template.ts), so that every member reads
 *   the conversation in the form it was trained on. What the messages say is text: a control token spelled in one of them
 *   is read as its letters. A member without a template reads this:
 *
 *       {system text, then an empty line}
 *       User: {question}
 *       Assistant: {answer}
 *       User: {question}
 *       Assistant:
 *
 *   and its answer ends before "\nUser:". As this format puts a space after "Assistant:", such a member's answer
 *   begins with one.
 *
 *   A conversation whose last message is the assistant's is continued there: the prompt ends with that message as the
 *   template writes it, and the answer is what follows.
 *
 *   Members that think do so before the answer (see thinking/). With thinking off, a thought that the template begins is
 *   closed here.
 *
 * Either way, a text that begins with the member's beginning-of-text token gets no second one, and nothing is put behind
 * it, whatever the model's file says (`add_eos_token`).
 */
import { setImmediate } from "node:timers/promises";
import { LlamafuseError } from "../errors.js";
import type { Member, MemberPrompt } from "../member/member.js";
import { checkSwitch, guarded, refuse } from "../read-options.js";
import { invalidUtf8At } from "../vocabulary/utf8.js";
import { continuedTemplate, renderTemplate } from "./chat-template.js";
import { Text } from "./jinja/text.js";
import { type ChatMessage, checkMessages, checkText, contentText, isContinued } from "./messages.js";
import { budgetOf, checkThinking, type Thinking } from "./thinking/options.js";
import { planOf, type ThinkingPlan } from "./thinking/plan.js";
import { canSwitchOff, switched, switchedBy } from "./thinking/switches.js";
import { toldOfTools } from "./tools/told.js";
import type { Tool } from "./tools/tools.js";

export { CHAT_ROLES, type ChatMessage, type ChatRole, type TextPart } from "./messages.js";

/** A text to continue, or a conversation to answer. */
export type PromptInput = string | Uint8Array | readonly ChatMessage[];

/** How prompts are read: part of every request. */
export interface PromptOptions {
  /**
   * Variables for the members' chat templates, on top of the members' own. Default: those of llama.cpp.
   * @example ensemble.generate(messages, { templateVariables: { enable_thinking: false } })
   */
  templateVariables?: Readonly<Record<string, unknown>>;
  /** The date that chat templates write. Default: now. Give one, so that a seed repeats an answer tomorrow. */
  now?: Date | string;
  /** Whether special tokens written in a prompt that is a string mean the tokens. Default true; never in messages. */
  parseSpecial?: boolean;
  /**
   * Whether members think before they answer a conversation, each by itself: "off", "private" or a number of tokens.
   * Default: off where the member's template can turn it off, else private.
   */
  thinking?: Thinking;
}

/** With what the answer may call. */
type ReadingOptions = PromptOptions & { tools?: readonly Tool[] };

export interface RenderedPrompt {
  prompt: MemberPrompt;
  /** Texts that end the answer in the format in which this member reads the prompt. */
  stop: string[];
  /** How the member may think first. Absent for texts that are continued, and where the template has settled it. */
  thinking?: ThinkingPlan;
}

/** Ends an answer in the format of members without a template: there, the model would go on with the next question. */
const FALLBACK_STOP = "\nUser:";

type Reader = Pick<Member, "name" | "facts" | "templateVariables">;

/**
 * The prompt as this member is to read it.
 * Errors: invalid-text (empty, or not UTF-8), invalid-option (an unknown role, a conversation that the member's template
 * refuses), unsupported-model (a template that cannot be run here).
 */
export function renderPrompt(given: PromptInput, reader: Reader, options: ReadingOptions = {}): RenderedPrompt {
  checkPrompt(given);
  const { input, member } = withTools(given, reader, options.tools);
  if (!isChat(input)) {
    const text = typeof input === "string" ? new TextEncoder().encode(input) : input;
    const parseSpecial = options.parseSpecial ?? true;
    return { prompt: { text, parseSpecial, addBos: !parseSpecial || !beginsWithBos(text, member) }, stop: [] };
  }
  const hasTemplate = (member.facts.chatTemplate ?? "").trim() !== "";
  const { rendered, thinking } = hasTemplate
    ? renderChat(input, member, options)
    : { rendered: renderPlainly(input), thinking: undefined };
  const text = new TextEncoder().encode(rendered.value);
  const addBos = rendered.runs[0] === 0 || !beginsWithBos(text, member);
  return {
    prompt: { text, parseSpecial: true, addBos, ...(rendered.isContent ? { letters: inBytes(rendered) } : {}) },
    stop: hasTemplate ? [] : [FALLBACK_STOP],
    ...(thinking === undefined ? {} : { thinking }),
  };
}

/**
 * The prompt as each member is to read it. Between two templates the program's own events have their turn, a signal's
 * among them, since one may take most of its limit; when the request is aborted, the rest are left out.
 */
export async function renderPrompts(
  input: PromptInput,
  readers: readonly { member: Reader }[],
  options: ReadingOptions,
  signal: AbortSignal,
): Promise<RenderedPrompt[]> {
  const rendered: RenderedPrompt[] = [];
  for (const { member } of readers) {
    if (rendered.length > 0 && isChat(input)) await setImmediate();
    if (signal.aborted) break;
    rendered.push(renderPrompt(input, member, options));
  }
  return rendered;
}

function withTools(
  input: PromptInput,
  member: Reader,
  tools: readonly Tool[] | undefined,
): { input: PromptInput; member: Reader } {
  if (tools === undefined || !isChat(input)) return { input, member };
  const { messages, variables } = toldOfTools(input, tools, member);
  const { name, facts } = member;
  return { input: messages, member: { name, facts, templateVariables: { ...member.templateVariables, ...variables } } };
}

function isChat(input: PromptInput): input is readonly ChatMessage[] {
  return typeof input !== "string" && !(input instanceof Uint8Array);
}

/** In the member's template, with its switches for thinking set. */
function renderChat(
  messages: readonly ChatMessage[],
  member: Reader,
  { templateVariables, now, thinking }: PromptOptions,
): { rendered: Text; thinking?: ThinkingPlan } {
  const given = { ...member.templateVariables, ...templateVariables };
  const chosen = thinking ?? usualThinking(member, given);
  const variables = { ...switched(member.facts, chosen === "off" ? "off" : "on", given), ...given };
  const options = { variables, now: now === undefined ? new Date() : new Date(now) };
  if (isContinued(messages)) return { rendered: continuedTemplate(messages, member, options) };
  const rendered = renderTemplate(messages, member, options);
  const plan = planOf(member, rendered, budgetOf(chosen));
  if (plan.opened === undefined || plan.budget > 0) return { rendered, thinking: plan };
  return { rendered: Text.join([rendered, new Text(plan.opened.closing)]) };
}

/** Where the request says nothing of thinking. */
function usualThinking(member: Reader, given: Readonly<Record<string, unknown>>): Thinking {
  const set = switchedBy(given);
  if (set !== undefined) return set === "off" ? "off" : "private";
  return canSwitchOff(member) ? "off" : "private";
}

/** How prompts are read, as copies of the caller's. Errors: invalid-option. */
export function checkPromptOptions({ thinking, templateVariables, now, parseSpecial }: PromptOptions): PromptOptions {
  checkSwitch("parseSpecial", parseSpecial);
  const variables = checkTemplateVariables(templateVariables);
  const date = now === undefined ? undefined : guarded("now", () => new Date(now));
  if (date !== undefined && Number.isNaN(date.getTime())) refuse("now", now, 'a date: "2026-03-07T09:05"');
  return {
    ...(variables === undefined ? {} : { templateVariables: variables }),
    ...(date === undefined ? {} : { now: date }),
    ...(parseSpecial === undefined ? {} : { parseSpecial }),
    ...(thinking === undefined ? {} : { thinking: guarded("thinking", () => checkThinking(thinking)) }),
  };
}

/** A copy of them. Errors: invalid-option. */
function checkTemplateVariables(variables: unknown): Record<string, unknown> | undefined {
  if (variables === undefined) return undefined;
  return guarded("templateVariables", () => {
    if (typeof variables !== "object" || variables === null || Array.isArray(variables))
      return refuse("templateVariables", variables, "an object: { enable_thinking: false }");
    return structuredClone(variables) as Record<string, unknown>;
  });
}

/** The characters from outside, as ranges of the text's UTF-8 bytes. */
function inBytes({ value, runs }: Text): number[] {
  let at = 0;
  let bytes = 0;
  return runs.map((place) => {
    bytes += Buffer.byteLength(value.slice(at, place));
    at = place;
    return bytes;
  });
}

/** Refuse what no member could read. Errors: invalid-text, invalid-option. */
export function checkPrompt(input: PromptInput): void {
  const found: unknown = input;
  if (typeof found === "string") checkText(found, "The prompt");
  else if (found instanceof Uint8Array) checkBytes(found);
  else if (Array.isArray(found)) checkMessages(found as readonly Partial<ChatMessage>[]);
  else {
    throw new LlamafuseError(
      "invalid-text",
      `The prompt must be a string, bytes or a list of messages; found ${found === null ? "null" : typeof found}.`,
      { found: found === null ? "null" : typeof found, allowed: "string | Uint8Array | ChatMessage[]" },
    );
  }
}

function checkBytes(bytes: Uint8Array): void {
  if (bytes.length === 0)
    throw new LlamafuseError("invalid-text", "The prompt is empty. Give some text.", { found: "" });
  const at = invalidUtf8At(bytes);
  if (at < 0) return;
  const found = `0x${bytes[at].toString(16).padStart(2, "0")}`;
  throw new LlamafuseError(
    "invalid-text",
    `The prompt is not UTF-8: the byte ${found} at offset ${at} does not start a character. Convert the text to UTF-8 first.`,
    { found, at, allowed: "UTF-8" },
  );
}

/** The format for members without a chat template. */
function renderPlainly(messages: readonly ChatMessage[]): Text {
  const parts = messages.flatMap((message) => {
    const content = Text.content(contentText(message));
    if (message.role === "system") return [content, new Text("\n\n")];
    const speaker = { user: "User", assistant: "Assistant", tool: "Tool" }[message.role];
    return [new Text(`${speaker}: `), content, new Text("\n")];
  });
  return Text.join(isContinued(messages) ? parts.slice(0, -1) : [...parts, new Text("Assistant:")]);
}

function beginsWithBos(text: Uint8Array, { facts }: Reader): boolean {
  const bytes = new TextEncoder().encode(facts.bosText);
  return bytes.length > 0 && bytes.every((byte, at) => text[at] === byte);
}
