/**
 * `npm run bench -- NAME`: measure, print the tables, and write the report to bench/results/NAME.json, with the picture
 * or page beside it where the bench has one.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { LlamafuseError } from "../src/errors.js";
import { checkTarget, writeWhole } from "../src/files.js";
import { benchInfos, runBench } from "./benches.js";
import { drawReport } from "./chart.js";
import { renderReport } from "./report.js";

const OPTIONS = {
  json: { type: "string" },
  rounds: { type: "string" },
  limit: { type: "string" },
  minutes: { type: "string" },
  set: { type: "string", multiple: true },
  folder: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const USAGE = `npm run bench -- NAME [--rounds N] [--limit N] [--minutes N] [--set NAME]… [--folder FOLDER] [--json FILE]

${benchInfos.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`).join("\n")}

  --rounds N       repetitions of each measurement (default: the benchmark's own)
  --limit N        quality, real: questions at most (default: the benchmark's own)
  --minutes N      real: ask nothing new after so long; the next run continues (default: no limit)
  --set NAME       only these models or tables; repeatable (default: all with files on this machine)
  --folder FOLDER  routing: folder with the tables of outcomes (default: ../shared/routing)
  --json FILE      where the figures go (default: bench/results/NAME.json)
`;

async function main(): Promise<number> {
  const { values, positionals } = readArguments() ?? { values: undefined, positionals: [] };
  if (values?.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values === undefined || positionals.length !== 1) {
    process.stderr.write(USAGE);
    return 2;
  }
  const [name] = positionals;
  try {
    const file = values.json ?? path.join("bench", "results", `${name}.json`);
    mkdirSync(path.dirname(file), { recursive: true });
    checkTarget(file);
    const { page, ...report } = await runBench(name, {
      rounds: values.rounds === undefined ? undefined : Number(values.rounds),
      limit: values.limit === undefined ? undefined : Number(values.limit),
      minutes: values.minutes === undefined ? undefined : Number(values.minutes),
      sets: values.set,
      folder: values.folder,
      onProgress: (what) => process.stderr.write(`${name}: ${what}\n`),
    });
    await writeWhole(file, `${JSON.stringify(report, null, 2)}\n`);
    const picture = drawReport(report);
    if (picture !== undefined) await writeWhole(file.replace(/\.json$/, ".svg"), picture);
    if (page !== undefined) await writeWhole(file.replace(/\.json$/, ".html"), page);
    process.stdout.write(renderReport(report));
    return 0;
  } catch (error) {
    if (!(error instanceof LlamafuseError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
}

/** Undefined, with a line on stderr, for an unknown option. */
function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    process.stderr.write(`${(error as Error).message.split(". ")[0]}.\n`);
    return undefined;
  }
}

process.exit(await main());
