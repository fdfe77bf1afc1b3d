/** What of a prompt is routed by. */
import { contentText } from "../../decoding/messages.js";
import type { PromptInput } from "../../decoding/prompt.js";

/** A prompt's text; of a conversation, the user's last message. */
export function queryText(prompt: PromptInput): string {
  if (typeof prompt === "string") return prompt;
  if (prompt instanceof Uint8Array) return new TextDecoder().decode(prompt);
  const messages = prompt as Exclude<PromptInput, string | Uint8Array>;
  return contentText(messages.findLast(({ role }) => role === "user") ?? messages[messages.length - 1]);
}
