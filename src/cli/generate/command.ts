/** `llamafuse generate`: one prompt, one answer. */

import type { Command } from "commander";
import type { CascadedResult } from "../../after/cascade/live/cascaded-ensemble.js";
import type { RegeneratedResult } from "../../after/regenerate/regenerated-ensemble.js";
import type { AnswersChunk } from "../../after/select/over-answers.js";
import type { SelectedResult } from "../../after/select/selected-ensemble.js";
import type { RoutedResult } from "../../before/live/routed-ensemble.js";
import { checkRequest, DEFAULT_MAX_TOKENS, type GenerateOptions } from "../../decoding/request.js";
import type { GenerateResult } from "../../decoding/result.js";
import { LlamafuseError } from "../../errors.js";
import type { MemberOptions } from "../../member/member-options.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { type Answering, loadAnswering } from "../load-ensemble.js";
import { noticesOfAnswer, noticesOfMembers, tell } from "../notices.js";
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
import { waitingNotice } from "../progress.js";
import { checkPromptFlags, unreadVariables } from "../prompt-options.js";
import { memberNames, summaryLine } from "../summary.js";
import { AnswerWriter, colorsFor, notice, write, writeJson } from "../terminal.js";
import { readText } from "../text-input.js";
import { SHOW_THINKING, ThoughtWriter } from "../thought-writer.js";
import { renderCalls, TOOL_CHOICE, TOOLS, type ToolFlags, toolsOption } from "../tools-option.js";
import { renderStep, renderSummary, traceColumns } from "./render-trace.js";

interface GenerateFlags extends EnsembleFlags, SamplingFlags, ToolFlags {
  chat?: boolean;
  system?: string;
  trace?: boolean;
  showThinking?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse generate --chat "What is a young deer?"           the native models, fused by unite
  $ llamafuse generate -m a.gguf -m b.gguf -w 2 -w 1 "Once"     a's vote counts double
  $ llamafuse generate --ensemble ensemble.json -t 1 "Once"     settings from the file, but temperature 1
  $ llamafuse generate --method gac --trace "The capital of"    every member's candidates at each step
  $ llamafuse generate --chat --schema person.json "Who is it?"  JSON of this schema, whatever the models' vocabularies
  $ llamafuse generate --tools tools.json --tool-choice add "What is 3 + 4?"   calls a function: a line of JSON each
  $ cat letter.txt | llamafuse generate --chat --system "Summarise." --json | jq -r .text
  $ llamafuse generate -- "-5 degrees is"                       a prompt that begins with a dash

With PROMPT "-", or without PROMPT when input is piped in, it reads stdin and drops one final line break.
See also: "llamafuse methods" for --method and --option, "llamafuse chat" for a conversation.`;

export function registerGenerate(program: Command): void {
  const command = program
    .command("generate")
    .summary("answer one prompt")
    .description("Answer one prompt with all members as one. stdout carries only the answer.")
    .argument("[PROMPT]", "the text to continue, or with --chat the question");
  addEnsembleOptions(command);
  addSamplingOptions(command)
    .option("--chat", "send the prompt as a user message, in each member's own chat template")
    .option("--system <text>", "system message; implies --chat")
    .option(...TOOLS)
    .option(...TOOL_CHOICE)
    .option(...SHOW_THINKING)
    .option("--trace", "print every member's candidates at every step instead of the plain answer")
    .option(
      "--json",
      "print one JSON document: text, reasoning, finishReason, usage, timings, and the trace with --trace",
    );
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (prompt: string | undefined) => {
      process.exitCode = await generate(prompt, command.optsWithGlobals<GenerateFlags>());
    });
}

async function generate(argument: string | undefined, flags: GenerateFlags): Promise<number> {
  const { chat = false, system } = chatOptions(flags);
  const isChat = chat || system !== undefined || flags.tools !== undefined;
  checkPromptFlags(flags, isChat);
  const prompt = await readPrompt(argument);
  // What can be known to be wrong is said before gigabytes are loaded.
  checkRequest(prompt, requestOptions(flags));
  warnOfDraws(flags);
  const options = ensembleOptions(flags);
  const interrupts = new Interrupts();
  const ensemble = await loadAnswering(options, interrupts);
  if (ensemble === undefined) return interrupts.exitCode!;
  try {
    const { temperature } = samplingOptions(flags);
    tell(noticesOfMembers(ensemble, options.members as MemberOptions[], { chat: isChat, temperature }));
    tell(unreadVariables(flags, ensemble.members));
    await answer(ensemble, prompt, flags, interrupts.signal);
    return interrupts.exitCode ?? 0;
  } finally {
    await ensemble.dispose();
    interrupts.release();
  }
}

function requestOptions(flags: GenerateFlags): GenerateOptions {
  const tools = toolsOption(flags);
  return {
    ...samplingOptions(flags),
    ...chatOptions(flags),
    ...tools,
    ...(tools.tools !== undefined && { chat: true }),
  };
}

async function answer(ensemble: Answering, prompt: string, flags: GenerateFlags, signal: AbortSignal): Promise<void> {
  const stream = ensemble.stream(prompt, {
    ...requestOptions(flags),
    trace: flags.trace,
    signal,
  });
  const writer = new AnswerWriter();
  const colors = colorsFor(process.stdout);
  const columns = traceColumns(process.stdout);
  const thoughts = new ThoughtWriter(flags.showThinking ?? false, ensemble.members.length > 1);
  let stopWaiting = waitingNotice("Reading the prompt …");
  let result: GenerateResult;
  try {
    while (true) {
      const next = await stream.next();
      stopWaiting();
      if (!next.done && next.value.reasoning !== undefined) {
        await thoughts.write(next.value.reasoning);
        continue;
      }
      await thoughts.end();
      if (next.done) {
        result = next.value;
        break;
      }
      const { candidate } = next.value as AnswersChunk;
      if (candidate !== undefined) stopWaiting = waitingNotice(`${candidate.count} of ${candidate.planned} answers …`);
      if (flags.json) continue;
      if (!flags.trace) await writer.write(next.value.text);
      else if (next.value.step !== undefined) await write(process.stdout, renderStep(next.value.step, colors, columns));
    }
  } catch (error) {
    // What is said of it begins on a line of its own.
    await writer.endLine();
    throw error;
  } finally {
    stopWaiting();
    thoughts.stop();
    await stream.return(undefined as never);
  }
  if (flags.json) await writeJson(result);
  else if (result.trace !== undefined) await write(process.stdout, renderSummary(result.trace, colors, columns));
  else await writer.endLine();
  if (!flags.json) await write(process.stdout, renderCalls(result.toolCalls));
  tell(noticesOfAnswer(result, flags, samplingOptions(flags).maxTokens ?? DEFAULT_MAX_TOKENS));
  const { route, cascade, selection, regeneration } = result as Partial<
    RoutedResult & CascadedResult & SelectedResult & RegeneratedResult
  >;
  const reason = route?.reason ?? selection?.reason ?? regeneration?.reason;
  if (reason !== undefined) notice(reason);
  for (const { reason: why } of cascade?.calls ?? []) notice(why);
  for (const note of cascade?.notes ?? []) notice(note);
  const asked = route?.models ?? cascade?.calls.map(({ member }) => member);
  const members = asked?.map((name) => ({ name })) ?? ensemble.members;
  notice(`${memberNames({ members })} · ${summaryLine(result)}`);
}

async function readPrompt(argument: string | undefined): Promise<string> {
  if (argument !== undefined && argument !== "-") return argument;
  if (argument === undefined && process.stdin.isTTY) {
    throw new LlamafuseError(
      "invalid-text",
      'The prompt is missing. Give one in quotes (llamafuse generate "Once upon a time"), or pipe one in.',
      { option: "PROMPT" },
    );
  }
  return (await readText(process.stdin, "stdin")).replace(/\r?\n$/, "");
}
