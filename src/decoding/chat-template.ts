/**
 * Chat templates: the Jinja program in a model's metadata that turns a conversation into the text it was trained on.
 *
 * A template is given `messages`, `add_generation_prompt` (true), `bos_token`, `eos_token` and the functions that model
 * makers rely on: `raise_exception`, `strftime_now`, `range`. What it leaves to its caller (`enable_thinking`, …) can be
 * passed as `variables`; without them a template takes its own defaults.
 *
 * Templates differ in what they accept, so the conversation is offered in several forms, and the first is taken that the
 * template renders with every system and user text in it:
 * 1. as it is;
 * 2. with the optional lists and texts that some templates use without asking (`tools`, `documents`, …) empty;
 * 3. with each content as a list of parts, `[{ type: "text", text }]`;
 * 4. to 6. the same with system texts merged into the user message that follows (two line breaks between), and
 *    consecutive messages of one role merged alike: for templates that refuse or ignore a system message, or insist on
 *    strict alternation.
 * If a template renders but alters a text, its first rendering is taken.
 */
import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { LlamafuseError } from "../errors.js";
import type { Member, MemberFacts } from "../member/member.js";
import type { ChatMessage } from "./prompt.js";
import { formatDate } from "./template-date.js";

export interface TemplateOptions {
  /**
   * Further variables for the template, e.g. `{ enable_thinking: false }`.
   * @example renderPrompt(messages, member, { variables: { enable_thinking: false } })
   */
  variables?: Readonly<Record<string, unknown>>;
  /** The date that templates write. Default: now. */
  now?: Date;
}

/** No conversation needs a longer count; a damaged or hostile template could otherwise fill the memory. */
const MAX_RANGE = 100_000;

/** A template that knows no parts prints the list itself; that is no rendering of the conversation. */
const PRINTED_PARTS = /"type":\s*"text"/;

/** What a template says with raise_exception. */
class TemplateRefusal extends Error {
  override readonly name = "TemplateRefusal";
}

/** Parsed templates, for as long as their member's facts are around. */
const parsed = new WeakMap<MemberFacts, Template>();

/** The conversation in the member's own format. Errors: invalid-option if it refuses, unsupported-model if it fails. */
export function renderTemplate(
  messages: readonly ChatMessage[],
  member: Pick<Member, "name" | "facts">,
  options: TemplateOptions = {},
): string {
  const { bosText, eosText } = member.facts;
  const now = options.now ?? new Date();
  const common = {
    add_generation_prompt: true,
    bos_token: bosText,
    eos_token: eosText,
    raise_exception: (message: unknown) => {
      throw new TemplateRefusal(String(message));
    },
    strftime_now: (format: string) => formatDate(now, format),
    range,
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
  };
  const empty = { tools: [], documents: [], functions: "[]", datetime: formatDate(now, "%B %d %Y %H:%M:%S") };
  let failure: unknown;
  let altered: string | undefined;
  try {
    const template = parse(member.facts);
    for (const form of [messages, merged(messages)]) {
      const texts = form.filter(({ role }) => role !== "assistant").map(({ content }) => content.trim());
      for (const more of [{ messages: form }, { messages: form, ...empty }, { messages: inParts(form) }]) {
        try {
          const text = run(template, { ...common, ...more, ...options.variables });
          if (texts.every((part) => text.includes(part)) && !PRINTED_PARTS.test(text)) return text;
          altered ??= text;
        } catch (error) {
          failure ??= error;
        }
      }
    }
  } catch (error) {
    failure = error;
  }
  if (altered !== undefined) return altered;
  throw templateError(member.name, failure);
}

function parse(facts: MemberFacts): Template {
  const known = parsed.get(facts);
  if (known !== undefined) return known;
  const template = new Template(facts.chatTemplate ?? "");
  parsed.set(facts, template);
  return template;
}

/** Not Template.render, whose own globals cannot be replaced: its strftime_now follows the machine's language. */
function run(template: Template, variables: Record<string, unknown>): string {
  const environment = new Environment();
  for (const [name, value] of Object.entries(variables)) environment.set(name, value);
  return String(new Interpreter(environment).run(template.parsed).value);
}

function templateError(member: string, cause: unknown): LlamafuseError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof TemplateRefusal) {
    return new LlamafuseError(
      "invalid-option",
      `The chat template of member "${member}" refuses this conversation: ${reason}`,
      { member, reason },
      cause,
    );
  }
  return new LlamafuseError(
    "unsupported-model",
    `The chat template of member "${member}" cannot be rendered here: ${reason}. Give the prompt as plain text, in the ` +
      "format that the model's maker documents.",
    { member, reason },
    cause,
  );
}

/** System texts go before the next user message, or become one; then neighbours of one role become one message. */
function merged(messages: readonly ChatMessage[]): ChatMessage[] {
  const result: ChatMessage[] = [];
  for (const { role, content } of messages) {
    const spoken = role === "system" ? "user" : role;
    const last = result.at(-1);
    if (last?.role === spoken) last.content = `${last.content}\n\n${content}`;
    else result.push({ role: spoken, content });
  }
  return result;
}

function inParts(messages: readonly ChatMessage[]): unknown[] {
  return messages.map(({ role, content }) => ({ role, content: [{ type: "text", text: content }] }));
}

/** Python's range. */
function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!(count <= MAX_RANGE))
    throw new TemplateRefusal(`range() of ${count} numbers; at most ${MAX_RANGE} are allowed.`);
  return Array.from({ length: count }, (_, index) => start + index * step);
}
