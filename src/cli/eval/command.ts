/** `llamafuse eval`: methods × tasks, graded against every member alone and the oracle. */

import { type Command, Option } from "commander";
import { DEFAULT_ROUTER } from "../../before/default-router.js";
import type { MethodOptions } from "../../during/methods.js";
import { LlamafuseError } from "../../errors.js";
import { type MetricName, metricSummaries } from "../../evaluation/metrics/metrics.js";
import type { EvaluationReport } from "../../evaluation/report/summary.js";
import type { Evaluation } from "../../evaluation/run.js";
import { checkTarget, writeWhole } from "../../files.js";
import type { SystemOptions } from "../../systems.js";
import { Forecast } from "../forecast.js";
import { helpList, helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import { readMethod } from "../method-words.js";
import {
  addCommonOptions,
  addMachineOptions,
  addMemberOptions,
  addSamplingOptions,
  addWeightOption,
  chatOptions,
  collect,
  type EnsembleFlags,
  gpuOption,
  memberOptions,
  number,
  type SamplingFlags,
  samplingOptions,
} from "../options.js";
import { AnswerBar, LoadBars } from "../progress.js";
import { messageOf } from "../report-error.js";
import { DEFAULT_WIDTH } from "../table.js";
import { colorsFor, notice, say, write, writeJson } from "../terminal.js";

interface EvalFlags extends Omit<EnsembleFlags, "method" | "option">, SamplingFlags {
  method?: string[];
  after?: string;
  limit?: number;
  metric?: MetricName;
  split?: string;
  chat?: boolean;
  ledger?: string;
  lanes?: number;
  html?: string;
  outcomes?: string;
  fusionPairs?: string;
  details?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse eval                                              the methods on the native models' test questions
  $ llamafuse eval --limit 50 --html report.html                a quick look, and a page to share
  $ llamafuse eval gsm8k-test.jsonl -m a.gguf -m b.gguf --chat -M gac -M unite:k=20 --ledger runs.jsonl
  $ llamafuse eval my-questions.jsonl arc:ARC-Challenge.jsonl --limit 200 --json > results.json

  $ llamafuse eval --limit 50 --after all                       selections and regenerations, from one set of answers

A router of your own models (see llamafuse route --help):
  $ llamafuse eval my-development.jsonl -m a.gguf -m b.gguf --outcomes outcomes.jsonl
  $ llamafuse route fit --train outcomes.jsonl -o router.json
  $ llamafuse eval my-test.jsonl -m a.gguf -m b.gguf -M ${DEFAULT_ROUTER}:router=router.json

TASK is "native", a file, or FORMAT:FILE. The format is detected: jsonl (your own: one {"question", "answers": […],
"skill"?, "choices"?} a line), gsm8k, mmlu (a .csv or a folder of them), arc, triviaqa, nq, piqa.
Rows: each member alone; each method; the oracle, which picks the best member for each question.
"95 %" is the bootstrap interval; "vs" compares with the best member on the same questions.
Each format has its usual metric: accuracy for your own questions, contains for native, number for gsm8k, the likelihood of the
choices for mmlu, arc and piqa, exact-match for triviaqa and nq. The table names it, and --metric takes another: where models
answer your own questions in sentences, --metric contains grades them as native's are.
An unusable record is reported and skipped. A run that was stopped continues with the same --ledger.

Metrics:`;

export function registerEval(program: Command): void {
  const command = program
    .command("eval")
    .summary("grade methods on questions")
    .description("Answer a task's questions with every method and with each member alone, and grade all answers.")
    .argument("[TASK...]", "the questions to ask (default: native)");
  addWeightOption(addMemberOptions(command, "Members and methods:"))
    .option(
      "-M, --method <name>",
      "NAME or NAME:OPTION=VALUE,… such as gac:gate=threshold, or a router with its file; repeatable (default: every method but fusion, proxy and, unless sampled, me)",
      collect,
    )
    .option(
      "--after <all>",
      "also every selection and regeneration that needs no table, all from one set of answers: all, or all:samples=5,temperature=0.7 (without -M, only these)",
    )
    .addOption(new Option("-o, --option <name=value>").hideHelp().argParser(refuseOption))
    .optionsGroup("Questions:")
    .option("-l, --limit <count>", "most questions per task, drawn by the seed (default: all)", number("--limit"))
    .option("--metric <name>", "how to grade answers, see below (default: the format's usual metric)")
    .option("--split <name>", "only questions of this split; native: test (default) or development")
    .option("--chat", "send the prompt as a user message, in each member's own chat template");
  addSamplingOptions(command, "fused steps at most (default: the task's)")
    .optionsGroup("Run and report:")
    .option("--ledger <file>", "save every answer in this file and reuse saved ones, so a stopped run can continue")
    .option("--lanes <count>", "questions answered at once (default: as many as the cores allow)", number("--lanes"))
    .option("--html <file>", "write an HTML page with charts and the questions where methods differ")
    .option(
      "--outcomes <file>",
      "write each member's result on each question, as a table for llamafuse route and cascade; without -M, ask only the members",
    )
    .option(
      "--fusion-pairs <file>",
      "write the members' best answers with the reference, to train a fuser by; without -M, ask only the members",
    )
    .option("--details", "with --outcomes: write the probabilities of tokens and choices too, which cascades read")
    .option("--json", "print one JSON document: rows with intervals and costs, every question with all answers");
  addMachineOptions(command);
  addCommonOptions(command)
    .addHelpText("after", () => `${helpText(EXAMPLES)}\n${helpList(metricSummaries())}`)
    .action(async (tasks: string[]) => {
      process.exitCode = await evaluateTasks(tasks, command.optsWithGlobals<EvalFlags>());
    });
}

/** Of several methods, none would be meant. */
function refuseOption(text: string): never {
  const message = `\`eval\` has no --option; put options after the method name, such as -M unite:${text}.`;
  throw new LlamafuseError("invalid-option", message, { found: text, allowed: "-M NAME:OPTION=VALUE,…", option: "-o" });
}

/** Those named, and those of --after; else the file's; else all, or with --outcomes or --fusion-pairs none. */
function methodsOf(
  { method, after, file, outcomes, fusionPairs }: EvalFlags,
  selectionsOf: (word: string) => SystemOptions[],
) {
  const selections = after === undefined ? [] : selectionsOf(after);
  if (method !== undefined) return [...method.map((word) => readMethod(word)), ...selections];
  if (after !== undefined) return selections;
  if (outcomes !== undefined || fusionPairs !== undefined) return [];
  return file?.method === undefined ? undefined : [file.method as MethodOptions];
}

async function evaluateTasks(words: readonly string[], flags: EvalFlags): Promise<number> {
  const [{ readSelections, readTask }, { evaluate }, { summarise }] = await Promise.all([
    import("./arguments.js"),
    import("../../evaluation/run.js"),
    import("../../evaluation/report/summary.js"),
  ]);
  const { metric, split, limit, ledger, lanes, verbose } = flags;
  const { maxTokens, stop, seed, ...sampling } = samplingOptions(flags);
  if (flags.details && flags.outcomes === undefined) {
    const message = "--details adds to the table that --outcomes writes. Name one: --outcomes FILE --details.";
    throw new LlamafuseError("invalid-option", message, { option: "--details" });
  }
  for (const target of [flags.html, flags.outcomes, flags.fusionPairs]) if (target !== undefined) checkTarget(target);
  const tasks = [];
  for (const word of words.length > 0 ? words : ["native"]) tasks.push(await readTask(word, { metric, split }));
  const members = memberOptions(flags as EnsembleFlags);
  const interrupts = new Interrupts();
  const bars = new LoadBars(members.length);
  const answers = new AnswerBar();
  const forecast = new Forecast({ questions: "--limit", ledger });
  try {
    const evaluation = await evaluate({
      members,
      tasks,
      methods: methodsOf(flags, readSelections),
      limit,
      chat: chatOptions(flags).chat,
      generation: { ...sampling, maxTokens, stop: stop as string[] | undefined },
      seed,
      ledger,
      lanes,
      gpu: gpuOption(flags),
      fit: flags.fit ?? flags.file?.fit,
      logs: verbose ? "stderr" : "silent",
      signal: interrupts.signal,
      onProgress: bars.update,
      onAnswer: (progress) => {
        bars.stop();
        forecast.update(progress, answers);
        answers.update(progress);
      },
    });
    answers.stop();
    if (flags.outcomes !== undefined) await writeOutcomes(evaluation, flags.outcomes, flags.details);
    if (flags.fusionPairs !== undefined) await writePairs(evaluation, flags.fusionPairs);
    await print(summarise(evaluation), flags);
    return 0;
  } catch (error) {
    if (interrupts.exitCode === undefined || !(error instanceof LlamafuseError)) throw error;
    answers.stop();
    say(`llamafuse: ${messageOf(error)}`);
    return interrupts.exitCode;
  } finally {
    bars.stop();
    answers.stop();
    interrupts.release();
  }
}

async function writeOutcomes(evaluation: Evaluation, file: string, details = false): Promise<void> {
  const { outcomeRows } = await import("../../evaluation/outcome-rows.js");
  await writeWhole(file, linesOf(outcomeRows(evaluation, { details })));
  const next = details ? `cascade fit --train ${file} -o cascade.json` : `route fit --train ${file} -o router.json`;
  notice(`The outcomes are in ${file}: llamafuse ${next}`);
}

async function writePairs(evaluation: Evaluation, file: string): Promise<void> {
  const { fusionPairs } = await import("../../evaluation/fusion-pairs.js");
  await writeWhole(file, linesOf(fusionPairs(evaluation)));
  notice(`The pairs are in ${file}: one conversation a line, for a program that fine-tunes.`);
}

function* linesOf(rows: Iterable<unknown>): Generator<string, void, void> {
  for (const row of rows) yield `${JSON.stringify(row)}\n`;
}

async function print(report: EvaluationReport, { html, json }: EvalFlags): Promise<void> {
  if (html !== undefined) {
    const { renderHtml } = await import("../../evaluation/report/html.js");
    await writeWhole(html, renderHtml(report));
    notice(`The report is in ${html}.`);
  }
  if (json) return writeJson(report);
  const { renderEvaluation } = await import("./render.js");
  await write(
    process.stdout,
    renderEvaluation(report, colorsFor(process.stdout), process.stdout.columns || DEFAULT_WIDTH),
  );
}
