/** `llamafuse chat`: a conversation, with a person at a terminal or with lines from a pipe. */

import type { Command } from "commander";
import type { GenerateOptions } from "../../decoding/request.js";
import { checkSamplerOptions } from "../../decoding/sampler-options.js";
import { LlamafuseError } from "../../errors.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { type Answering, loadAnswering } from "../load-ensemble.js";
import {
  addCommonOptions,
  addEnsembleOptions,
  addSamplingOptions,
  chatOptions,
  type EnsembleFlags,
  ensembleOptions,
  type SamplingFlags,
  samplingOptions,
  warnOfDraws,
} from "../options.js";
import { messageOf } from "../report-error.js";
import { memberNames, summaryLine } from "../summary.js";
import { colorsFor, notice } from "../terminal.js";
import { readLines } from "../text-input.js";
import { Conversation } from "./conversation.js";
import { runChatCommand } from "./slash-commands.js";
import { TerminalLines } from "./terminal-lines.js";
import { answerTurn } from "./turn.js";

interface ChatFlags extends EnsembleFlags, SamplingFlags {
  system?: string;
}

const EXAMPLES = `
Examples:
  $ llamafuse chat                                          with the native models
  $ llamafuse chat -m a.gguf -m b.gguf --system "Be brief." --temperature 0.7
  $ printf 'What is a kid?\\nAnd a cub?\\n' | llamafuse chat  a script: one question a line, only answers on stdout

While it runs: Ctrl-C stops an answer; /reset, /system TEXT, /help, /exit; Ctrl-D, or Ctrl-C twice at the prompt, leaves.
When the context is full, the oldest questions and answers are dropped. See also: "llamafuse generate --chat".`;

export function registerChat(program: Command): void {
  const command = program
    .command("chat")
    .summary("hold a conversation")
    .description("Hold a conversation with all members as one, each in its own chat template.");
  addEnsembleOptions(command);
  addSamplingOptions(command).option("--system <text>", "what the members are told first");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async () => {
      process.exitCode = await chat(command.optsWithGlobals<ChatFlags>());
    });
}

async function chat(flags: ChatFlags): Promise<number> {
  checkSamplerOptions(samplingOptions(flags));
  warnOfDraws(flags);
  const interrupts = new Interrupts();
  const ensemble = await loadAnswering(ensembleOptions(flags), interrupts);
  if (ensemble === undefined) return interrupts.exitCode!;
  const conversation = new Conversation(chatOptions(flags).system);
  try {
    if (process.stdin.isTTY && (process.stderr.isTTY || process.stdout.isTTY)) {
      interrupts.release();
      return await talk(ensemble, conversation, samplingOptions(flags));
    }
    return await answerLines(ensemble, conversation, samplingOptions(flags), interrupts);
  } finally {
    await ensemble.dispose();
    interrupts.release();
  }
}

/** A script's lines: every error ends the run, a signal too. */
async function answerLines(
  ensemble: Answering,
  conversation: Conversation,
  options: GenerateOptions,
  interrupts: Interrupts,
): Promise<number> {
  // A signal is to end the wait for a line as well.
  interrupts.signal.addEventListener("abort", () => process.stdin.destroy(), { once: true });
  try {
    for await (const line of readLines(process.stdin, "stdin")) {
      if (interrupts.signal.aborted) break;
      const done = runChatCommand(line, conversation);
      if (done === "exit") break;
      if (done !== undefined) notice(done.say);
      else if (line.trim() !== "") await answerTurn(ensemble, conversation, line, options, interrupts.signal);
    }
  } catch (error) {
    if (!interrupts.signal.aborted) throw error;
  }
  return interrupts.exitCode ?? 0;
}

/** A person at a terminal: what is wrong with one question does not end the conversation. */
async function talk(ensemble: Answering, conversation: Conversation, options: GenerateOptions): Promise<number> {
  const colors = colorsFor(process.stderr);
  const how = "router" in ensemble ? "routed" : "fused";
  notice(`${memberNames(ensemble)}, ${how} by ${ensemble.methodName}. /help lists the commands, Ctrl-D leaves.`);

  let answering: AbortController | undefined;
  let leaving = false;
  const lines = new TerminalLines(colors.cyan("› "), () => {
    if (answering !== undefined) {
      // Asked a second time, it ends even where the answer does not.
      if (answering.signal.aborted) process.exit(130);
      answering.abort();
    } else if (leaving) {
      lines.close();
    } else {
      leaving = true;
      lines.interruptLine(colors.dim("Ctrl-C again leaves."));
    }
  });
  const terminate = () => process.exit(143);
  process.once("SIGTERM", terminate);

  try {
    for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
      leaving = false;
      try {
        const done = runChatCommand(line, conversation);
        if (done === "exit") break;
        if (done !== undefined) notice(done.say);
        else if (line.trim() !== "") {
          answering = new AbortController();
          notice(`${summaryLine(await answerTurn(ensemble, conversation, line, options, answering.signal))}\n`);
        }
      } catch (error) {
        if (!(error instanceof LlamafuseError) || !RECOVERABLE.has(error.code)) throw error;
        process.stderr.write(`${colors.red("✗")} ${messageOf(error)}\n`);
      } finally {
        answering = undefined;
      }
    }
    return 0;
  } finally {
    lines.close();
    process.off("SIGTERM", terminate);
  }
}

/** What the next line may do better: an unknown chat command, a question that does not fit or suit a chat template. */
const RECOVERABLE = new Set(["context-overflow", "invalid-text", "invalid-option"]);
