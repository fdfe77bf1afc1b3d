/** The lines of a chat that begin with a slash. */
import { unknownName } from "../../errors.js";
import type { Conversation } from "./conversation.js";

export const CHAT_HELP = `/reset         forget the conversation
/system TEXT   tell the members this first from now on; without TEXT, nothing
/help          this list
/exit          leave (so do Ctrl-D, and Ctrl-C twice)
Ctrl-C stops an answer. A line that begins with a space is never a command.`;

/**
 * Carry out a line if it is a command. Returns what to tell the person, "exit", or undefined where the line is a
 * question. Errors: invalid-option for a command that is none.
 */
export function runChatCommand(line: string, conversation: Conversation): { say: string } | "exit" | undefined {
  const [, name, rest] = /^\/([A-Za-z]\S*)\s*(.*)$/s.exec(line) ?? [];
  switch (name) {
    case undefined:
      return undefined;
    case "exit":
    case "quit":
      return "exit";
    case "help":
      return { say: CHAT_HELP };
    case "reset":
      conversation.reset();
      return { say: "The conversation is forgotten." };
    case "system":
      conversation.system = rest.trim() === "" ? undefined : rest.trim();
      return { say: conversation.system === undefined ? "No system message." : "The system message is set." };
    default:
      throw unknownName("chat command", `/${name}`, ["/reset", "/system", "/help", "/exit"]);
  }
}
