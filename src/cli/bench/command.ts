/** `llamafuse bench`: measurements of this machine, by the suite in `src/bench`. */

import type { Command } from "commander";
import type { BenchReport } from "../../../bench/report.js";
import type { SpeedOptions } from "../../../bench/speed.js";
import { LlamafuseError } from "../../errors.js";
import { helpText } from "../help-text.js";
import { MEMBER_FLAGS } from "../member-flags.js";
import { readMethod } from "../method-words.js";
import {
  addCommonOptions,
  addMachineOptions,
  addMemberOptions,
  collect,
  type EnsembleFlags,
  gpuOption,
  memberOptions,
  number,
} from "../options.js";
import { renderTable } from "../table.js";
import { colorsFor, notice, write, writeJson } from "../terminal.js";

interface BenchFlags extends Omit<EnsembleFlags, "method" | "option"> {
  method?: string[];
  prompt?: string;
  chat?: boolean;
  maxTokens?: number;
  rounds?: number;
  limit?: number;
  minutes?: number;
  set?: string[];
  folder?: string;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse bench                            list the benchmarks
  $ llamafuse bench step                       cost of fusing compared with decoding
  $ llamafuse bench fused --set native --json  one set of models, as one JSON document
  $ llamafuse bench speed -m a.gguf -m b.gguf -M unite -M gac:gate=threshold

The report lists sets that were skipped because files are missing. Naming such a set is an error.`;

export function registerBench(program: Command): void {
  const command = program
    .command("bench")
    .summary("measure this machine")
    .description("Run a benchmark behind the README's numbers, or list the benchmarks.")
    .argument("[NAME]", "the benchmark to run")
    .option("--rounds <count>", "repetitions of each measurement (default: the benchmark's own)", number("--rounds"))
    .option("--limit <count>", "quality, real: most questions (default: the benchmark's own)", number("--limit"))
    .option(
      "--minutes <count>",
      "real: ask nothing new after so long; the next run continues (default: no limit)",
      number("--minutes"),
    )
    .option(
      "--set <name>",
      "only these models or tables; repeatable (default: all with files on this machine)",
      collect,
    )
    .option("--folder <folder>", "routing: folder with the tables of outcomes (default: ../shared/routing)")
    .option("--json", "print one JSON document");
  addMemberOptions(command, "Only for speed:")
    .option("-M, --method <name>", "NAME or NAME:OPTION=VALUE,…; repeatable (default: unite and gac)", collect)
    .option("-n, --max-tokens <count>", "most tokens of an answer (default: 64)", number("--max-tokens"))
    .option("--prompt <text>", 'the prompt (default: "Once upon a time")')
    .option("--chat", "send the prompt as a user message, in each member's own chat template");
  addMachineOptions(command);
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (name: string | undefined) => {
      const flags = command.optsWithGlobals<BenchFlags>();
      const { benchInfos, runBench } = await import("../../../bench/benches.js");
      if (name === undefined) return flags.json ? writeJson(benchInfos) : write(process.stdout, renderList(benchInfos));
      const { rounds, limit, minutes, set: sets, folder } = flags;
      const speed = name === "speed" ? speedOptions(flags) : refuseSpeedOptions(name, flags);
      const { page: _, ...report } = await runBench(name, {
        rounds,
        minutes,
        limit,
        sets,
        folder,
        ...speed,
        onProgress: notice,
      });
      await print(report, flags);
    });
}

function speedOptions(flags: BenchFlags): SpeedOptions {
  const { method, prompt, chat, maxTokens } = flags;
  const methods = method?.map((word) => readMethod(word));
  return {
    members: memberOptions(flags as EnsembleFlags),
    methods,
    prompt,
    chat,
    maxTokens,
    gpu: gpuOption(flags as EnsembleFlags),
  };
}

/** Other benches have models of their own. */
function refuseSpeedOptions(name: string, flags: BenchFlags): undefined {
  const { member, ensemble, method, prompt, chat, maxTokens, gpu, contextSize, threads, fit, isolate } = flags;
  const given = {
    member,
    ensemble,
    method,
    prompt,
    chat,
    "max-tokens": maxTokens,
    gpu,
    "context-size": contextSize,
    threads,
    fit,
    ...Object.fromEntries(
      MEMBER_FLAGS.map((flag) => [flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), flags[flag]]),
    ),
    isolate,
  };
  const option = Object.entries(given).find(([, value]) => value !== undefined)?.[0];
  if (option === undefined) return;
  const message = `bench ${name} has no --${option}: it measures its own models. llamafuse bench speed measures yours.`;
  throw new LlamafuseError("invalid-option", message, { option: `--${option}`, found: name, allowed: "speed" });
}

async function print(report: BenchReport, { json }: BenchFlags): Promise<void> {
  if (json) return writeJson(report);
  if (!process.stdout.isTTY) {
    const { renderReport } = await import("../../../bench/report.js");
    return write(process.stdout, renderReport(report));
  }
  const { renderBench } = await import("./render.js");
  await write(process.stdout, renderBench(report, colorsFor(process.stdout)));
}

function renderList(infos: readonly { name: string; summary: string }[]): string {
  const colors = colorsFor(process.stdout);
  const rows = infos.map(({ name, summary }) => [colors.bold(name), summary]);
  return renderTable(rows, { colors, head: ["benchmark", "what it measures"], wrap: [1] });
}
