/** Conversations in files: a JSON array of messages, `[{ "role": "user", "content": "…" }, …]`, as chat APIs take them. */
import type { ChatMessage } from "../../decoding/prompt.js";
import { LlamafuseError } from "../../errors.js";
import { writeWhole } from "../../files.js";
import { readTextFile } from "../text-input.js";

const ROLES = ["system", "user", "assistant"] as const;

/** Errors: file-unwritable. */
export async function saveConversation(file: string, messages: readonly ChatMessage[]): Promise<void> {
  await writeWhole(file, `${JSON.stringify(messages, null, 2)}\n`);
}

/**
 * The messages of a file, that a chat can continue: a system message or none, then questions, each with its answer.
 * Errors: file-unreadable, invalid-text, invalid-data (the message says which entry is wrong).
 */
export async function loadConversation(file: string): Promise<ChatMessage[]> {
  const text = await readTextFile(file);
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch (cause) {
    throw refusal(file, `it is not JSON (${(cause as Error).message})`, cause);
  }
  const list = Array.isArray(whole) ? whole : (whole as { messages?: unknown } | null)?.messages;
  if (!Array.isArray(list)) throw refusal(file, "it has no array of messages");
  const messages = list.map((each: unknown, index) => messageOf(each, index, file));
  const turns = messages[0]?.role === "system" ? messages.slice(1) : messages;
  for (const [index, { role }] of turns.entries()) {
    const expected = index % 2 === 0 ? "user" : "assistant";
    if (role === expected) continue;
    const place = messages.length - turns.length + index + 1;
    throw refusal(file, `message ${place} is the ${role}'s, but the ${expected}'s turn comes there`);
  }
  if (turns.length % 2 === 1) throw refusal(file, "its last question has no answer");
  return messages;
}

function messageOf(value: unknown, index: number, file: string): ChatMessage {
  const { role, content } = (value ?? {}) as Partial<ChatMessage>;
  const known = ROLES.find((each) => each === role);
  if (known === undefined) throw refusal(file, `message ${index + 1} has the role ${JSON.stringify(role)}`);
  if (typeof content !== "string") throw refusal(file, `message ${index + 1} has no text as its content`);
  return { role: known, content };
}

function refusal(file: string, why: string, cause?: unknown): LlamafuseError {
  const message = `${file} is not a conversation: ${why}. Expected [{ "role": "user", "content": "…" }, { "role": "assistant", … }, …], as /save writes it.`;
  return new LlamafuseError("invalid-data", message, { found: file, file }, cause);
}
