/** `llamafuse bench`: measurements of this machine, by the suite in `src/bench`. */

import type { Command } from "commander";
import type { BenchReport } from "../../../bench/report.js";
import { helpText } from "../help-text.js";
import { addCommonOptions, collect, number } from "../options.js";
import { renderTable } from "../table.js";
import { colorsFor, notice, write, writeJson } from "../terminal.js";

interface BenchFlags {
  rounds?: number;
  limit?: number;
  set?: string[];
  folder?: string;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  $ llamafuse bench                            what can be measured
  $ llamafuse bench step                       what fusing costs beside decoding
  $ llamafuse bench fused --set native --json  one set of models, as one JSON document

A set whose files are missing is left out, and the report says so; one that you name is an error.`;

export function registerBench(program: Command): void {
  const command = program
    .command("bench")
    .summary("measure this machine")
    .description("Run one of the benchmarks that the README's numbers come from, or list them.")
    .argument("[NAME]", "the benchmark to run")
    .option(
      "--rounds <count>",
      "how often each measurement is repeated (default: the benchmark's own)",
      number("--rounds"),
    )
    .option("--limit <count>", "quality: questions at most, drawn by the seed (default: all)", number("--limit"))
    .option("--set <name>", "only these models or tables; repeatable (default: all whose files are there)", collect)
    .option("--folder <folder>", "routing: where the tables of outcomes are (default: ../shared/routing)")
    .option("--json", "print one JSON document");
  addCommonOptions(command)
    .addHelpText("after", helpText(EXAMPLES))
    .action(async (name: string | undefined, flags: BenchFlags) => {
      const { benchInfos, runBench } = await import("../../../bench/benches.js");
      if (name === undefined) return flags.json ? writeJson(benchInfos) : write(process.stdout, renderList(benchInfos));
      const { rounds, limit, set: sets, folder } = flags;
      const { page: _, ...report } = await runBench(name, { rounds, limit, sets, folder, onProgress: notice });
      await print(report, flags);
    });
}

async function print(report: BenchReport, { json }: BenchFlags): Promise<void> {
  if (json) return writeJson(report);
  const { renderReport } = await import("../../../bench/report.js");
  await write(process.stdout, renderReport(report));
}

function renderList(infos: readonly { name: string; summary: string }[]): string {
  const colors = colorsFor(process.stdout);
  const rows = infos.map(({ name, summary }) => [colors.bold(name), summary]);
  return renderTable(rows, { colors, head: ["benchmark", "what it measures"], wrap: [1] });
}
