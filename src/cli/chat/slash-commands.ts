/** The lines of a chat that begin with a slash. */
import { LlamafuseError, unknownName } from "../../errors.js";
import { oneLine } from "../terminal.js";
import { loadConversation, saveConversation } from "./saved-conversation.js";
import type { ChatSession } from "./session.js";

const CHAT_HELP = `/reset             forget the conversation
/system TEXT       set the system message; without TEXT, remove it
/method NAME       change the fusion method: NAME or NAME:OPTION=VALUE,…
/set NAME VALUE    max-tokens, stop, thinking, speculation, temperature and every other sampling flag of --help; "default" unsets
/thinking HOW      off, private, a number of tokens, or default; show or hide what members think
/trace             show or hide every member's candidates at every step
/save FILE         write the conversation as JSON
/load FILE         continue a conversation from a file
/help              this list
/exit              leave (so do Ctrl-D, and Ctrl-C twice)
Ctrl-C stops an answer. A pasted block is one message, and so are all lines between """ and the next """.
A line that begins with a space is never a command.`;

/** `isAsked`: the line was a question about the chat. */
type Done = { say: string; isAsked?: boolean } | "exit";

const COMMANDS: Record<string, (session: ChatSession, rest: string) => Done | Promise<Done>> = {
  "/reset": ({ conversation }) => {
    conversation.reset();
    return { say: "The conversation is forgotten." };
  },
  "/system": ({ conversation }, rest) => {
    conversation.system = rest === "" ? undefined : rest;
    return { say: rest === "" ? "No system message." : "The system message is set." };
  },
  "/method": async (session, rest) => {
    if (rest !== "") await session.changeMethod(rest);
    return { say: `Answers are ${session.how}.`, isAsked: rest === "" };
  },
  "/set": (session, rest) => {
    const [, name, value = ""] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
    if (name !== undefined) session.set(name, value);
    return { say: session.settings, isAsked: name === undefined };
  },
  "/thinking": (session, rest) => {
    if (rest === "show" || rest === "hide") session.showsThoughts = rest === "show";
    else if (rest !== "") session.set("thinking", rest);
    const { thinking } = session.requestOptions;
    const how = typeof thinking === "object" ? `${thinking.budget} tokens` : (thinking ?? "default");
    return {
      say: `Thinking: ${how}; thoughts are ${session.showsThoughts ? "shown" : "hidden"}.`,
      isAsked: rest === "",
    };
  },
  "/trace": (session) => {
    session.isTraced = !session.isTraced;
    return { say: session.isTraced ? "Every step is shown." : "Only answers are shown." };
  },
  "/save": async ({ conversation }, rest) => {
    const file = fileOf("/save", rest);
    await saveConversation(file, conversation.messages);
    return { say: `${questions(conversation.questions)} with answers saved in ${oneLine(file)}.` };
  },
  "/load": async ({ conversation }, rest) => {
    const file = fileOf("/load", rest);
    conversation.restore(await loadConversation(file));
    return { say: `${questions(conversation.questions)} with answers loaded from ${oneLine(file)}.` };
  },
  "/help": () => ({ say: CHAT_HELP, isAsked: true }),
  "/exit": () => "exit",
};

/**
 * Carry out a line if it is a command. Returns what to tell the person, "exit", or undefined where the line is a
 * question. Errors: invalid-option for an unknown command; those of the command.
 */
export async function runChatCommand(line: string, session: ChatSession): Promise<Done | undefined> {
  const [, name, rest = ""] = /^(\/[A-Za-z]\S*)\s*(.*)$/s.exec(line) ?? [];
  if (name === undefined) return undefined;
  const command = name === "/quit" ? "/exit" : name;
  if (!Object.hasOwn(COMMANDS, command)) throw unknownName("chat command", name, Object.keys(COMMANDS));
  return COMMANDS[command](session, rest.trim());
}

function fileOf(command: string, file: string): string {
  if (file !== "") return file;
  throw new LlamafuseError("invalid-option", `${command} needs a file: ${command} talk.json`, { option: command });
}

function questions(count: number): string {
  return count === 1 ? "1 question" : `${count} questions`;
}
