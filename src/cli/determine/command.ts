/** `llamafuse determine`: which models to combine, from their answers to a development set. */

import type { Command } from "commander";
import { LlamafuseError } from "../../errors.js";
import type { Determination } from "../../evaluation/determine.js";
import type { MetricName } from "../../evaluation/metrics/metrics.js";
import { helpText } from "../help-text.js";
import { Interrupts } from "../interrupts.js";
import {
  addCommonOptions,
  addMachineOptions,
  addMemberOptions,
  addSamplingOptions,
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
import { colorsFor, say, write, writeJson } from "../terminal.js";

interface DetermineFlags extends Omit<EnsembleFlags, "method" | "option" | "weight">, SamplingFlags {
  task?: string[];
  maxGap?: number;
  maxLengthRatio?: number;
  most?: number;
  limit?: number;
  metric?: MetricName;
  split?: string;
  chat?: boolean;
  ledger?: string;
  lanes?: number;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse determine                                         the native models, on their development questions
  $ llamafuse determine dev.jsonl -m a.gguf -m b.gguf -m c.gguf --chat
  $ llamafuse determine arc:dev.jsonl -m a.gguf -m b.gguf -m c.gguf --most 2 --ledger runs.jsonl --json

UniTE's first step: the best model, and those at most 10 points below it with answers at most twice, or at least half, as
long. Models are loaded one after another, so they need not fit into memory together. TASK: see "llamafuse help eval"; native
stands for the development questions here, and for the test questions in eval.`;

export function registerDetermine(program: Command): void {
  const command = program
    .command("determine")
    .summary("choose which models to combine")
    .description("Ask every model the questions of a development set, and choose the models to combine.")
    .argument("[TASK...]", "the questions to ask (default: native, its development questions)");
  addMemberOptions(command, "Candidates:")
    .optionsGroup("Questions:")
    .option("--task <task>", "the same as TASK; repeatable", collect)
    .option("-l, --limit <count>", "most questions per task, drawn by the seed (default: all)", number("--limit"))
    .option("--metric <name>", "how to grade answers (default: the task's usual metric)")
    .option("--split <name>", "only questions of this split; native: development (default) or test")
    .option("--chat", "send the prompt as a user message, in each model's own chat template")
    .optionsGroup("Choice:")
    .option("--max-gap <share>", "largest gap to the best model's grade, 0 to 1 (default: 0.1)", number("--max-gap"))
    .option(
      "--max-length-ratio <ratio>",
      "largest ratio between a model's mean answer length and the best model's (default: 2)",
      number("--max-length-ratio"),
    )
    .option("--most <count>", "most models to choose (default: all that qualify)", number("--most"));
  addSamplingOptions(command, "tokens of an answer at most (default: the task's)")
    .optionsGroup("Run and report:")
    .option("--ledger <file>", "save every answer in this file and reuse saved ones, so a stopped run can continue")
    .option("--lanes <count>", "questions answered at once (default: as many as the cores allow)", number("--lanes"))
    .option("--json", "print one JSON document: each model's grade, gap and length, whether it is chosen and why");
  addMachineOptions(command);
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (tasks: string[]) => {
      process.exitCode = await determineModels(tasks, command.optsWithGlobals<DetermineFlags>());
    });
}

async function determineModels(words: readonly string[], flags: DetermineFlags): Promise<number> {
  const [{ readDevelopmentTasks }, { determine }] = await Promise.all([
    import("../eval/arguments.js"),
    import("../../evaluation/determine.js"),
  ]);
  const { maxGap, maxLengthRatio, most, metric, split, limit, ledger, lanes, verbose } = flags;
  const { maxTokens, stop, seed, ...sampling } = samplingOptions(flags);
  const tasks = await readDevelopmentTasks([...words, ...(flags.task ?? [])], { metric, split });
  const interrupts = new Interrupts();
  const answers = new AnswerBar();
  let bars = new LoadBars(1);
  let loading: string | undefined;
  const stopBars = () => {
    bars.stop();
    answers.stop();
  };
  try {
    const determination = await determine({
      members: memberOptions(flags as EnsembleFlags),
      tasks,
      maxGap,
      maxLengthRatio,
      most,
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
      onProgress: (progress) => {
        if (progress.member !== loading) {
          stopBars();
          bars = new LoadBars(1);
          loading = progress.member;
        }
        bars.update(progress);
      },
      onAnswer: (progress) => {
        bars.stop();
        answers.update(progress);
      },
    });
    stopBars();
    await print(determination, flags.json);
    return 0;
  } catch (error) {
    if (interrupts.exitCode === undefined || !(error instanceof LlamafuseError)) throw error;
    stopBars();
    say(`llamafuse: ${messageOf(error)}`);
    return interrupts.exitCode;
  } finally {
    stopBars();
    interrupts.release();
  }
}

async function print(determination: Determination, json: boolean | undefined): Promise<void> {
  if (json) return writeJson(determination);
  const { renderDetermination } = await import("./render.js");
  await write(process.stdout, renderDetermination(determination, colorsFor(process.stdout)));
}
