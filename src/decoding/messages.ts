/** A conversation, as callers write it. */
import { LlamafuseError, unknownName } from "../errors.js";
import { loneSurrogateAt } from "../vocabulary/utf8.js";

export const CHAT_ROLES = ["system", "user", "assistant", "tool"] as const;
export type ChatRole = (typeof CHAT_ROLES)[number];

/** A part of a content that is a list, as in OpenAI's API; text is the only kind. */
export interface TextPart {
  type: "text";
  text: string;
}

export interface ChatMessage {
  role: ChatRole;
  /** What was said: all of it is text, also what looks like a control token. */
  content: string | readonly TextPart[];
  /** What templates may ask for besides, by the names that they use. */
  reasoning_content?: string;
  name?: string;
  tool_calls?: readonly unknown[];
  tool_call_id?: string;
}

/** The content as one text. */
export function contentText({ content }: Pick<ChatMessage, "content">): string {
  return typeof content === "string" ? content : content.map(({ text }) => text).join("");
}

/** Whether the answer has begun: the last message is the assistant's. */
export function isContinued(messages: readonly Pick<ChatMessage, "role">[]): boolean {
  return messages.at(-1)?.role === "assistant";
}

/** Errors: invalid-text, invalid-option. */
export function checkMessages(messages: readonly Partial<ChatMessage>[]): void {
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
    checkContent(content, index + 1);
  }
  const last = messages[messages.length - 1] as ChatMessage;
  if (last.role === "assistant") {
    if (contentText(last).trim() !== "") return;
    throw new LlamafuseError(
      "invalid-text",
      "The last message is the assistant's and empty. Leave it out, or give the text with which the answer begins.",
      { found: last.content, message: messages.length },
    );
  }
  const question = (messages.findLast(({ role }) => role === "user") ?? last) as ChatMessage;
  if (last.role !== "tool" && contentText(question).trim() === "") {
    throw new LlamafuseError("invalid-text", "The user's last message is empty. Give some text.", {
      found: question.content,
      message: messages.indexOf(question) + 1,
    });
  }
}

function checkContent(content: unknown, message: number): void {
  const isParts =
    Array.isArray(content) && content.every((part) => part?.type === "text" && typeof part.text === "string");
  if (typeof content !== "string" && !isParts) {
    const kind = Array.isArray(content) ? content.find((part) => part?.type !== "text")?.type : undefined;
    const found = kind === undefined ? typeof content : `a part of the type "${String(kind)}"`;
    throw new LlamafuseError(
      "invalid-text",
      `The content of message ${message} must be text, or a list of parts { type: "text", text }; found ${found}.`,
      { found, allowed: "string | { type: 'text', text: string }[]", message },
    );
  }
  const text = contentText({ content: content as ChatMessage["content"] });
  if (text !== "") checkText(text, `Message ${message}`);
}

/** Errors: invalid-text for an empty text, or one that UTF-8 cannot hold. */
export function checkText(text: string, what: string): void {
  if (text === "") throw new LlamafuseError("invalid-text", `${what} is empty. Give some text.`, { found: "" });
  const at = loneSurrogateAt(text);
  if (at < 0) return;
  const code = text.charCodeAt(at).toString(16).toUpperCase();
  throw new LlamafuseError(
    "invalid-text",
    `${what} is not UTF-8 text: index ${at} holds half a surrogate pair (U+${code}) without the other half.`,
    { found: `U+${code}`, at, allowed: "well-formed Unicode" },
  );
}
