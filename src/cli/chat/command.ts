/** `llamafuse chat`: a conversation, with a person at a terminal or with lines from a pipe. */

import type { Command } from "commander";
import { checkDefaults } from "../../decoding/request.js";
import { LlamafuseError } from "../../errors.js";
import { helpText } from "../help-text.js";
import { EXIT_CODES, Interrupts } from "../interrupts.js";
import { loadCompany } from "../load-ensemble.js";
import { noticesOfMembers, tell } from "../notices.js";
import {
  addCommonOptions,
  addEnsembleOptions,
  addSamplingOptions,
  chatOptions,
  type EnsembleFlags,
  ensembleOptions,
  memberOptions,
  type SamplingFlags,
  samplingOptions,
  warnOfDraws,
} from "../options.js";
import { checkPromptFlags, unreadVariables } from "../prompt-options.js";
import { messageOf } from "../report-error.js";
import { memberNames, summaryLine } from "../summary.js";
import { colorsFor, notice, say } from "../terminal.js";
import { readLines } from "../text-input.js";
import { SHOW_THINKING } from "../thought-writer.js";
import { Conversation } from "./conversation.js";
import { MessageReader } from "./message-reader.js";
import { ChatSession } from "./session.js";
import { runChatCommand } from "./slash-commands.js";
import { TerminalLines } from "./terminal-lines.js";
import { answerTurn } from "./turn.js";

interface ChatFlags extends EnsembleFlags, SamplingFlags {
  showThinking?: boolean;
  system?: string;
}

const EXAMPLES = `
Examples:
  $ llamafuse chat                                          with the native models
  $ llamafuse chat -m a.gguf -m b.gguf --system "Be brief." --temperature 0.7
  $ printf 'What is a kid?\\nAnd a cub?\\n' | llamafuse chat  a script: one question a line, only answers on stdout

While it runs: Ctrl-C stops an answer; /reset, /system TEXT, /method NAME, /set OPTION VALUE, /thinking HOW, /trace, /save FILE, /load FILE, /help,
/exit; Ctrl-D, or Ctrl-C twice at the prompt, leaves.
A pasted block is one message, and so are all lines between """ and the next """, also in a script.
When the context is full, the oldest questions and answers are dropped. See also: "llamafuse generate --chat".`;

export function registerChat(program: Command): void {
  const command = program
    .command("chat")
    .summary("hold a conversation")
    .description("Hold a conversation with all members as one, each in its own chat template.");
  addEnsembleOptions(command);
  addSamplingOptions(command)
    .option("--system <text>", "system message")
    .option(...SHOW_THINKING);
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async () => {
      process.exitCode = await chat(command.optsWithGlobals<ChatFlags>());
    });
}

async function chat(flags: ChatFlags): Promise<number> {
  checkPromptFlags(flags, true);
  const { healing: _, ...requestOptions } = samplingOptions(flags);
  checkDefaults({ ...requestOptions, ...chatOptions(flags) });
  warnOfDraws(flags);
  const interrupts = new Interrupts();
  const company = await loadCompany(ensembleOptions(flags), interrupts);
  if (company === undefined) return interrupts.exitCode!;
  const { temperature } = requestOptions;
  tell(noticesOfMembers(company.answering, memberOptions(flags), { chat: true, temperature }));
  tell(unreadVariables(flags, company.answering.members));
  const session = new ChatSession(company, new Conversation(chatOptions(flags).system), requestOptions);
  session.showsThoughts = flags.showThinking ?? false;
  try {
    if (process.stdin.isTTY && (process.stderr.isTTY || process.stdout.isTTY)) {
      interrupts.release();
      return await talk(session);
    }
    return await answerLines(session, interrupts);
  } finally {
    await company.dispose();
    interrupts.release();
  }
}

/** A script's lines: every error ends the run, a signal too. */
async function answerLines(session: ChatSession, interrupts: Interrupts): Promise<number> {
  const reader = new MessageReader();
  // A signal is to end the wait for a line as well.
  interrupts.signal.addEventListener("abort", () => process.stdin.destroy(), { once: true });
  try {
    for await (const line of readLines(process.stdin, "stdin")) {
      if (interrupts.signal.aborted) break;
      const message = reader.push(line);
      if (message === undefined) continue;
      const done = message.isBlock ? undefined : await runChatCommand(message.text, session);
      if (done === "exit") return interrupts.exitCode ?? 0;
      // What was asked for is told, whether or not a person watches.
      if (done !== undefined) (done.isAsked ? say : notice)(done.say);
      else if (message.text.trim() !== "") await answerTurn(session, message.text, interrupts.signal);
    }
    reader.end();
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
  }
  return interrupts.exitCode ?? 0;
}

/** A person at a terminal: what is wrong with one question does not end the conversation. */
async function talk(session: ChatSession): Promise<number> {
  const colors = colorsFor(process.stderr);
  notice(`${memberNames(session.answering)}, ${session.how}. /help lists the commands, Ctrl-D leaves.`);

  let answering: AbortController | undefined;
  let isLeaving = false;
  const reader = new MessageReader();
  const lines = new TerminalLines(colors.cyan("› "), (how) => {
    if (answering !== undefined) {
      // Asked a second time, it ends even where the answer does not.
      if (answering.signal.aborted) process.exit(EXIT_CODES.SIGINT);
      answering.abort();
    } else if (how === "signal") {
      process.exit(EXIT_CODES.SIGINT);
    } else if (isLeaving) {
      lines.close();
    } else {
      isLeaving = true;
      reader.clear();
      lines.interruptLine(colors.dim("Ctrl-C again leaves."));
    }
  });
  const ends = (["SIGTERM", "SIGHUP"] as const).map((name) => [name, () => process.exit(EXIT_CODES[name])] as const);
  for (const [name, end] of ends) process.once(name, end);

  try {
    for (let line = await lines.next(); line !== undefined; line = await lines.next(reader.isOpen)) {
      isLeaving = false;
      const message = reader.push(line);
      if (message === undefined) continue;
      try {
        answering = new AbortController();
        const done = message.isBlock ? undefined : await runChatCommand(message.text, session);
        if (done === "exit") break;
        if (done !== undefined) notice(done.say);
        else if (message.text.trim() !== "") {
          notice(`${summaryLine(await answerTurn(session, message.text, answering.signal))}\n`);
        }
      } catch (error) {
        if (!(error instanceof LlamafuseError) || !RECOVERABLE.has(error.code)) throw error;
        say(`${colors.red("✗")} ${messageOf(error)}`);
      } finally {
        answering = undefined;
      }
    }
    return 0;
  } finally {
    lines.close();
    for (const [name, end] of ends) process.off(name, end);
  }
}

/** What the next line may do better: a wrong command or file, a question or a method that does not fit. */
const RECOVERABLE = new Set([
  "context-overflow",
  "file-unreadable",
  "file-unwritable",
  "incompatible-members",
  "invalid-data",
  "invalid-option",
  "invalid-text",
]);
