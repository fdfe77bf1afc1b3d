/**
 * Chat templates: the Jinja program in a model's metadata that turns a conversation into the text it was trained on.
 *
 * A template is given what llama.cpp gives it: `messages`, `add_generation_prompt` (true), `bos_token`, `eos_token`,
 * `enable_thinking` (true), `date_string` and `datetime`; besides, the functions `raise_exception` and `strftime_now`.
 * `variables` go before all of these.
 *
 * Templates differ in what they accept, so the conversation is offered in several forms, and the first is taken that the
 * template renders with every text in it but the assistant's:
 * 1. as it is;
 * 2. with the optional lists and texts that some templates use without asking (`tools`, `documents`, …) empty;
 * 3. with each content as one text, where it was a list of parts; else as a list, `[{ type: "text", text }]`;
 * 4. to 6. the same with system texts merged into the user message that follows (two line breaks between), and
 *    consecutive messages of one role merged alike: for templates that refuse or ignore a system message, or insist on
 *    strict alternation.
 * If a template renders but alters a text, its first rendering is taken.
 *
 * A conversation that ends with the assistant's message is cut behind that message: a sign that no text contains is put at
 * the message's end, `add_generation_prompt` is false, and what the template writes from the sign on is dropped.
 */
import { LlamafuseError } from "../errors.js";
import type { Member, MemberFacts } from "../member/member.js";
import { Budget } from "./jinja/budget.js";
import { JinjaError } from "./jinja/errors.js";
import { JinjaTemplate, toValue } from "./jinja/template.js";
import { Text } from "./jinja/text.js";
import { Dict, type Value } from "./jinja/values.js";
import { type ChatMessage, contentText } from "./messages.js";
import { formatDate } from "./template-date.js";

export interface TemplateOptions {
  /**
   * Further variables for the template. Their texts are text: no control tokens.
   * @example renderPrompt(messages, member, { variables: { enable_thinking: false } })
   */
  variables?: Readonly<Record<string, unknown>>;
  /** The date that templates write. Default: now. */
  now?: Date;
}

/** A template that knows no parts prints the list itself, which does not render the conversation. */
const PRINTED_PARTS = /['"]type['"]:\s*['"]text['"]/;

/** Of Unicode's private use, where no message has it: templates take white space off the ends of what is said. */
const SIGN = "\ue0f7\ue0f6";

/** The conversation up to the end of its last message, which is the assistant's. Errors: as renderTemplate. */
export function continuedTemplate(
  messages: readonly ChatMessage[],
  member: Pick<Member, "name" | "facts">,
  options: TemplateOptions = {},
): Text {
  const last = messages[messages.length - 1];
  const said = contentText(last);
  let sign = SIGN;
  while (messages.some((message) => contentText(message).includes(sign))) sign += SIGN;
  const signed = [...messages.slice(0, -1), { ...last, content: said + sign }];
  const variables = { add_generation_prompt: false, ...options.variables };
  const text = renderTemplate(signed, member, { ...options, variables });
  const end = text.value.lastIndexOf(sign);
  if (end >= 0) return text.cut(0, end);
  throw new LlamafuseError(
    "invalid-option",
    `The chat template of member "${member.name}" does not write the assistant's last message, so its answer cannot be continued. End the conversation with the user's message.`,
    { member: member.name, found: "assistant", allowed: "user" },
  );
}

/** Parsed templates, for as long as their member's facts are around. */
const parsed = new WeakMap<MemberFacts, JinjaTemplate>();

/**
 * The conversation in the member's own format; the text knows which characters are the conversation's own.
 * Errors: invalid-option if the template refuses, unsupported-model if it fails or does more than it may.
 */
export function renderTemplate(
  messages: readonly ChatMessage[],
  member: Pick<Member, "name" | "facts">,
  { variables = {}, now = new Date() }: TemplateOptions = {},
): Text {
  const { bosText, eosText } = member.facts;
  const write = (format: string) => formatDate(now, format);
  const own: Record<string, Value> = {
    add_generation_prompt: true,
    bos_token: new Text(bosText),
    eos_token: new Text(eosText),
    enable_thinking: true,
    date_string: new Text(write("%d %b %Y")),
    datetime: new Text(write("%b %d %Y")),
  };
  const empty = { tools: [], documents: [], functions: new Text("[]") };
  let failure: unknown;
  let altered: Text | undefined;
  try {
    const given = Object.entries(variables).map(([name, value]): [string, Value] => [name, toValue(value, true)]);
    const template = parse(member.facts);
    const plain = messagesValue(messages, "as given");
    // One for all forms: a template that goes near the limit with each of them would take several times as long.
    const budget = new Budget([plain, ...given.map(([, value]) => value)]);
    for (const form of [messages, merged(messages)]) {
      const texts = form.filter(({ role }) => role !== "assistant").map((message) => contentText(message).trim());
      const asGiven = form === messages ? plain : messagesValue(form, "as given");
      for (const more of [
        { messages: asGiven },
        { messages: asGiven, ...empty },
        { messages: messagesValue(form, "other") },
      ]) {
        try {
          const text = template.render(new Map([...Object.entries({ ...own, ...more }), ...given]), write, budget);
          const isWhole = texts.every((part) => text.value.includes(part));
          if (isWhole && (!PRINTED_PARTS.test(text.value) || texts.some((part) => PRINTED_PARTS.test(part))))
            return text;
          altered ??= text;
        } catch (error) {
          failure ??= error;
          // The other forms would take as long.
          if (error instanceof JinjaError && error.name === "BudgetExceeded") throw error;
        }
      }
    }
  } catch (error) {
    failure = error;
  }
  if (altered !== undefined) return altered;
  throw templateError(member.name, failure);
}

function parse(facts: MemberFacts): JinjaTemplate {
  const known = parsed.get(facts);
  if (known !== undefined) return known;
  const template = new JinjaTemplate(facts.chatTemplate ?? "");
  parsed.set(facts, template);
  return template;
}

function templateError(member: string, cause: unknown): LlamafuseError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const error = cause instanceof Error ? cause.name : "Error";
  if (error === "TemplateError") {
    return new LlamafuseError(
      "invalid-option",
      `The chat template of member "${member}" refuses this conversation: ${reason}`,
      { member, reason },
      cause,
    );
  }
  const cure =
    error === "BudgetExceeded"
      ? "Shorten the conversation, or give the prompt as plain text, in the format that the model's maker documents."
      : "Give the prompt as plain text, in the format that the model's maker documents.";
  return new LlamafuseError(
    "unsupported-model",
    `The chat template of member "${member}" cannot be rendered here: ${reason} (${error}). ${cure}`,
    { member, reason, error },
    cause,
  );
}

/** System texts go before the next user message, or become one; then neighbours of one role become one message. */
function merged(messages: readonly ChatMessage[]): ChatMessage[] {
  const result: ChatMessage[] = [];
  for (const message of messages) {
    const role = message.role === "system" ? "user" : message.role;
    const content = contentText(message);
    const last = result.at(-1);
    if (last?.role === role && role !== "tool") last.content = `${last.content}\n\n${content}`;
    else result.push({ ...message, role, content });
  }
  return result;
}

/** Roles are the template's words: some build control tokens of them. All else is the conversation's own. */
function messagesValue(messages: readonly ChatMessage[], form: "as given" | "other"): Value[] {
  return messages.map((message) => {
    const { role, content, ...more } = message;
    const one = typeof content === "string" ? [{ type: "text", text: content }] : contentText(message);
    const dict = Dict.of([
      ["role", new Text(role)],
      ["content", toValue(form === "as given" ? content : one, true)],
    ]);
    for (const [name, value] of Object.entries(more))
      if (value !== undefined) dict.set(new Text(name), toValue(value, true));
    return dict;
  });
}
