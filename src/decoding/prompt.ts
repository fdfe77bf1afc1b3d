/**
 * What a user asks, as each member is to read it.
 *
 * - A **string** (or UTF-8 bytes) is continued as it is. Special tokens written in it (`<|im_start|>`) mean the tokens,
 *   as in llama.cpp's own tools: that is how a prompt in a model's own format is written by hand.
 * - **Messages** are rendered with each member's own chat template (see chat-template.ts), so that every member reads
 *   the conversation in the form it was trained on. A member without a template reads this one:
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
 * Either way, a text that begins with the member's beginning-of-text token gets no second one.
 */
import { LlamafuseError, unknownName } from "../errors.js";
import type { Member, MemberPrompt } from "../member/member.js";
import { invalidUtf8At, loneSurrogateAt } from "../vocabulary/utf8.js";
import { renderTemplate, type TemplateOptions } from "./chat-template.js";

export const CHAT_ROLES = ["system", "user", "assistant"] as const;
export type ChatRole = (typeof CHAT_ROLES)[number];

export interface ChatMessage {
  role: ChatRole;
  content: string;
}

/** A text to continue, or a conversation to answer. */
export type PromptInput = string | Uint8Array | readonly ChatMessage[];

export interface RenderedPrompt {
  prompt: MemberPrompt;
  /** Texts that end the answer in the format in which this member reads the prompt. */
  stop: string[];
}

/** Ends an answer in the format of members without a template: there, the model would go on with the next question. */
const FALLBACK_STOP = "\nUser:";

/**
 * The prompt as this member is to read it.
 * Errors: invalid-text (empty, or not UTF-8), invalid-option (an unknown role, a conversation that the member's template
 * refuses), unsupported-model (a template that cannot be run here).
 */
export function renderPrompt(
  input: PromptInput,
  member: Pick<Member, "name" | "facts">,
  options: TemplateOptions = {},
): RenderedPrompt {
  checkPrompt(input);
  const { bosText, chatTemplate } = member.facts;
  const isChat = typeof input !== "string" && !(input instanceof Uint8Array);
  const hasTemplate = chatTemplate !== undefined && chatTemplate.trim() !== "";
  const rendered = !isChat ? input : hasTemplate ? renderTemplate(input, member, options) : renderPlainly(input);
  const text = typeof rendered === "string" ? new TextEncoder().encode(rendered) : rendered;
  return {
    prompt: { text, parseSpecial: true, addBos: bosText === "" || !startsWith(text, bosText) },
    stop: isChat && !hasTemplate ? [FALLBACK_STOP] : [],
  };
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

function checkText(text: string, what: string): void {
  if (text === "") throw new LlamafuseError("invalid-text", `${what} is empty. Give some text.`, { found: "" });
  const at = loneSurrogateAt(text);
  if (at < 0) return;
  const code = text.charCodeAt(at).toString(16).toUpperCase();
  throw new LlamafuseError(
    "invalid-text",
    `${what} is not UTF-8 text: at index ${at} stands half a surrogate pair (U+${code}) without its other half.`,
    { found: `U+${code}`, at, allowed: "well-formed Unicode" },
  );
}

function checkBytes(bytes: Uint8Array): void {
  if (bytes.length === 0)
    throw new LlamafuseError("invalid-text", "The prompt is empty. Give some text.", { found: "" });
  const at = invalidUtf8At(bytes);
  if (at < 0) return;
  const found = `0x${bytes[at].toString(16).padStart(2, "0")}`;
  throw new LlamafuseError(
    "invalid-text",
    `The prompt is not UTF-8: the byte ${found} at offset ${at} begins no character. Convert the text to UTF-8 first.`,
    { found, at, allowed: "UTF-8" },
  );
}

function checkMessages(messages: readonly Partial<ChatMessage>[]): void {
  if (messages.length === 0) {
    const example = '[{ role: "user", content: "…" }]';
    throw new LlamafuseError("invalid-text", `The conversation has no messages. Give at least one: ${example}.`, {
      found: 0,
      allowed: ">= 1",
    });
  }
  for (const [index, message] of messages.entries()) {
    const { role, content } = message ?? {};
    if (!CHAT_ROLES.some((known) => known === role)) throw unknownName("role", String(role), CHAT_ROLES);
    if (typeof content !== "string") {
      throw new LlamafuseError("invalid-text", `The content of message ${index + 1} must be text.`, {
        found: typeof content,
        allowed: "string",
        message: index + 1,
      });
    }
    if (content !== "") checkText(content, `Message ${index + 1}`);
  }
  const last = messages[messages.length - 1];
  if (last.role === "assistant") {
    throw new LlamafuseError(
      "invalid-option",
      "The last message is the assistant's own, so there is nothing to answer. End the conversation with the user's.",
      { found: "assistant", allowed: "user", message: messages.length },
    );
  }
  const question = messages.findLast(({ role }) => role === "user") ?? last;
  if (question.content!.trim() === "") {
    throw new LlamafuseError("invalid-text", "The user's last message is empty. Give some text.", {
      found: question.content,
      message: messages.indexOf(question) + 1,
    });
  }
}

/** The format for members without a chat template. */
function renderPlainly(messages: readonly ChatMessage[]): string {
  const lines = messages.map(({ role, content }) => {
    if (role === "system") return `${content}\n\n`;
    return role === "user" ? `User: ${content}\n` : `Assistant: ${content}\n`;
  });
  return `${lines.join("")}Assistant:`;
}

function startsWith(text: Uint8Array, start: string): boolean {
  const bytes = new TextEncoder().encode(start);
  return bytes.every((byte, at) => text[at] === byte);
}
